import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  actsAsServiceAccounts,
  dangersOf,
  dangerWarnings,
  policyWarnings,
} from "../../../src/access/policy/dangers.ts";
import {
  describeNamespaces,
  describeRules,
  givesRight,
  pathToAsk,
  type RoleRule,
  rightToAsk,
  rulesIn,
} from "../../../src/access/policy/rights.ts";

const read = ["get", "list", "watch"];
const write = ["create", "update", "patch", "delete", "deletecollection"];

function aRule(verbs: readonly string[], resources: readonly string[], change: Partial<RoleRule> = {}): RoleRule {
  return { verbs, resources, apiGroups: [""], resourceNames: [], nonResourceURLs: [], ...change };
}

describe("rules give, as RBAC decides", () => {
  const check = { verb: "get", group: "", resource: "pods", namespace: "shop" };
  const metrics = { verb: "get", path: "/metrics/cadvisor" };
  const ofPaths = (...nonResourceURLs: string[]) => aRule(["get"], [], { nonResourceURLs });

  test.each<[string, RoleRule, Parameters<typeof givesRight>[1]]>([
    ["what they name", aRule(read, ["pods"]), check],
    ["everything by stars", aRule(["*"], ["*"], { apiGroups: ["*"] }), check],
    ["a subresource by a star before it", aRule(["get"], ["*/log"]), { ...check, resource: "pods/log" }],
    ["a named object", aRule(["get"], ["pods"], { resourceNames: ["a", "b"] }), { ...check, name: "b" }],
    ["a path", ofPaths("/metrics/cadvisor"), metrics],
    ["what a path with a star begins", ofPaths("/metrics*"), metrics],
  ])("%s", (_, rule, asked) => {
    expect(givesRight([aRule(["watch"], ["nodes"]), rule], asked)).toBe(true);
  });

  test.each<[string, RoleRule, Parameters<typeof givesRight>[1]]>([
    ["another verb", aRule(["list"], ["pods"]), check],
    ["another group", aRule(["get"], ["pods"], { apiGroups: ["metrics.k8s.io"] }), check],
    ["a subresource by its kind", aRule(["get"], ["pods"]), { ...check, resource: "pods/log" }],
    ["a subresource by a star after it", aRule(["get"], ["pods/*"]), { ...check, resource: "pods/log" }],
    ["all objects by a name", aRule(["get"], ["pods"], { resourceNames: ["a"] }), check],
    ["a path by a shorter one", ofPaths("/metrics"), metrics],
    ["a path by resources", aRule(["*"], ["*"], { apiGroups: ["*"] }), metrics],
  ])("not %s", (_, rule, asked) => {
    expect(givesRight([rule], asked)).toBe(false);
  });
});

describe("what a role allows reads as", () => {
  test.each<[string, readonly RoleRule[], string]>([
    ["cluster-admin", [aRule(["*"], ["*"], { apiGroups: ["*"] })], "everything"],
    ["one that reads", [aRule(read, ["services", "pods"])], "read pods, services"],
    ["one that only lists", [aRule(["list"], ["pods"])], "read pods"],
    ["one that changes", [aRule(write, ["deployments"], { apiGroups: ["apps"] })], "change deployments"],
    ["rules that add up", [aRule(read, ["pods"]), aRule(["delete"], ["pods"])], "read and change pods"],
    ["a verb of its own", [aRule(["impersonate"], ["users"])], "impersonate users"],
    ["all verbs of one resource", [aRule(["*"], ["jobs"], { apiGroups: ["batch"] })], "do anything with jobs"],
    ["every resource", [aRule(read, ["*"], { apiGroups: ["*"] })], "read every resource"],
    [
      "every resource of two groups, and no subresource by a star, which gives none",
      [aRule(["*"], ["*", "pods/*"], { apiGroups: ["", "apps"] }), aRule(read, ["pods/*"])],
      "do anything with every resource of the core group, apps",
    ],
    [
      "one subresource of every resource, before the familiar ones",
      [
        aRule(["create"], ["pods", "services", "jobs", "events", "nodes", "configmaps", "*/exec"], {
          apiGroups: ["", "batch"],
        }),
      ],
      "change */exec, pods, jobs, services, configmaps, nodes and 1 more",
    ],
    ["named objects alone", [aRule(["get"], ["secrets"], { resourceNames: ["tls"] })], "read secrets tls"],
    ["a path", [aRule(["get"], [], { nonResourceURLs: ["/metrics"] })], "read the path /metrics"],
    ["what no name can restrict", [aRule(["create", "get"], ["pods"], { resourceNames: ["a"] })], "read pods a"],
    ["no rules", [], "nothing"],
    [
      "resources of other groups, by their groups",
      [aRule(read, ["pods", "widgets"], { apiGroups: ["apps", "metrics.k8s.io"] })],
      "read pods.metrics.k8s.io, widgets",
    ],
    ["what a group does not have", [aRule(read, ["pods/log", "secrets"], { apiGroups: ["apps"] })], "nothing"],
  ])("%s", (_, rules, words) => {
    expect(describeRules(rules)).toBe(words);
  });

  test("bound in namespaces, neither paths nor what is outside of namespaces", () => {
    const rules = [
      aRule(read, ["pods", "nodes", "nodes/proxy"]),
      aRule(["*"], ["clusterroles", "roles"], { apiGroups: ["rbac.authorization.k8s.io"] }),
      aRule(["create"], ["users"], { apiGroups: ["rabbitmq.com"] }),
      aRule(["*"], ["mutatingwebhookconfigurations"], { apiGroups: ["admissionregistration.k8s.io"] }),
      aRule(["approve"], ["certificatesigningrequests/approval"], { apiGroups: ["certificates.k8s.io"] }),
      aRule(["get"], [], { nonResourceURLs: ["/metrics"] }),
    ];

    expect(describeRules(rulesIn(rules, ["shop", "carts"]))).toBe(
      "do anything with roles; read pods; change users.rabbitmq.com",
    );
    expect(rulesIn(rules, ["shop", null])).toBe(rules);
    expect(dangersOf(rulesIn([aRule(["get"], ["nodes/proxy"])], ["shop"]))).toEqual([]);
    expect(describeRules(rulesIn([aRule(["*"], ["*"], { apiGroups: ["*"] })], ["shop"]))).toBe("everything");
  });

  test("what matters most first, and the rest counted", () => {
    const rules = [
      aRule(read, ["endpoints", "events", "pods", "configmaps", "services", "limitranges", "bindings", "secrets"]),
      aRule(["create"], ["pods/exec"]),
    ];

    expect(describeRules(rules)).toBe(
      "read secrets, pods, services, configmaps, events, endpoints and 2 more; change pods/exec",
    );
  });

  test("a text of bounded length, whatever a role holds", () => {
    const words = fc.array(fc.string({ maxLength: 300 }), { maxLength: 30 });
    const rule = fc.record({
      verbs: words,
      apiGroups: words,
      resources: words,
      resourceNames: words,
      nonResourceURLs: words,
    });

    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), (rules) => {
        const names = rules.map((each) => ({ ...each, verbs: each.verbs.map((verb) => verb.slice(0, 20)) }));

        expect(describeRules(names).length).toBeLessThan(40_000);
      }),
    );
  });
});

test.each<[string, readonly string[], readonly string[], readonly string[]]>([
  ["a subresource of every kind", ["create"], ["*/exec"], ["run commands in pods"]],
  ["all tokens", ["create"], ["*/token"], ["sign in as service accounts"]],
  ["the kubelet's own API", ["get"], ["nodes/proxy"], ["run commands in pods"]],
  ["a container added to a pod that runs", ["patch"], ["pods/ephemeralcontainers"], ["run commands in pods"]],
  ["the sight of such a container", ["get"], ["pods/ephemeralcontainers"], []],
  ["the ports of pods", ["create"], ["pods/portforward"], ["reach ports of pods"]],
  ["a secret, which the answer to a patch has", ["patch"], ["secrets"], ["read secrets"]],
  ["secrets, which the answer to their deletion has", ["deletecollection"], ["secrets"], ["read secrets"]],
  ["new secrets", ["create"], ["secrets"], []],
  ["one subresource", ["get"], ["pods/log"], []],
  ["another subresource of every kind", ["get"], ["*/status"], []],
])("a right on %s is as dangerous as what it gives", (_, verbs, resources, found) => {
  expect(dangersOf([aRule(verbs, resources)])).toEqual(found);
});

test.each<[string, string, string, readonly string[]]>([
  ["approve", "signers", "certificates.k8s.io", ["approve certificates"]],
  ["patch", "mutatingwebhookconfigurations", "admissionregistration.k8s.io", ["see and change what others write"]],
  ["create", "mutatingadmissionpolicies", "admissionregistration.k8s.io", ["see and change what others write"]],
  ["create", "persistentvolumes", "", ["reach the nodes' disks"]],
])("whoever can %s %s of the whole cluster is dangerous, and not in a namespace", (verb, kind, group, found) => {
  const rules = [aRule([verb], [kind], { apiGroups: [group] })];

  expect([dangersOf(rules), dangersOf(rulesIn(rules, ["shop"])), actsAsServiceAccounts(rules)]).toEqual([
    found,
    [],
    false,
  ]);
});

const rbac = "rolebindings clusterrolebindings roles clusterroles";
const webhooks = "mutatingwebhookconfigurations validatingwebhookconfigurations";

test.each([
  ["read secrets", "get list watch patch deletecollection", "secrets"],
  ["run commands in pods", "create get", "pods/exec pods/attach nodes/proxy"],
  ["run commands in pods", "update patch", "pods/ephemeralcontainers"],
  ["sign in as service accounts", "create", "serviceaccounts/token"],
  ["impersonate others", "impersonate", "users groups serviceaccounts"],
  ["give rights to themselves and others", "create update patch bind escalate", rbac],
  ["reach ports of pods", "create get update patch delete", "pods/portforward pods/proxy services/proxy"],
  ["see and change what others write", "create update patch", webhooks],
])("an approver reads '%s' of each single right that gives it: %s of %s", (says, verbs, resources) => {
  const everyGroup = { apiGroups: ["*"] };
  const found = verbs
    .split(" ")
    .flatMap((verb) => resources.split(" ").map((each) => dangersOf([aRule([verb], [each], everyGroup)])));

  expect(found).toEqual(found.map(() => [says]));
});

test("all verbs or all resources are as dangerous as each of them, and everything is one danger", () => {
  expect(dangersOf([aRule(["*"], ["secrets"])])).toEqual(["read secrets"]);
  expect(dangersOf([aRule(["impersonate"], ["*"])])).toEqual(["impersonate others"]);
  expect(dangersOf([aRule(["*"], ["*"], { apiGroups: ["*"] })])).toEqual(["do everything"]);
  expect(dangersOf([aRule(["create"], ["pods/exec", "pods/portforward"])])).toEqual(["run commands in pods"]);
});

test("everything of another API group is not dangerous", () => {
  expect(dangersOf([aRule(["*"], ["*"], { apiGroups: ["argoproj.io"] })])).toEqual([]);
});

test("a name makes no right on what has none yet", () => {
  const named = { resourceNames: ["one"] };

  expect(dangersOf([aRule(["deletecollection"], ["secrets"], named)])).toEqual([]);
  expect(dangersOf([aRule(["*"], ["persistentvolumes"], named)])).toEqual([]);
  expect(actsAsServiceAccounts([aRule(["create"], ["pods"], named)])).toBe(false);
  expect(actsAsServiceAccounts([aRule(["create"], ["serviceaccounts/token"], named)])).toBe(true);
});

test("whoever makes pods by any kind of object acts as service accounts", () => {
  const acts = (verb: string, resource: string) =>
    actsAsServiceAccounts([aRule(["get"], ["pods"]), aRule([verb], [resource], { apiGroups: ["*"] })]);
  const kinds = "pods deployments daemonsets statefulsets replicasets replicationcontrollers jobs cronjobs".split(" ");

  for (const verb of ["create", "update", "patch"]) expect(kinds.filter((kind) => !acts(verb, kind))).toEqual([]);
  expect([acts("delete", "pods"), acts("create", "configmaps"), acts("create", "pods/portforward")]).toEqual([
    false,
    false,
    false,
  ]);
  expect(actsAsServiceAccounts([aRule(["create"], ["pods", "pods/exec", "roles"], { apiGroups: ["batch"] })])).toBe(
    false,
  );
});

test("an approver reads a sentence for each role and what it gives, the control of the cluster first", () => {
  const secrets = aRule(["get"], ["secrets"]);
  const maps = aRule(["update"], ["configmaps"]);
  const volumes = aRule(["create"], ["persistentvolumes"]);
  const bound = (name: string, namespace: string | null, ...rules: readonly RoleRule[]) =>
    ({ kind: "ClusterRole", name, namespace, rules }) as const;
  const roles = [
    ...["shop", "carts", "books"].map((namespace) => bound("reader", namespace, secrets, volumes)),
    ...["shop", "carts"].map((namespace) => bound("other", namespace, secrets)),
    bound("tuner", "kube-system", maps),
    ...["shop", null].map((namespace) => bound("both", namespace, secrets, volumes)),
    ...["kube-system", null].map((namespace) => bound("maker", namespace, aRule(["create"], ["pods"]))),
    ...[null, "kube-system"].map((namespace) => bound("cooker", namespace, aRule(["create"], ["pods"]))),
  ];

  expect(dangerWarnings(roles, true)).toMatchInlineSnapshot(`
    [
      "Control of the cluster: ClusterRole tuner in kube-system can change aws-auth.",
      "Control of the cluster: ClusterRole both reaches the service accounts of kube-system.",
      "Control of the cluster: ClusterRole maker reaches the service accounts of kube-system.",
      "Control of the cluster: ClusterRole cooker reaches the service accounts of kube-system.",
      "Dangerous rights: ClusterRole reader in shop and 2 more namespaces lets a person read secrets.",
      "Dangerous rights: ClusterRole other in shop and 1 more namespace lets a person read secrets.",
      "Dangerous rights: ClusterRole both in shop lets a person read secrets.",
      "Dangerous rights: ClusterRole both lets a person read secrets, reach the nodes' disks.",
    ]
  `);
  expect(dangerWarnings(roles, false).join()).not.toContain("aws-auth");
});

test.each([
  ["AmazonEKSClusterAdminPolicy", ["policy AmazonEKSClusterAdminPolicy"], 0],
  ["AmazonEKSAdminViewPolicy", ["policy AmazonEKSAdminViewPolicy"], 1],
])(
  "an approver reads once whether %s is control of the cluster: full control has a warning of its own",
  (_, groups, count) => {
    expect(policyWarnings(groups)).toHaveLength(count);
  },
);

test.each<[readonly (string | null)[], string]>([
  [[null], "in every namespace"],
  [["shop", null], "in every namespace"],
  [["shop", "default", "shop"], "in default, shop"],
  [["a", "b", "c", "d", "e", "f", "g", "h"], "in a, b, c, d, e, f and 2 more"],
])("bindings in %j hold %s", (namespaces, words) => {
  expect(describeNamespaces(namespaces)).toBe(words);
});

describe("the right of a role that a question names", () => {
  test.each<[string, readonly RoleRule[], string | null]>([
    [
      "of the most familiar resource",
      [aRule(["list"], ["secrets"]), aRule(["get"], ["configmaps", "pods"])],
      "get pods",
    ],
    ["by the first rule that has it", [aRule(write, ["pods"]), aRule(read, ["pods"])], "create pods"],
    [
      "of any other resource",
      [aRule(["approve"], ["tickets"], { apiGroups: ["example.com"] })],
      "approve tickets.example.com",
    ],
    [
      "not of a named object, if there is another",
      [aRule(read, ["pods"], { resourceNames: ["one"] }), aRule(read, ["services"])],
      "get services",
    ],
    [
      "of a named object, if there is no other",
      [aRule(read, ["secrets"], { resourceNames: ["tls"] })],
      "get secrets tls",
    ],
    [
      "of a named object, only by a verb that a name can restrict",
      [aRule(["deletecollection", "create", "update"], ["pods", "secrets"], { resourceNames: ["one"] })],
      "update pods one",
    ],
    [
      "of a named object's subresource",
      [aRule(["create"], ["pods/exec"], { resourceNames: ["one"] })],
      "create pods/exec one",
    ],
    [
      "without a star, by what a star of verbs has",
      [aRule(["create", "*"], ["pods"], { resourceNames: ["one"] })],
      "get pods one",
    ],
    ["of no object that others create", [aRule(["create"], ["pods"], { resourceNames: ["one"] })], null],
    ["of the first plain name", [aRule(["get"], ["pods"], { resourceNames: ["a\nb", "one", "two"] })], "get pods one"],
    ["of no name that is not plain", [aRule(["get"], ["pods"], { resourceNames: ["*", "<@U1>"] })], null],
    ["without a star, if it can be", [aRule(["*"], ["*", "jobs"], { apiGroups: ["batch"] })], "get jobs.batch"],
    ["with a star, if there is no other", [aRule(["*"], ["*"], { apiGroups: ["apps"] })], "get *.apps"],
    ["everything, if the role allows everything", [aRule(["*"], ["*"], { apiGroups: ["*"] })], "* *.*"],
    ["never a name that is not plain", [aRule(["get"], ["Pods\n"])], null],
    ["no path", [aRule(["get"], [], { nonResourceURLs: ["/metrics"] })], null],
    ["none without rules", [], null],
  ])("is %s", (_, rules, wanted) => {
    const right = rightToAsk(rules);

    const words = right && [right.verb, `${right.resource}${right.group && `.${right.group}`}`, right.name];
    expect(words?.filter((word) => word !== undefined).join(" ") ?? null).toBe(wanted);
  });
});

test.each<[string, readonly string[], readonly string[], string | null]>([
  ["the first plain path", ["get"], ["/a b", "/metrics", "/logs/*"], "get /metrics"],
  ["all paths, if the role names no other", ["*"], ["*"], "get *"],
  ["no path that is not plain", ["get"], ["<!here>", "metrics"], null],
  ["no path by a verb that is not plain", ["GET\n"], ["/metrics"], null],
])("a question about a path names %s", (_, verbs, nonResourceURLs, wanted) => {
  const right = pathToAsk([aRule(["list"], ["pods"]), aRule(verbs, [], { nonResourceURLs })]);

  expect(right && `${right.verb} ${right.path}`).toBe(wanted);
});
