import { beforeEach, describe, expect, test } from "vitest";
import { alreadyExists, statusAnswer } from "../../../sandbox/cluster/status.ts";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { writeAnnotation } from "../../../src/access/lease/annotation.ts";
import { type ClusterBinding, leaseLabels, type NewBinding } from "../../../src/access/lease/own-bindings.ts";
import { type Cluster, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import { answerTooLarge } from "../../../src/operations/bounds.ts";
import { mapDeadlines, withinDeadline } from "../../../src/operations/deadlines.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { reportChain } from "../../../src/worker/questions/chain.ts";
import { reportCheck } from "../../../src/worker/questions/check.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { signInToCluster } from "../../../src/worker/sign-in/sign-in-cluster.ts";
import { endWithoutLedger } from "../../../src/worker/upkeep/end-without-ledger.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { otherKeys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import {
  approve,
  ask,
  askTogether,
  bound,
  give,
  later,
  modesConfig,
  openingWith,
  requestOf,
  revokeGiven,
  revokeOnly,
} from "./both-ways.ts";
import { entriesOf } from "./entries-of.ts";

const side = useWorkerSide({ everyMode: true });
const account = arns.engineer.split(":")[4] ?? "";
const set = "AWSReservedSSO_Developer_0123456789abcdef";
const session = (name: string) => `arn:aws:sts::${account}:assumed-role/${set}/${name}`;
const alice = session("alice@example.com");
const carol = session("carol@example.com");
const terraforms = `- rolearn: arn:aws:iam::${account}:role/${set}\n  username: sso:{{SessionNameRaw}}\n  groups: []\n`;

/** What others made large takes a busy machine seconds to read, and the API server is in this process. */
const patient = mapDeadlines((ms) => 10 * ms);

let context: WorkerContext;
let cluster: Cluster;

const contextWith = (drift: "report" | "repair" = "report", edit = (text: string) => text): WorkerContext => {
  const config = modesConfig((text) =>
    edit(bound(text.replaceAll("    channel:", `    drift: ${drift}\n    channel:`))),
  );
  cluster = clusterIn(config, clusterName);
  const timing = { ...config.timing, deadlines: patient };
  return { ...side().context(memoryLedger()), config: { ...config, timing } };
};

const document = () => side().sandbox.cluster.awsAuth();

const asCreator = <T>(use: (client: ClusterClient) => Promise<T>) =>
  withinDeadline("migration", patient, () => side().asCreator(cluster, use));

const secondsLater = (seconds: number) => later(context, seconds);

const bindings = () => asCreator((client) => client.listLeaseBindings());

async function onlyBinding(): Promise<ClusterBinding> {
  const [binding, ...others] = await bindings();
  if (!binding || others.length > 0) throw new Error(`there are ${others.length + (binding ? 1 : 0)} bindings`);
  return binding;
}

const may = (name: string, namespace: string) =>
  asCreator((client) =>
    client.may({ username: `sso:${name}`, groups: [] }, { verb: "list", resource: "pods", namespace }),
  ).then(({ allowed }) => allowed);

beforeEach(async () => {
  context = contextWith();
  const mapRoles = `${initialAwsAuth.mapRoles}${terraforms}`;
  await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapRoles } }), "terraform");
});

test("a creation without an answer is told, and no reading for which the run has no time any more", async () => {
  const { faults } = side().sandbox;
  const noTime = () => void faults.plan("kubernetes.get-clusterrolebinding", { type: "cut-before" });
  faults.plan("kubernetes.create-clusterrolebinding", { type: "cut-after" }, { onStrike: noTime });

  const { trouble } = await give(context, cluster, { id: "r-one", principal: alice });

  expect(trouble?.message).toContain("did not answer POST clusterrolebinding");
});

test("a name that the API server calls taken, and that no binding has, is tried again and refuses no lease", async () => {
  const taken = alreadyExists({ group: "rbac.authorization.k8s.io", kind: "", resource: "clusterrolebindings" }, "x");
  const { status, body = "" } = statusAnswer(taken);
  side().sandbox.faults.plan("kubernetes.create-clusterrolebinding", { type: "answer", status, body });

  const given = await give(context, cluster, { id: "r-one", principal: alice });

  expect(given.lease).toMatchObject({ state: "active", failure: null });
});

describe("a lease for one person", () => {
  test("lets in Alice and not Carol, who has the same role, and no one when it is over", async () => {
    const given = await give(context, cluster, { id: "r-one", principal: alice });

    expect(given.lease).toMatchObject({ state: "active", proof: { authorized: { result: "yes" } } });
    expect(given.lease?.proof?.authorized.detail).toContain("not as every session of the role");
    expect([await may("alice@example.com", "default"), await may("carol@example.com", "default")]).toEqual([
      true,
      false,
    ]);
    const ended = await revokeGiven(context, cluster, "r-one");
    expect(ended.lease?.endProof?.authorized.result).toBe("no");
    expect(await may("alice@example.com", "default")).toBe(false);
    expect(await bindings()).toEqual([]);
  });

  test("leaves a document of Terraform as it is, byte for byte, through request, lease and end", async () => {
    const before = JSON.stringify(document());
    await give(context, cluster, { id: "r-one", principal: alice });
    expect(JSON.stringify(document())).toBe(before);
    await revokeGiven(context, cluster, "r-one");

    expect(JSON.stringify(document())).toBe(before);
  });

  test("who also has one by groups: the end of either names the other, which still gives access", async () => {
    const byGroups = (text: string) => text.replace(/bind: \[\{ clusterRole: edit.*\]/, "groups: [eks-access:admins]");
    context = contextWith("report", byGroups);
    await give(context, cluster, { id: "r-groups", level: "admin", principal: arns.engineer });
    await give(context, cluster, { id: "r-roles", principal: arns.engineer });

    const first = await revokeGiven(context, cluster, "r-groups");
    await give(context, cluster, { id: "r-again", level: "admin", principal: arns.engineer });
    const second = await revokeGiven(context, cluster, "r-roles");

    expect(first.lease?.endProof?.others).toEqual([expect.stringMatching(/^r-roles gives viewer until /)]);
    expect(second.lease?.endProof?.others).toEqual([expect.stringMatching(/^r-again gives admin until /)]);
  });

  test("who also has one by groups: where both end in one run, the first end is looked at again once the other is over", async () => {
    const byGroups = (text: string) => text.replace(/bind: \[\{ clusterRole: edit.*\]/, "groups: [eks-access:admins]");
    context = contextWith("report", byGroups);
    await give(context, cluster, { id: "r-groups", level: "admin", principal: arns.engineer });
    await give(context, cluster, { id: "r-roles", principal: arns.engineer });
    await revokeOnly(context, "r-groups");
    await revokeOnly(context, "r-roles");

    await reconcileCluster(context, cluster, "end");
    const first = (await requestOf(context, "r-groups")).lease?.endProof;
    await signInToCluster(secondsLater(20), cluster);
    const again = (await requestOf(context, "r-groups")).lease?.endProof;

    expect([first?.mapped.result, first?.others]).toEqual(["yes", []]);
    expect(again).toMatchObject({ mapped: { result: "no" }, authorized: { result: "no" }, trouble: null });
  });

  test("whose other lease stays bound: a second look at an end does not say that no role is", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    await give(context, cluster, { id: "r-two", level: "admin", principal: alice });
    side().sandbox.faults.plan("kubernetes.subject-access-review", { type: "cut-before" });

    const first = (await revokeGiven(context, cluster, "r-two")).lease?.endProof;
    await signInToCluster(secondsLater(20), cluster);
    const again = (await requestOf(context, "r-two")).lease?.endProof;

    expect([first?.mapped.result, first?.authorized.result]).toEqual(["yes", "not tested"]);
    expect([again?.mapped, again?.trouble]).toEqual([first?.mapped, null]);
  });

  test("that the API server does not know for long is proved by a later look, and so is an end that it still allows", async () => {
    let isBehind = true;
    const lagging = openingWith((client) => ({
      may: async (user, access) => {
        const answer = await client.may(user, access);
        const binding = { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "eks-access-r-one-0a1b2c3d"' };
        const isGiven = (await requestOf(context, "r-one")).lease?.end !== null;
        return isBehind ? { ...answer, ...(isGiven ? binding : { allowed: false, reason: "" }) } : answer;
      },
    }));
    const behind = { ...context, openCluster: lagging };

    const begun = await give(behind, cluster, { id: "r-one", principal: alice });
    isBehind = false;
    await signInToCluster({ ...secondsLater(20), openCluster: lagging }, cluster);
    const proved = await requestOf(context, "r-one");
    isBehind = true;
    const ended = await revokeGiven(behind, cluster, "r-one");
    await signInToCluster({ ...secondsLater(20), openCluster: lagging }, cluster);
    const later = await requestOf(context, "r-one");
    isBehind = false;
    await signInToCluster({ ...secondsLater(40), openCluster: lagging }, cluster);
    const gone = await requestOf(context, "r-one");

    expect(begun.lease).toMatchObject({
      proof: { authorized: { result: "not tested" } },
      reviewTrouble: { attempts: 1 },
    });
    expect(proved.lease).toMatchObject({ proof: { authorized: { result: "yes" } }, reviewTrouble: null });
    expect(ended.lease?.endProof).toMatchObject({ authorized: { result: "yes" }, trouble: { attempts: 1 } });
    expect(later.lease?.endProof).toMatchObject({ authorized: { result: "yes" }, trouble: { attempts: 2 } });
    expect(gone.lease?.endProof).toMatchObject({ authorized: { result: "no" }, trouble: null });
  });

  test.each([
    ["no call was sent because another run began", "overtaken", false],
    ["its call got no answer", "unanswered", true],
  ] as const)(
    "whose run is repeated is marked as sent again only if an earlier call can arrive: %s",
    async (_, failure, isSentAgain) => {
      let isFirst = true;
      const fails = (what: string) => {
        const is = isFirst && failure === what;
        if (is) isFirst = false;
        return is;
      };
      const { isNewestRun } = context.ledger;
      const ledger = {
        ...context.ledger,
        isNewestRun: async (place: string, run: string) => !fails("overtaken") && isNewestRun(place, run),
      };
      const openCluster = openingWith(({ createBinding }) => ({
        createBinding: async (...given) => {
          if (fails("unanswered")) throw new AccessError("cluster-unreachable", "no answer");
          return createBinding(...given);
        },
      }));
      const failing = { ...context, ledger, openCluster };

      await give(failing, cluster, { id: "r-one", principal: alice });
      await reconcileCluster({ ...failing, now: () => new Date(Date.now() + 5_000) }, cluster);
      const { lease } = await requestOf(context, "r-one");

      expect(isFirst).toBe(false);
      expect([lease?.state, lease?.sentAgainAt !== null]).toEqual(["active", isSentAgain]);
    },
  );

  test("in one namespace holds in no other, and the proof says so", async () => {
    const given = await give(context, cluster, { id: "r-one", level: "admin", principal: alice });

    expect((await onlyBinding()).namespace).toBe("default");
    expect(await may("alice@example.com", "kube-system")).toBe(false);
    expect(given.preview?.warnings.join()).toContain("lets a person read secrets");
    expect(given.preview?.rights?.[0]).toMatchObject({ role: "ClusterRole edit", where: "in default" });
  });

  test("whose level names nothing to verify is proved by a right of each role that it binds, and so is its end", async () => {
    const both = "bind: [{ clusterRole: edit, in: [default] }, { clusterRole: view, in: [kube-system] }]";
    context = contextWith("report", (text) =>
      text.replace(/ {4}verify:\n( {6}.*\n)+/g, "").replace(/bind: \[\{ clusterRole: edit.*\]/, both),
    );
    expect(cluster.levels.find(({ name }) => name === "admin")?.verify).toEqual([]);

    const given = await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    const ended = await revokeGiven(context, cluster, "r-one");

    expect(given.lease?.proof?.authorized).toEqual({
      result: "yes",
      detail:
        "can get pods in default, get pods in kube-system, not in every namespace, not as every session of the role",
    });
    expect(ended.lease?.endProof?.authorized).toEqual({
      result: "no",
      detail: "can't get pods in default, get pods in kube-system, asked as sso:alice@example.com",
    });
  });

  test("whose role has rights on named objects alone is proved by one of them, and so is its end", async () => {
    const rules = [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["one", "two"] }];
    await side().sandbox.cluster.setRbac({ roles: [{ name: "few", rules }], bindings: [] });
    context = contextWith("report", (text) =>
      text
        .replace(/ {4}verify:\n( {6}.*\n)+/g, "")
        .replace(/bind: \[\{ clusterRole: edit.*\]/, "bind: [{ clusterRole: few, in: [default] }]"),
    );

    const given = await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    const ended = await revokeGiven(context, cluster, "r-one");

    expect(given.lease?.proof?.authorized).toEqual({
      result: "yes",
      detail: "can get configmaps one in default, not in every namespace, not as every session of the role",
    });
    expect(ended.lease?.endProof?.authorized).toEqual({
      result: "no",
      detail: "can't get configmaps one in default, asked as sso:alice@example.com",
    });
  });

  test("whose role has rights on paths alone is proved by one of them, and so is its end", async () => {
    const rules = [{ verbs: ["get"], nonResourceURLs: ["/metrics", "/metrics/*"] }];
    await side().sandbox.cluster.setRbac({ roles: [{ name: "scraper", rules }], bindings: [] });
    context = contextWith("report", (text) =>
      text
        .replace(/ {4}verify:\n( {6}.*\n)+/g, "")
        .replace(/bind: \[\{ clusterRole: edit.*\]/, "bind: [{ clusterRole: scraper, in: all }]"),
    );

    const given = await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    const ended = await revokeGiven(context, cluster, "r-one");

    expect(given.lease?.proof?.authorized).toEqual({
      result: "yes",
      detail: "can get the path /metrics, not as every session of the role",
    });
    expect(ended.lease?.endProof?.authorized).toEqual({
      result: "no",
      detail: "can't get the path /metrics, asked as sso:alice@example.com",
    });
  });

  test("whose level verifies one object by its name is proved by that object alone", async () => {
    const rules = [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["one"] }];
    await side().sandbox.cluster.setRbac({ roles: [{ name: "few", rules }], bindings: [] });
    const verifying = (name: string) =>
      contextWith("report", (text) =>
        text
          .replace(/ {4}verify:\n( {6}.*\n)+/g, "")
          .replace(
            /bind: \[\{ clusterRole: edit.*\]/,
            `bind: [{ clusterRole: few, in: [default] }]\n    verify: [{ verb: get, resource: configmaps, name: ${name} }]`,
          ),
      );

    context = verifying("one");
    const given = await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    await revokeGiven(context, cluster, "r-one");
    context = verifying("two");
    const other = await give(context, cluster, { id: "r-two", level: "admin", principal: alice });

    expect(given.lease?.proof?.authorized).toEqual({
      result: "yes",
      detail: "can get configmaps one in default, not in every namespace, not as every session of the role",
    });
    expect(other.lease?.proof?.authorized).toEqual({ result: "no", detail: "can't get configmaps two in default" });
  });

  test("of two people with one role each has their own, and the end of one takes nothing of the other", async () => {
    await give(context, cluster, { id: "r-alice", principal: alice });
    await give(context, cluster, { id: "r-carol", principal: carol });
    await revokeGiven(context, cluster, "r-alice");

    expect([await may("alice@example.com", "default"), await may("carol@example.com", "default")]).toEqual([
      false,
      true,
    ]);
  });

  test("is impossible if everyone with the role has one username, and the refusal names it", async () => {
    const same = terraforms.replace("sso:{{SessionNameRaw}}", "developer");
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapRoles: same } }));

    const refused = await ask(context, cluster, { id: "r-one", principal: alice });
    expect(refused.refusal).toMatchObject({
      code: "no-own-name",
      message: expect.stringContaining("the username developer. All sessions share it."),
    });
  });

  test("is void where its role allows more than when it was approved", async () => {
    const config = modesConfig((text) => bound(text).replace("clusterRole: view", "clusterRole: growing"));
    const growing = { ...context, config };
    const role = (verbs: string[]) => ({ name: "growing", rules: [{ verbs, apiGroups: [""], resources: ["pods"] }] });
    await side().sandbox.cluster.setRbac({ roles: [role(["list"])], bindings: [] });
    await ask(growing, clusterIn(config, clusterName), { id: "r-one", principal: alice });
    await approve(growing, clusterIn(config, clusterName), "r-one");
    await side().sandbox.cluster.setRbac({ roles: [role(["list", "delete"])], bindings: [] });

    await reconcileCluster(growing, clusterIn(config, clusterName));
    expect(await requestOf(growing, "r-one")).toMatchObject({
      ...{ state: "pending", lease: null },
      voided: {
        message: "the request, the policy, the principal's entry or a role's rights are not what was approved",
      },
    });
    expect(await bindings()).toEqual([]);
  });

  test("is void where the name of its person changes before the write", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice });
    await approve(context, cluster, "r-one");
    const other = terraforms.replace("sso:", "people:");
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapRoles: other } }));

    await reconcileCluster(context, cluster);
    expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
    expect(await bindings()).toEqual([]);
  });
});

describe("what others do to a binding", () => {
  const edited = async (change: Partial<ClusterBinding>, of: ClusterBinding) =>
    asCreator(async (client) => {
      await client.deleteBinding(of);
      const { name, namespace, labels, annotations, role } = { ...of, ...change };
      await client.createBinding({
        name,
        namespace,
        labels,
        annotations,
        role,
        user: change.subjects?.[0]?.name ?? "x",
      });
    });

  test("is reported, where another user was put into it, and ends with the lease", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    await edited({ subjects: [{ kind: "User", name: "sso:carol@example.com" }] }, await onlyBinding());

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift?.message).toContain("others changed or deleted");
    await revokeGiven(context, cluster, "r-one");
    expect(await may("carol@example.com", "default")).toBe(false);
    expect(await bindings()).toEqual([]);
  });

  test.each<[string, Partial<ClusterBinding>]>([
    ["annotation", { annotations: {} }],
    ["label", { labels: {} }],
    ["annotation and label", { annotations: { "eks-access/lease": "{}" }, labels: {} }],
  ])("keeps nothing when the lease ends, where they took its %s away and left its person", async (_, change) => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const own = await onlyBinding();
    await edited({ ...change, subjects: own.subjects }, own);
    await reconcileCluster(context, cluster, "inspect");

    await revokeGiven(context, cluster, "r-one");

    expect(await asCreator((client) => client.findBinding(own))).toBeNull();
    expect(await may("alice@example.com", "default")).toBe(false);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", remains: { groups: [] } });
  });

  test.each<[string, Partial<ClusterBinding> | null]>([
    ["as the worker made it", null],
    ["without its seal", { annotations: {} }],
  ])("%s is not reported as gone where a webhook refuses its deletion with a 404", async (_, change) => {
    await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    const own = (await bindings()).find(({ namespace }) => namespace !== null);
    if (!own) throw new Error("the level binds no role in a namespace");
    if (change) await edited({ ...change, subjects: own.subjects }, own);
    const message = 'admission webhook "policy.example.com" denied the request: no such ticket';
    const body = JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "NotFound",
      message,
      code: 404,
    });
    const headers = { "content-type": "application/json" };
    const refused = side().sandbox.faults.plan(
      "kubernetes.delete-rolebinding",
      { type: "answer", status: 404, headers, body },
      { times: 9 },
    );

    const kept = await revokeGiven(context, cluster, "r-one");
    refused.cancel();

    expect(kept).toMatchObject({ lease: { state: "active" }, trouble: { code: "cluster-refused-write" } });
    expect(kept.trouble?.message).toContain("no such ticket");
    expect((await revokeGiven(context, cluster, "r-one")).lease?.state).toBe("ended");
    expect(await bindings()).toEqual([]);
  });

  describe.each<[string, Partial<ClusterBinding>]>([
    ["annotation", { annotations: {} }],
    ["annotation and label", { annotations: {}, labels: {} }],
  ])("who take its %s away right after its creation", (_, change) => {
    const strippedAtOnce = async () => {
      await ask(context, cluster, { id: "r-one", principal: alice });
      await approve(context, cluster, "r-one");
      const openCluster = openingWith((client) => ({
        createBinding: async (binding, options) => {
          const { labels, annotations } = binding;
          return { ...(await client.createBinding({ ...binding, ...change }, options)), labels, annotations };
        },
      }));
      await reconcileCluster({ ...context, openCluster }, cluster);
      expect(await requestOf(context, "r-one")).toMatchObject({
        lease: { state: "scheduled" },
        trouble: { code: "binding-exists" },
      });
    };

    test("keep no access when the lease ends", async () => {
      await strippedAtOnce();

      await revokeGiven(context, cluster, "r-one");

      expect(await may("alice@example.com", "default")).toBe(false);
      await reconcileCluster(secondsLater(180), cluster);
      expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
    });

    test("delay the lease until the next try, which makes it again", async () => {
      await strippedAtOnce();

      await reconcileCluster(secondsLater(5), cluster);

      expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      expect((await onlyBinding()).annotations).not.toEqual({});
      await revokeGiven(secondsLater(180), cluster, "r-one");
      expect(await may("alice@example.com", "default")).toBe(false);
    });

    test("keep no access when the approval does not count any more", async () => {
      await strippedAtOnce();
      const other = terraforms.replace("sso:", "people:");
      await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapRoles: other } }));

      await reconcileCluster(secondsLater(5), cluster);

      const { lease } = await requestOf(context, "r-one");
      expect(lease?.voidSince).not.toBeNull();
      expect(await may("alice@example.com", "default")).toBe(false);
      await reconcileCluster(secondsLater(60), cluster);
      expect((await requestOf(context, "r-one")).lease?.voidSince).toBe(lease?.voidSince);
    });
  });

  test("whose approval one run finds void while another one proves it keeps what its record says", async () => {
    const { ledger } = context;
    let proved: Parameters<typeof ledger.commit>[0] | null = null;
    const slow: typeof ledger.commit = async (change) => {
      if (change.event?.type !== "lease.active") return ledger.commit(change);
      proved = change;
      return { type: "conflict", current: null };
    };
    await ask(context, cluster, { id: "r-one", principal: alice });
    await approve(context, cluster, "r-one");
    await reconcileCluster({ ...context, ledger: { ...ledger, commit: slow } }, cluster);
    const other = terraforms.replace("sso:", "people:");
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapRoles: other } }));
    // The first run goes on right before the second one records that the approval is void.
    const overtaken: typeof ledger.commit = async (change) => {
      if (change.event?.detail.voidSince && proved) await ledger.commit(proved);
      return ledger.commit(change);
    };

    await reconcileCluster({ ...context, ledger: { ...ledger, commit: overtaken } }, cluster);

    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
    expect(await bindings()).toHaveLength(1);
  });

  describe.each<[string, Partial<NewBinding>]>([
    ["puts another person into", { user: "sso:carol@example.com" }],
    ["binds another role in", { role: { kind: "ClusterRole", name: "cluster-admin" } }],
    ["takes our seal from", { annotations: {} }],
    ["takes our label from", { labels: {} }],
  ])("a webhook that %s it at its creation", (_, change) => {
    const changing = (isChanged: (binding: NewBinding) => boolean) => {
      const openCluster = openingWith((client) => ({
        createBinding: (binding, options) =>
          client.createBinding(isChanged(binding) ? { ...binding, ...change } : binding, options),
      }));
      return { ...context, openCluster };
    };

    test("gives no one access: the binding goes at once, and the lease fails", async () => {
      await give(
        changing(() => true),
        cluster,
        { id: "r-one", principal: alice },
      );

      const { lease } = await requestOf(context, "r-one");
      expect(lease).toMatchObject({ state: "failed", failure: { code: "binding-changed" } });
      expect(lease?.failure?.message).toContain("was changed by an admission webhook or policy. It is deleted");
      expect(await bindings()).toEqual([]);
      expect([await may("alice@example.com", "default"), await may("carol@example.com", "default")]).toEqual([
        false,
        false,
      ]);
    });

    test("without an answer to the worker gives no one access after the next run", async () => {
      const openCluster = openingWith((client) => ({
        createBinding: async (binding, options) => {
          await client.createBinding({ ...binding, ...change }, options);
          throw new AccessError("cluster-unreachable", "The API server did not answer");
        },
      }));
      await give({ ...context, openCluster }, cluster, { id: "r-one", principal: alice });
      expect((await requestOf(context, "r-one")).lease?.state).toBe("scheduled");

      await reconcileCluster(later(context, 100), cluster);

      expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      expect((await bindings()).map(({ role, subjects }) => [role.name, subjects.map(({ name }) => name)])).toEqual([
        ["view", ["sso:alice@example.com"]],
      ]);
      expect(await may("carol@example.com", "default")).toBe(false);
    });

    test("leaves nothing of the lease's other bindings", async () => {
      const both = "bind: [{ clusterRole: edit, in: [default] }, { clusterRole: view, in: [kube-system] }]";
      context = contextWith("report", (text) => text.replace(/bind: \[\{ clusterRole: edit.*\]/, both));

      await give(
        changing(({ namespace }) => namespace === "kube-system"),
        cluster,
        {
          ...{ id: "r-one", level: "admin", principal: alice },
        },
      );

      expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "binding-changed" } });
      expect(await bindings()).toEqual([]);
      expect(await may("alice@example.com", "default")).toBe(false);
    });

    test("whose binding can't be deleted delays the lease, and the next try removes it", async () => {
      side().sandbox.faults.plan("kubernetes.delete-rolebinding", { type: "answer", status: 500 });

      await give(
        changing(() => true),
        cluster,
        { id: "r-one", level: "admin", principal: alice },
      );
      expect((await requestOf(context, "r-one")).lease?.state).toBe("scheduled");
      await reconcileCluster(secondsLater(5), cluster);

      expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      expect(await may("carol@example.com", "default")).toBe(false);
      await revokeGiven(secondsLater(180), cluster, "r-one");
      expect(await may("alice@example.com", "default")).toBe(false);
    });
  });

  test("with another name, from a webhook, gives no one access: it goes at once, and the lease fails", async () => {
    const openCluster = openingWith((client) => ({
      createBinding: (binding, options) => client.createBinding({ ...binding, name: "theirs" }, options),
    }));

    await give({ ...context, openCluster }, cluster, { id: "r-one", principal: alice });

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "binding-changed" } });
    expect(await bindings()).toEqual([]);
    expect(await may("alice@example.com", "default")).toBe(false);
  });

  test("keeps no lease, theirs or another's, where they make theirs too large to read", async () => {
    await give(context, cluster, { id: "r-alice", principal: alice });
    const own = await onlyBinding();
    await give(context, cluster, { id: "r-carol", principal: carol });
    const labels = { ...own.labels, ...Object.fromEntries(Array.from({ length: 50_001 }, (_, at) => [`l${at}`, ""])) };
    await edited({ labels, subjects: own.subjects }, own);

    await revokeGiven(context, cluster, "r-carol");
    await revokeGiven(context, cluster, "r-alice");

    expect([await may("alice@example.com", "default"), await may("carol@example.com", "default")]).toEqual([
      false,
      false,
    ]);
    expect(await bindings()).toEqual([]);
  });

  test("ends beside a role that they made too large to read, and that role begins no lease", async () => {
    await give(context, cluster, { id: "r-carol", principal: carol });
    await ask(context, cluster, { id: "r-alice", level: "admin", principal: alice });
    await approve(context, cluster, "r-alice");
    const growing = openingWith((client) => ({
      roleRules: async (role, namespace) => {
        if (role.name !== "edit") return client.roleRules(role, namespace);
        throw answerTooLarge("The API server answers with more than 50000 values");
      },
    }));
    await revokeOnly(context, "r-carol");

    await reconcileCluster({ ...context, openCluster: growing }, cluster);

    expect(await may("carol@example.com", "default")).toBe(false);
    expect((await requestOf(context, "r-carol")).lease?.state).toBe("ended");
    expect(await bindings()).toEqual([]);
    expect(await requestOf(context, "r-alice")).not.toMatchObject({ lease: { state: "active" } });
    await ask({ ...context, openCluster: growing }, cluster, { id: "r-again", level: "admin", principal: alice });
    expect((await requestOf(context, "r-again")).refusal?.message).toBe(
      "ClusterRole edit in default is too large to read. Ask an operator.",
    );
  });

  test("gives the same elsewhere by a binding of their own, and the proof does not deny it", async () => {
    context = contextWith("report", (text) => text.replace(/ {4}verify:\n( {6}.*\n)+/g, ""));
    const theirs = { labels: {}, annotations: {}, role: { kind: "ClusterRole", name: "edit" } as const };
    const places = [
      { name: "theirs", namespace: "kube-system", user: "sso:alice@example.com" },
      { name: "carols", namespace: "default", user: "sso:carol@example.com" },
    ];
    for (const place of places) await asCreator((client) => client.createBinding({ ...place, ...theirs }));

    const given = await give(context, cluster, { id: "r-one", level: "admin", principal: alice });

    expect(given.lease?.proof?.authorized.detail).toMatch(
      /, not in every namespace, not as every session of the role$/,
    );
  });

  test("is repaired if the configuration says so", async () => {
    context = contextWith("repair");
    await give(context, cluster, { id: "r-one", principal: alice });
    await edited({ subjects: [{ kind: "User", name: "sso:carol@example.com" }] }, await onlyBinding());

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();
    expect([await may("alice@example.com", "default"), await may("carol@example.com", "default")]).toEqual([
      true,
      false,
    ]);
  });

  test.each<[string, Partial<ClusterBinding>]>([
    ["annotation", { annotations: {} }],
    ["label", { labels: {} }],
    ["annotation and label", { annotations: {}, labels: {} }],
  ])("is made whole again where they took its %s away, if the configuration says so", async (_, change) => {
    context = contextWith("repair");
    await give(context, cluster, { id: "r-one", principal: alice });
    const own = await onlyBinding();
    await edited({ ...change, subjects: own.subjects }, own);

    for (let run = 0; run < 3; run += 1) await reconcileCluster(context, cluster, "inspect");

    const request = await requestOf(context, "r-one");
    expect(request).toMatchObject({ trouble: null, lease: { state: "active", drift: null } });
    expect(await onlyBinding()).toMatchObject({ labels: own.labels, annotations: own.annotations });
    expect(await may("alice@example.com", "default")).toBe(true);
    const types = (await context.ledger.eventsOf("r-one", 100)).map(({ event }) => event.type);
    expect(types.filter((type) => type === "lease.repaired")).toHaveLength(1);
    await revokeGiven(context, cluster, "r-one");
    expect(await asCreator((client) => client.findBinding(own))).toBeNull();
  });

  test("is made for the person's new name where they change it, if the configuration says so", async () => {
    context = contextWith("repair");
    await give(context, cluster, { id: "r-one", principal: alice });
    const other = `${initialAwsAuth.mapRoles}${terraforms.replace("sso:", "people:")}`;
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapRoles: other } }));

    await reconcileCluster(context, cluster, "inspect");

    expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();
    expect((await onlyBinding()).subjects).toMatchObject([{ kind: "User", name: "people:alice@example.com" }]);
  });

  test("is made again where they delete one of two, if the configuration says so", async () => {
    context = contextWith("repair", (text) =>
      text.replace(
        /bind: \[\{ clusterRole: edit.*\]/,
        "bind: [{ clusterRole: edit, in: [default] }, { clusterRole: view, in: [default] }]",
      ),
    );
    await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    const before = (await bindings()).map(({ name }) => name);
    await asCreator(async (client) => {
      for (const each of (await client.listLeaseBindings()).slice(0, 1)) await client.deleteBinding(each);
    });

    await reconcileCluster(context, cluster, "inspect");

    expect([before.length, (await bindings()).map(({ name }) => name)]).toEqual([2, before]);
  });

  test("is no lost access where they took its label alone away: the binding still gives it", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const own = await onlyBinding();
    await edited({ labels: {}, subjects: own.subjects }, own);

    await reconcileCluster(context, cluster, "inspect");

    expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();
    await revokeGiven(context, cluster, "r-one");
    expect(await asCreator((client) => client.findBinding(own))).toBeNull();
  });

  test.each(["report", "repair"] as const)(
    "is reported in the log once where they forge one: with %s",
    async (drift) => {
      context = contextWith(drift);
      await give(context, cluster, { id: "r-one", principal: alice });
      const own = await onlyBinding();
      const { labels, annotations, role, namespace } = own;
      await asCreator((client) =>
        client.createBinding({ name: "a-copy", namespace, labels, annotations, role, user: "sso:mallory@example.com" }),
      );

      await reconcileCluster(context, cluster, "inspect");
      expect((await bindings()).map(({ name }) => name)).toEqual(
        drift === "repair" ? [own.name] : ["a-copy", own.name],
      );
      await revokeGiven(context, cluster, "r-one");
      expect((await bindings()).map(({ name }) => name)).toEqual(drift === "repair" ? [] : ["a-copy"]);
      const events = (await context.ledger.events(1, 1000)).map(({ event }) => event);
      const said = events.filter(({ type }) => type === "annotation.refused").map(({ detail }) => detail.why);
      expect(said).toEqual([expect.stringContaining("a-copy")]);
    },
  );

  test("fills no log where they forge again and again: three events in an hour, each with all new ones", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const forge = (name: string) =>
      asCreator((client) =>
        client.createBinding({
          ...{ name, namespace: "default", labels: leaseLabels, annotations: {} },
          ...{ role: { kind: "ClusterRole", name: "view" } as const, user: "sso:mallory@example.com" },
        }),
      );

    for (const round of [1, 2, 3, 4, 5]) {
      await Promise.all([forge(`a-${round}`), forge(`b-${round}`)]);
      await reconcileCluster(context, cluster, "inspect");
    }

    const events = (await context.ledger.events(1, 1000)).map(({ event }) => event);
    const said = events.filter(({ type }) => type === "annotation.refused").map(({ detail }) => detail.why);
    expect(said).toEqual([1, 2, 3].map((round) => expect.stringMatching(`a-${round}.*b-${round}.*3 times an hour`)));
  });

  test("fills no log with the names of those that they forge: the API server bounds none", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const forged = { labels: leaseLabels, annotations: {}, role: { kind: "ClusterRole", name: "view" } as const };
    const name = `a\n${"long".repeat(25_000)}`;
    await asCreator((client) =>
      client.createBinding({ ...forged, name, namespace: "default", user: "sso:mallory@example.com" }),
    );

    await reconcileCluster(context, cluster, "inspect");

    const events = (await context.ledger.events(1, 1000)).map(({ event }) => event);
    const said = events.filter(({ type }) => type === "annotation.refused").map(({ detail }) => String(detail.why));
    expect(said).toEqual([expect.stringMatching(/^The RoleBinding a longlong.{1,400}$/)]);
  });
});

test.each([
  ["", "ClusterRole x in .."],
  ["../../x", "Role .. in ."],
  ["y".repeat(5_000), `ClusterRole ${"z".repeat(5_000)} in ${"z".repeat(5_000)}`],
  ["<!channel>\n", "ClusterRole ü in %2e%2e"],
  ["\ud800", "ClusterRole \ud800"],
])("a forged record with the id r-%s and the role %s delays no other's end", async (id, text) => {
  await give(context, cluster, { id: "r-one", principal: alice });
  const forged = { id: `r-${id}`, cluster: clusterName, groups: [text], principal: alice, version: 1 };
  const over = anApprovedRequest(forged);
  const now = new Date().toISOString();
  const due = { ...over, id: `${over.id}x`, approvals: over.approvals.map((each) => ({ ...each, at: now })) };
  for (const record of [over, due]) await context.ledger.commit(aChange(record));

  const ended = await revokeGiven(context, cluster, "r-one");

  expect(ended.lease).toMatchObject({ state: "ended" });
  expect(await bindings()).toEqual([]);
});

test.each([
  ["edit", "[kube-system]", true],
  ["edit", "all", true],
  ["view", "[kube-system]", false],
  ["edit", "[default]", false],
])("the approver reads whether %s in %s is control of the cluster", async (role, where, isControl) => {
  const config = modesConfig((text) =>
    bound(text).replace("clusterRole: edit, in: [default]", `clusterRole: ${role}, in: ${where}`),
  );
  const { preview } = await ask({ ...context, config }, clusterIn(config, clusterName), {
    id: "r-one",
    level: "admin",
    principal: alice,
  });

  expect(preview?.warnings.some((warning) => warning.startsWith("Control of the cluster: "))).toBe(isControl);
});

/** Previews a level that binds so, in a cluster with these namespaces and roles. */
async function previewBinding(bind: string, change: Partial<ClusterClient> = {}) {
  const config = modesConfig((text) => bound(text).replace(/bind: \[\{ clusterRole: edit.*\]/, `bind: [${bind}]`));
  const openCluster = openingWith(() => ({
    namespaces: async () => ["shop", "payments", ...many, "kube-system"].map((name) => ({ name, isEnding: false })),
    ...change,
  }));
  const asked = { id: "r-one", level: "admin", principal: alice };
  return (await ask({ ...context, config, openCluster }, clusterIn(config, clusterName), asked)).preview;
}

test("a namespace that is being deleted is refused before anyone is asked, as one that does not exist", async () => {
  const config = modesConfig((text) => bound(text).replace("in: all", "in: [shop, nowhere, default]"));
  const namespace = (name: string, phase: string) => ({ metadata: { name }, status: { phase } });
  const body = JSON.stringify({ items: [namespace("default", "Active"), namespace("shop", "Terminating")] });
  const headers = { "content-type": "application/json" };
  side().sandbox.faults.plan("kubernetes.list-namespaces", { type: "answer", status: 200, headers, body });

  const asked = await ask({ ...context, config }, clusterIn(config, clusterName), { id: "r-one", principal: alice });

  expect(asked).toMatchObject({
    state: "refused",
    refusal: {
      code: "namespace-absent",
      message: "staging is deleting namespace shop and has no namespace nowhere.",
    },
  });
});

const many = Array.from({ length: 19 }, (_, index) => `app-${index + 10}`);

test("no number of other namespaces hides from the approver that kube-system is control of the cluster", async () => {
  const preview = await previewBinding(`{ clusterRole: edit, in: [${[...many, "kube-system"].join(", ")}] }`);

  expect(preview?.warnings.slice(0, 2)).toEqual([
    "Control of the cluster: ClusterRole edit in kube-system reaches the service accounts of kube-system.",
    "Dangerous rights: ClusterRole edit in app-10 and 19 more namespaces lets a person read secrets, run commands in pods.",
  ]);
});

test.each([
  ["any ConfigMap", ["update"], [], true],
  ["aws-auth", ["patch"], ["aws-auth"], true],
  ["another ConfigMap", ["update", "patch"], ["leader"], false],
])("the approver reads whether a right on %s in kube-system can change aws-auth", async (_, verbs, names, is) => {
  const rule = { verbs, apiGroups: [""], resources: ["configmaps"], resourceNames: names, nonResourceURLs: [] };
  const preview = await previewBinding("{ role: tuner, in: [shop, kube-system] }", { roleRules: async () => [rule] });

  const control = "Control of the cluster: Role tuner in kube-system can change aws-auth.";
  expect(preview?.warnings.filter((warning) => warning.startsWith("Control "))).toEqual(is ? [control] : []);
});

test("the approver reads what each of two Roles of one name allows", async () => {
  const roleRules: ClusterClient["roleRules"] = async (_, namespace) => [
    {
      verbs: namespace === "shop" ? ["get"] : ["delete"],
      apiGroups: ["apps"],
      resources: ["deployments"],
      resourceNames: [],
      nonResourceURLs: [],
    },
  ];
  const preview = await previewBinding("{ role: deployer, in: [shop, payments] }", { roleRules });

  expect(preview?.rights?.map(({ where, allows }) => `${where}: ${allows}`)).toEqual([
    "in shop: read deployments",
    "in payments: change deployments",
  ]);
});

test("the approver reads of an access entry with a role that can choose the name that a lease binds", async () => {
  const analytics = clusterIn(context.config, "analytics");
  const entries = entriesOf(side().sandbox, analytics);
  const { arn: role } = side().sandbox.aws.account.addRole({
    name: set,
    path: "/aws-reserved/sso.amazonaws.com/",
    allow: [],
  });
  const named = { username: "sso:{{SessionNameRaw}}", groups: [], tags: {} };
  for (const principalArn of [role, arns.developers]) {
    await entries.create({ ...named, principalArn });
  }

  const { preview, refusal } = await ask(context, analytics, { id: "r-one", principal: alice });
  for (const arn of [role, arns.developers]) await entries.remove(arn);

  expect(refusal).toBeNull();
  expect(preview?.warnings.find((text) => text.includes("can also be"))).toMatch(
    `Same username: ${arns.developers} can also be sso:alice@example.com`,
  );
});

test.each(["alice@example.com", "alice-example.com"])(
  "the approver reads that another person signs in as %s too, where @ becomes -",
  async (name) => {
    await side().sandbox.cluster.editAwsAuth(
      (map) => ({ ...map, data: { ...map.data, mapRoles: map.data?.mapRoles?.replace("NameRaw}}", "Name}}") ?? "" } }),
      "terraform",
    );

    const { preview } = await ask(context, cluster, { id: "r-one", principal: session(name) });

    expect(preview?.warnings.join()).toContain("so two people can be sso:alice-example.com.");
  },
);

test("the sealed memory of aws-auth is not that of the bindings: a copy of it is refused", async () => {
  const sealed = writeAnnotation(sealedClusterOf(cluster), [], side().context(memoryLedger()).keys.memory, {
    list: [],
    notBefore: "2020-01-01T00:00:00.000Z",
  });

  await asCreator(async (client) => client.writeWithdrawals(await client.readWithdrawals(), { leases: sealed ?? "" }));
  await reconcileCluster(context, cluster, "adopt");

  const events = (await context.ledger.events(1, 1000)).map(({ event }) => event);
  expect(events.find(({ type }) => type === "annotation.refused")?.detail.why).toContain("not ours for this cluster");
});

test("an overtaken run makes no binding: the newer run may have seen none", async () => {
  await ask(context, cluster, { id: "r-one", principal: alice });
  await approve(context, cluster, "r-one");
  const ledger = { ...context.ledger, isNewestRun: async () => false };

  await reconcileCluster({ ...context, ledger, pause: async () => {} }, cluster);

  expect(await bindings()).toEqual([]);
  expect((await requestOf(context, "r-one")).trouble).toMatchObject({
    code: "cluster-conflict",
    message: expect.stringMatching(/Another run has begun .*\. Do nothing: the newer run continues\.$/),
  });
});

describe("a worker that dies", () => {
  test("after a binding was made leaves nothing behind: the next run proves the lease, and makes no second one", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice });
    await approve(context, cluster, "r-one");
    const { ledger } = context;
    const dying = {
      ...context,
      ledger: {
        ...ledger,
        commit: (change: Parameters<typeof ledger.commit>[0]) =>
          change.event?.type === "lease.active" ? Promise.reject(new Error("killed")) : ledger.commit(change),
      },
    };
    await reconcileCluster(dying, cluster).catch(() => {});
    expect(await bindings()).toHaveLength(1);

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
    expect(await bindings()).toHaveLength(1);
  });

  test("a lease that was never proved is not reported as over while a call that makes its binding may still arrive", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice });
    await approve(context, cluster, "r-one");
    const lost = openingWith(() => {
      const createBinding = () => Promise.reject(new AccessError("cluster-unreachable", "no answer"));
      return { createBinding };
    });
    await reconcileCluster({ ...context, openCluster: lost }, cluster);
    await revokeOnly(context, "r-one");
    await reconcileCluster(context, cluster);
    expect((await requestOf(context, "r-one")).trouble?.code).toBe("binding-late");

    await reconcileCluster(secondsLater(180), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
  });

  test("a lease whose binding was asked for twice ends only when the first call can't arrive any more", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice });
    await approve(context, cluster, "r-one");
    const late: NewBinding[] = [];
    const slow = openingWith(() => {
      const createBinding = (binding: NewBinding) => {
        late.push(binding);
        return Promise.reject(new AccessError("cluster-unreachable", "no answer"));
      };
      return { createBinding };
    });
    await reconcileCluster({ ...context, openCluster: slow }, cluster);
    await reconcileCluster(secondsLater(5), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");

    const revoked = await revokeGiven(secondsLater(10), cluster, "r-one");
    expect(await bindings()).toEqual([]);
    expect(revoked).toMatchObject({ lease: { state: "active" }, trouble: { code: "binding-late" } });
    for (const binding of late) await asCreator((client) => client.createBinding(binding));
    expect(await bindings()).toHaveLength(1);

    await reconcileCluster(secondsLater(180), cluster);
    expect(await bindings()).toEqual([]);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  });

  test("a revoked lease whose binding arrives after the ledger was lost is removed at the second look", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice });
    await approve(context, cluster, "r-one");
    const unanswered: NewBinding[] = [];
    const slow = openingWith(() => {
      const createBinding = (binding: NewBinding) => {
        unanswered.push(binding);
        return Promise.reject(new AccessError("cluster-unreachable", "no answer"));
      };
      return { createBinding };
    });
    await reconcileCluster({ ...context, openCluster: slow }, cluster);
    await revokeOnly(context, "r-one");
    await reconcileCluster(context, cluster);
    const looks: [afterMs: number, job: unknown][] = [];
    const fresh = contextWith();
    const add = async (_: string, job: unknown, { delay = 0 } = {}) => delay > 0 && looks.push([delay, job]);
    const queues = { ...fresh.queues, clusters: { ...fresh.queues.clusters, add } } as unknown as typeof fresh.queues;

    await adoptCluster({ ...fresh, queues }, cluster);
    for (const binding of unanswered) await asCreator((client) => client.createBinding(binding));
    expect(await bindings()).toHaveLength(1);
    await adoptCluster({ ...fresh, queues }, cluster);

    const look = { type: "adopt", cluster: cluster.name };
    // The second one found something to remove, so another look follows.
    expect(looks).toEqual([91_000, 421_000, 300_000].map((afterMs) => [afterMs, look]));
    expect(await bindings()).toEqual([]);
  });

  test("with its ledger leaves what the bindings remember: the lease is found again, with its person", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const fresh = contextWith();

    expect(await adoptCluster(fresh, cluster)).toEqual({ recovered: ["r-one"], ended: [] });
    expect(await requestOf(fresh, "r-one")).toMatchObject({ principal: alice, level: "viewer" });
    await revokeGiven(fresh, cluster, "r-one");
    expect(await bindings()).toEqual([]);
  });
});

test("a lease ends where others made more bindings with our label than can be read: its own are found by their names", async () => {
  await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
  const flooded = openingWith(() => {
    const listLeaseBindings = () => Promise.reject(new AccessError("answer-too-large", "too many"));
    return { listLeaseBindings };
  });

  await revokeGiven({ ...context, openCluster: flooded }, cluster, "r-one");
  expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  expect(await bindings()).toEqual([]);
});

describe("what a run reads", () => {
  /** Opens the cluster, and notes how bindings are looked for. */
  const noting = (found: string[]): typeof openCluster => {
    return openingWith((client) => {
      const listLeaseBindings: ClusterClient["listLeaseBindings"] = async () => {
        found.push("all");
        return client.listLeaseBindings();
      };
      const findBinding: ClusterClient["findBinding"] = async (place) => {
        found.push(place.name);
        return client.findBinding(place);
      };
      return { listLeaseBindings, findBinding };
    });
  };

  /** Opens the cluster, and counts its calls, and how many of them wait for the answer to another. */
  const counting = (counted: { calls: number; inARow: number }): typeof openCluster => {
    let answered = 0;
    return async (...about) => {
      const open = await openCluster(...about);
      const client = new Proxy(open.client, {
        get: (target, name) => {
          const call: unknown = Reflect.get(target, name);
          if (typeof call !== "function" || name === "close") return call;
          return async (...given: unknown[]) => {
            const place = answered + 1;
            counted.calls += 1;
            counted.inARow = Math.max(counted.inARow, place);
            try {
              return await Reflect.apply(call, target, given);
            } finally {
              answered = Math.max(answered, place);
            }
          };
        },
      });
      return { ...open, client };
    };
  };

  test("to begin a lease waits for three answers in a row; by aws-auth it waits for five", async () => {
    const byMap = { calls: 0, inARow: 0 };
    const byBinding = { calls: 0, inARow: 0 };
    const groups = { ...side().context(memoryLedger()), config: modesConfig() };
    const mapped = clusterIn(groups.config, clusterName);
    for (const [of, at] of [
      [groups, mapped],
      [context, cluster],
    ] as const) {
      await ask(of, at, { id: "r-one", level: "viewer", principal: of === groups ? arns.engineer : alice });
      await approve(of, at, "r-one");
    }

    await reconcileCluster({ ...groups, openCluster: counting(byMap) }, mapped);
    await reconcileCluster({ ...context, openCluster: counting(byBinding) }, cluster);

    for (const of of [groups, context]) expect((await requestOf(of, "r-one")).lease?.state).toBe("active");
    expect(byMap).toEqual({ calls: 5, inARow: 5 });
    expect(byBinding).toEqual({ calls: 9, inARow: 3 });
  });

  test("to begin a lease is its binding and aws-auth, before and after, and what its principal has besides", async () => {
    await give(context, cluster, { id: "r-alice", principal: alice });
    await give(context, cluster, { id: "r-carol", principal: carol });
    await ask(context, cluster, { id: "r-more", level: "admin", principal: carol });
    await approve(context, cluster, "r-more");
    const found: string[] = [];
    const audited = side().sandbox.cluster.auditLog;
    // The log keeps its newest lines alone.
    const before = audited().at(-1) ?? expect.fail("the API server has no audit line");

    await reconcileCluster({ ...context, openCluster: noting(found) }, cluster);

    const lines = audited();
    const given = await requestOf(context, "r-more");
    expect(given.lease?.proof?.mapped.detail).toContain("with ClusterRole view, ClusterRole edit in default");
    const nameOf = (id: string) => expect.stringMatching(`^eks-access-${id}-`);
    expect(found).toEqual([nameOf("r-carol"), nameOf("r-more"), nameOf("r-more")]);
    const since = lines.slice(lines.indexOf(before) + 1);
    expect(since.filter(({ requestURI }) => requestURI.includes("aws-auth"))).toHaveLength(2);
  });

  test("to begin a lease is everything, where the approver saw one beside that only the cluster remembers", async () => {
    await give(context, cluster, { id: "r-lost", principal: alice });
    const fresh = contextWith();
    await ask(fresh, cluster, { id: "r-one", level: "admin", principal: alice });
    await approve(fresh, cluster, "r-one");
    const found: string[] = [];

    await reconcileCluster({ ...fresh, openCluster: noting(found) }, cluster);

    expect((await requestOf(fresh, "r-one")).lease?.state).toBe("active");
    expect(found[0]).toBe("all");
  });

  test("an end reads all bindings: a forged record that names other roles hides none of them", async () => {
    const given = await give(context, cluster, { id: "r-one", principal: alice });
    const [{ groups = [] } = {}] = cluster.levels.filter(({ name }) => name === "admin");
    await context.ledger.commit(aChange(revise(given, { groups })));

    await revokeGiven(context, cluster, "r-one");

    expect(await bindings()).toEqual([]);
  });
});

const endless = "x".repeat(100_000);
const view = ["ClusterRole view"];

test.each([
  ["an endless id", endless, view],
  ["an endless role", "r-forged", [`ClusterRole ${endless}`, ...view]],
  ["an endless namespace", "r-forged", [`ClusterRole view in ${endless}`, ...view]],
  ["a thousand roles", "r-forged", Array.from({ length: 1_000 }, (_, index) => `ClusterRole view-${index}`)],
])("a record in Redis with %s delays no other lease and no end", async (_, id, groups) => {
  const wanted: string[] = [];
  // That what the records invent is not there needs no call.
  const noting = openingWith((client) => ({
    findBinding: async (place) => {
      wanted.push(place.name);
      return place.name.includes("r-one") ? client.findBinding(place) : null;
    },
    roleRules: async (role, namespace) => {
      wanted.push(role.name);
      return role.name === "view" ? client.roleRules(role, namespace) : null;
    },
  }));
  const forged = { principal: carol, cluster: cluster.name, durationSeconds: 28_800 };
  const scheduled = { ...anApprovedRequest(forged), version: 1, groups };
  const approvals = scheduled.approvals.map((each) => ({ ...each, at: context.now().toISOString() }));
  const active = { ...aLeasedRequest({}, forged), version: 1, groups, approvals };
  await context.ledger.commit(aChange({ ...scheduled, id: `${id}-1`, approvals }));
  await context.ledger.commit(aChange({ ...active, id: `${id}-2` }));

  const given = await give({ ...context, openCluster: noting }, cluster, { id: "r-one", principal: alice });
  const ended = await revokeGiven({ ...context, openCluster: noting }, cluster, "r-one");

  expect([given.lease?.state, ended.lease?.state]).toEqual(["active", "ended"]);
  expect(await bindings()).toEqual([]);
  expect(wanted.every((each) => each.length < 300)).toBe(true);
  expect(new Set(wanted).size).toBeLessThan(1_000);
});

test.each(["report", "repair"] as const)(
  "a lease whose namespace is deleted meanwhile has lost its access and ends, with %s",
  async (drift) => {
    context = contextWith(drift);
    await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
    await asCreator(async (client) => void (await client.deleteBinding(await onlyBinding())));
    const gone = () => Promise.reject(new AccessError("namespace-absent", "default is being terminated"));
    const openCluster = openingWith(() => ({ createBinding: gone }));

    await reconcileCluster({ ...context, openCluster }, cluster, "inspect");
    const { lease, trouble } = await requestOf(context, "r-one");
    await revokeGiven({ ...context, openCluster }, cluster, "r-one");
    // A repair's call could still arrive for 90 seconds.
    await reconcileCluster(secondsLater(180), cluster);

    const ended = await requestOf(context, "r-one");
    expect(lease?.drift?.message).toMatch(drift === "report" ? /its bindings are gone/ : /being terminated/);
    expect(trouble?.code).toBe(drift === "report" ? undefined : "namespace-absent");
    expect(ended).toMatchObject({ lease: { state: "ended", remains: { groups: [] } }, trouble: null });
  },
);

test("a lease whose namespace is being deleted, and then is gone, is reported as lost once, and is back in a new one", async () => {
  context = contextWith("repair");
  await give(context, cluster, { id: "r-one", level: "admin", principal: alice });
  await asCreator(async (client) => void (await client.deleteBinding(await onlyBinding())));
  const answer = (status: number, reason: string, message: string, kind: string) => {
    const body = JSON.stringify({
      kind: "Status",
      status: "Failure",
      code: status,
      reason,
      message,
      details: { kind },
    });
    const fault = { type: "answer", status, headers: { "content-type": "application/json" }, body } as const;
    side().sandbox.faults.plan("kubernetes.create-rolebinding", fault);
  };

  const ending = "unable to create new content in namespace default because it is being terminated";
  answer(403, "Forbidden", ending, "rolebindings");
  await reconcileCluster(context, cluster, "inspect");
  answer(404, "NotFound", 'namespaces "default" not found', "namespaces");
  await reconcileCluster(context, cluster, "inspect");
  const lost = await requestOf(context, "r-one");
  await reconcileCluster(context, cluster, "inspect");

  const events = (await context.ledger.eventsOf("r-one", 99)).map(({ event }) => event.type);
  expect(events.filter((type) => /^lease\.(drifted|repaired)$/.test(type))).toEqual([
    "lease.drifted",
    "lease.repaired",
  ]);
  expect(lost).toMatchObject({
    lease: {
      drift: {
        message: expect.stringMatching(
          new RegExp(`^the namespace was deleted; the worker can't restore access yet: .*${ending}`),
        ),
      },
    },
    trouble: { code: "namespace-absent", message: expect.stringContaining('namespaces "default" not found') },
  });
  expect(await requestOf(context, "r-one")).toMatchObject({ lease: { drift: null }, trouble: null });
});

describe("a role that others take from a lease in force", () => {
  const rules = [{ verbs: ["list"], apiGroups: [""], resources: ["pods"] }];
  const setRole = (...roles: { name: string; rules: typeof rules }[]) =>
    side().sandbox.cluster.setRbac({ roles, bindings: [] });
  const giveWith = async (drift: "report" | "repair", id = "r-one", principal = alice) => {
    await setRole({ name: "few", rules });
    context = contextWith(drift, (text) =>
      text.replace(/bind: \[\{ clusterRole: edit.*\]/, "bind: [{ clusterRole: few, in: [default] }]"),
    );
    return give(context, cluster, { id, level: "admin", principal });
  };
  const lostNow = async () => (await requestOf(context, "r-one")).lease?.drift?.message;
  const eventsNow = async () => (await context.ledger.eventsOf("r-one", 50)).map(({ event }) => event.type);
  const unreadable = (error: AccessError) => openingWith(() => ({ roleRules: () => Promise.reject(error) }));

  test.each(["report", "repair"] as const)(
    "is reported once, and its return once, and the lease keeps its binding, with %s",
    async (drift) => {
      await giveWith(drift);
      const { uid } = await onlyBinding();
      const before = (await eventsNow()).length;
      await setRole();

      for (const _ of [1, 2, 3]) await reconcileCluster(context, cluster, "inspect");
      const lost = await lostNow();
      await give(context, cluster, { id: "r-two", principal: alice });
      const beside = await lostNow();
      await setRole({ name: "few", rules });
      for (const _ of [1, 2]) await reconcileCluster(context, cluster, "inspect");

      expect([lost, beside, await lostNow()]).toEqual([
        "the ClusterRole few is gone",
        "the ClusterRole few is gone",
        undefined,
      ]);
      expect((await eventsNow()).slice(before)).toEqual(["lease.drifted", "lease.repaired"]);
      expect((await bindings()).map((each) => each.uid)).toContain(uid);
      expect(await may("alice@example.com", "default")).toBe(true);
    },
  );

  test.each(["report", "repair"] as const)(
    "is reported once where it has no rules any more, with %s",
    async (drift) => {
      await giveWith(drift);
      const before = (await eventsNow()).length;
      await setRole({ name: "few", rules: [] });

      for (const _ of [1, 2, 3]) await reconcileCluster(context, cluster, "inspect");

      expect(await lostNow()).toBe("the ClusterRole few has no rules any more");
      expect((await eventsNow()).slice(before)).toEqual(["lease.drifted"]);
    },
  );

  test.each([
    ["may not be read", new AccessError("cluster-forbidden", "GET ClusterRole few")],
    ["is too large", answerTooLarge("GET ClusterRole few")],
  ])("leaves a lease as it was found where it %s", async (_, error) => {
    await giveWith("report");
    const blind = { ...context, openCluster: unreadable(error) };

    await reconcileCluster(blind, cluster, "inspect");
    const first = await lostNow();
    await setRole();
    await reconcileCluster(context, cluster, "inspect");
    await reconcileCluster(blind, cluster, "inspect");

    expect([first, await lostNow()]).toEqual([undefined, "the ClusterRole few is gone"]);
  });

  test("is named by check and whoami at once", async () => {
    const asked = { user: "U0ENGINEER", isResponsible: true };
    await giveWith("report");
    await setRole();

    const report = JSON.stringify(await reportCheck(context, cluster, asked));
    const { links } = await reportChain(context, cluster, asked);

    const words = "the ClusterRole few is gone";
    expect(report).toContain(`is active, but its access is missing: ${words}.`);
    expect(report).toContain("Create it, or correct the level.");
    expect(links.find(({ name }) => name === "drift")?.detail).toContain(words);
  });

  test("is read once by an inspection for all leases, and by no other run beside them", async () => {
    await giveWith("report");
    await give(context, cluster, { id: "r-two", level: "admin", principal: carol });
    const read: string[] = [];
    const noting = openingWith((client) => ({
      roleRules: (role, namespace) => {
        read.push(role.name);
        return client.roleRules(role, namespace);
      },
    }));

    await reconcileCluster({ ...context, openCluster: noting }, cluster, "inspect");
    const inspected = read.splice(0);
    await give({ ...context, openCluster: noting }, cluster, { id: "r-three", principal: carol });

    expect(inspected).toEqual(["few"]);
    expect(read).not.toContain("few");
  });
});

test("a policy that refuses to create or delete bindings: nothing is given, and nothing is reported as over", async () => {
  const denied = () => Promise.reject(new AccessError("cluster-refused-write", "policy p denied the request"));
  const refusing = openingWith(() => ({ createBinding: denied, deleteBinding: denied }));
  await give(context, cluster, { id: "r-one", principal: alice });
  await give({ ...context, openCluster: refusing }, cluster, { id: "r-never", principal: carol });

  const kept = await revokeGiven({ ...context, openCluster: refusing }, cluster, "r-one");

  expect(await requestOf(context, "r-never")).toMatchObject({
    lease: { state: "scheduled" },
    trouble: { code: "cluster-refused-write" },
  });
  expect(kept).toMatchObject({ lease: { state: "active" }, trouble: { code: "cluster-refused-write" } });
  expect((await revokeGiven(context, cluster, "r-one")).lease?.state).toBe("ended");
});

test("a lease whose removed binding a policy refuses to restore is not shown as active, and is back when it allows it", async () => {
  context = contextWith("repair");
  const denied = () => Promise.reject(new AccessError("cluster-refused-write", "Policy p denied the request"));
  const openCluster = openingWith(() => ({ createBinding: denied }));
  const lostNow = async () => (await requestOf(context, "r-one")).lease?.drift?.message;
  await give(context, cluster, { id: "r-one", principal: alice });
  await asCreator(async (client) => void (await client.deleteBinding(await onlyBinding())));

  await reconcileCluster({ ...context, openCluster }, cluster, "inspect");
  const lost = await lostNow();
  await reconcileCluster(context, cluster, "inspect");

  expect([lost, await lostNow()]).toEqual([
    "others removed it; the worker can't restore access yet: Policy p denied the request",
    undefined,
  ]);
  expect(await bindings()).toHaveLength(1);
});

test("a lease is not reported as over while finalizers keep its binding", async () => {
  await give(context, cluster, { id: "r-one", principal: alice });
  const keeping = openingWith(() => ({ deleteBinding: async () => "kept" as const }));

  await revokeGiven({ ...context, openCluster: keeping }, cluster, "r-one");
  const request = await requestOf(context, "r-one");
  expect(request).toMatchObject({ lease: { state: "active" }, trouble: { code: "binding-kept" } });
});

test("of one person's leases, one that can't end and one that can't begin delay no other", async () => {
  const isOf = ({ name }: { readonly name: string }, id: string) => name.startsWith(`eks-access-${id}-`);
  const failing = () => Promise.reject(new AccessError("cluster-unexpected", "the API server answered 500"));
  const openCluster = openingWith((client) => ({
    deleteBinding: async (...about) => (isOf(about[0], "r-kept") ? "kept" : client.deleteBinding(...about)),
    createBinding: (...about) => (isOf(about[0], "r-never") ? failing() : client.createBinding(...about)),
  }));
  context = { ...context, openCluster };
  await give(context, cluster, { id: "r-kept", principal: alice });
  await give(context, cluster, { id: "r-never", principal: alice });

  const given = await give(context, cluster, { id: "r-two", level: "admin", principal: alice });
  const never = await requestOf(context, "r-never");
  await revokeOnly(context, "r-kept");
  const ended = await revokeGiven(context, cluster, "r-two");

  const kept = await requestOf(context, "r-kept");
  expect(given).toMatchObject({ lease: { state: "active" }, trouble: null });
  expect(ended).toMatchObject({ lease: { state: "ended" }, trouble: null });
  expect([kept.trouble?.code, never.trouble?.code]).toEqual(["binding-kept", "cluster-unexpected"]);
});

test("a binding that stays after its deletion is the reason, and not another writer of aws-auth", async () => {
  await give(context, cluster, { id: "r-one", principal: alice });
  const staying = openingWith(() => ({ deleteBinding: async () => "deleted" as const }));

  const { trouble } = await revokeGiven({ ...context, openCluster: staying }, cluster, "r-one");
  expect(trouble?.message).toMatch(/is still there after its deletion\. If this lasts, delete it with kubectl\.$/);
});

test("of two revocations at once the cluster remembers both", async () => {
  await give(context, cluster, { id: "r-one", principal: alice });
  await give(context, cluster, { id: "r-two", principal: carol });
  let isFirst = true;
  const beside = openingWith((client) => {
    const writeWithdrawals: ClusterClient["writeWithdrawals"] = async (...written) => {
      if (isFirst) {
        isFirst = false;
        await revokeGiven(context, cluster, "r-one");
      }
      return client.writeWithdrawals(...written);
    };
    return { writeWithdrawals };
  });

  await revokeGiven({ ...context, openCluster: beside }, cluster, "r-two");
  const { data } = await asCreator((client) => client.readWithdrawals());
  expect(Object.values(data).join()).toContain("r-one");
  expect(Object.values(data).join()).toContain("r-two");
  expect(await bindings()).toEqual([]);
});

test("a revocation is not said to be remembered where a webhook empties the cluster's memory", async () => {
  await give(context, cluster, { id: "r-one", principal: alice });
  const body = JSON.stringify({ kind: "ConfigMap", metadata: { name: "eks-access-withdrawals" } });
  side().sandbox.faults.plan("kubernetes.create-configmap", { type: "answer", status: 201, body });

  const ended = await revokeGiven(context, cluster, "r-one");

  expect(ended.lease).toMatchObject({ state: "ended", isForgotten: true });
});

describe("a person who can write the cluster's memory of revocations", () => {
  const overIn = (openCluster: NonNullable<WorkerContext["openCluster"]>): WorkerContext => ({
    ...secondsLater(3601),
    openCluster: (opening, ...about) => openCluster({ ...opening, now: () => new Date() }, ...about),
  });
  const write = (data: Record<string, string>) =>
    asCreator(async (client) => client.writeWithdrawals(await client.readWithdrawals(), data));

  test("keeps no revoked lease by writing it after each of our readings", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const beside = openingWith((client) => ({
      readWithdrawals: async () => {
        const found = await client.readWithdrawals();
        await write({ note: crypto.randomUUID() });
        return found;
      },
    }));

    const ended = await revokeGiven({ ...context, openCluster: beside }, cluster, "r-one");

    expect(ended.lease).toMatchObject({ state: "ended", isForgotten: true });
    expect(await bindings()).toEqual([]);
  });

  test("keeps no revoked lease by that where a webhook takes ten seconds for each of our writes", async () => {
    await give(context, cluster, { id: "r-one", principal: alice });
    let seconds = 0;
    const openCluster = openingWith(() => ({
      writeWithdrawals: async () => {
        seconds += 10;
        throw new AccessError("cluster-conflict", "another writer");
      },
    }));
    const now = () => new Date(Date.now() + seconds * 1_000);

    const ended = await revokeGiven({ ...context, now, openCluster }, cluster, "r-one");

    // A run that ends leases has 25 seconds.
    expect(seconds).toBe(10);
    expect(ended.lease).toMatchObject({ state: "ended", isForgotten: true });
    expect(await bindings()).toEqual([]);
  });

  test.each([
    ["when its time is over", false],
    ["when it is revoked", true],
  ])("keeps no lease %s by making it too large to read", async (_, isRevoked) => {
    await give(context, cluster, { id: "r-one", principal: alice });
    const openCluster = openingWith(() => ({ readWithdrawals: () => Promise.reject(answerTooLarge("configmap")) }));

    if (isRevoked) await revokeGiven({ ...context, openCluster }, cluster, "r-one");
    else await reconcileCluster(overIn(openCluster), cluster, "end");

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", isForgotten: isRevoked });
    expect(await bindings()).toEqual([]);
  });
});

test("a worker that lacks the key of a binding's seal does not delete it, and gives nothing by it", async () => {
  context = contextWith("repair");
  await give(context, cluster, { id: "r-one", principal: alice });

  const without = { ...context, keys: { ...context.keys, memory: otherKeys.memory }, ledger: memoryLedger() };
  await reconcileCluster(without, cluster, "adopt");

  expect(await bindings()).toHaveLength(1);
  expect(await without.ledger.leasedOf(cluster.name)).toEqual([]);
});

test("twenty bindings with the seal of an absent key hide no forged one from its deletion", async () => {
  context = contextWith("repair");
  await give(context, cluster, { id: "r-one", principal: alice });
  const { labels, annotations, role, namespace } = await onlyBinding();
  const copy = { namespace, labels, role, user: "sso:mallory@example.com" };
  const decoy = { "eks-access/lease": `{"seal":"","seal":"${otherKeys.memory.ids[0]}.AA"}` };
  await asCreator(async (client) => {
    for (let at = 10; at < 30; at += 1) await client.createBinding({ ...copy, name: `a-${at}`, annotations: decoy });
    await client.createBinding({ ...copy, name: "copy", annotations });
  });

  await reconcileCluster(context, cluster, "inspect");

  const names = (await bindings()).map(({ name }) => name);
  expect([names.length, names.includes("copy")]).toEqual([21, false]);
});

test("a forged binding that can't be deleted keeps no lease", async () => {
  context = contextWith("repair");
  await give(context, cluster, { id: "r-one", principal: alice });
  const { labels, annotations, role, namespace } = await onlyBinding();
  await asCreator((client) =>
    client.createBinding({ name: "a-copy", namespace, labels, annotations, role, user: "sso:mallory@example.com" }),
  );
  const refusing = openingWith((client) => {
    const deleteBinding: ClusterClient["deleteBinding"] = async (binding) => {
      if (binding.name === "a-copy") throw new AccessError("cluster-refused-write", "a webhook said no");
      return client.deleteBinding(binding);
    };
    return { deleteBinding };
  });

  await revokeGiven({ ...context, openCluster: refusing }, cluster, "r-one");
  expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  expect((await bindings()).map(({ name }) => name)).toEqual(["a-copy"]);
});

test("a record of before gives nothing again: the cluster remembers what was taken back", async () => {
  await give(context, cluster, { id: "r-one", principal: alice });
  const before = await requestOf(context, "r-one");
  const ended = await revokeGiven(context, cluster, "r-one");
  expect(ended.lease?.isForgotten).toBe(false);
  const fresh = contextWith("repair");
  const event = {
    type: "request.approved",
    at: before.createdAt,
    actor: "U0APPROVER",
    request: "r-one",
    cluster: clusterName,
    detail: {},
  } as const;
  await fresh.ledger.commit({ after: { ...before, version: 1 }, event });

  await reconcileCluster(fresh, cluster, "inspect");
  expect(await bindings()).toEqual([]);
  expect(await may("alice@example.com", "default")).toBe(false);
});

test.each([
  ["a run with Redis", "report"],
  ["a run with Redis", "repair"],
  ["a run while Redis is down, by what the cluster remembers,", "repair"],
] as const)(
  "a revocation still counts, although its binding came back, %s removed it, and Redis came back as it was before; drift: %s",
  async (by, drift) => {
    context = contextWith(drift);
    const before = await give(context, cluster, { id: "r-one", principal: alice });
    const binding = await onlyBinding();
    const ended = await revokeGiven(context, cluster, "r-one");
    await asCreator((client) => client.createBinding({ ...binding, user: binding.subjects[0]?.name ?? "" }));
    if (by === "a run with Redis") {
      await asCreator(async (client) => client.writeWithdrawals(await client.readWithdrawals(), {}));
      await adoptCluster(context, cluster);
    } else {
      const { ledger: _, queues: __, ...alone } = context;
      await endWithoutLedger(alone, cluster);
    }
    expect(await bindings()).toEqual([]);

    await context.ledger.commit(aChange({ ...before, version: ended.version + 1 }));
    await reconcileCluster(context, cluster);
    await reconcileCluster(context, cluster, "inspect");

    expect(await bindings()).toEqual([]);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", end: { cause: "replayed" } });
  },
);

test.each(["inspect", "adopt"] as const)(
  "a record that was edited to be a longer lease of someone else keeps nothing beyond the end that its binding remembers (%s)",
  async (reason) => {
    const given = await give(context, cluster, { id: "r-one", principal: alice, durationSeconds: 300 });
    const endsAt = "2076-01-01T00:00:00Z";
    const longer = { principal: carol, durationSeconds: 1e9, lease: given.lease && { ...given.lease, endsAt } };
    await context.ledger.commit(aChange(revise(given, longer)));

    await reconcileCluster(secondsLater(360), cluster, reason);

    expect(await may("alice@example.com", "default")).toBe(false);
    expect(await may("carol@example.com", "default")).toBe(false);
  },
);

async function approvedAtOnce(count: number, level: string): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, index) => `r-${index + 10}`);
  const all = ids.map((id) => ({ id, level, principal: session(`${id}@example.com`) }));
  await askTogether(context, cluster, all);
  for (const id of ids) await approve(context, cluster, id);
  return ids;
}

test("forty leases at once: forty calls make their bindings together, one list before and one after shows them, and each question comes after its own write", async () => {
  context = contextWith("report", (text) => text.replace(/ {4}verify:\n( {6}.*\n)+/g, ""));
  const ids = await approvedAtOnce(40, "admin");
  const asked: string[] = [];
  let running = 0;
  let most = 0;
  const noting = openingWith((client) => ({
    listLeaseBindings: async (among) => {
      asked.push(`list ${[...new Set(among?.map(({ namespace }) => namespace))]}`);
      return client.listLeaseBindings(among);
    },
    findBinding: async (place) => {
      asked.push("find");
      return client.findBinding(place);
    },
    createBinding: async (...binding) => {
      running += 1;
      most = Math.max(most, running);
      const made = await client.createBinding(...binding);
      running -= 1;
      asked.push(`made for ${binding[0].user}`);
      return made;
    },
    may: async (...question) => {
      asked.push(`question about ${question[0].username}`);
      return client.may(...question);
    },
  }));

  await reconcileCluster({ ...context, openCluster: noting }, cluster);

  expect(most).toBe(40);
  const made = asked.filter((each) => each.startsWith("made for "));
  const lists = asked.flatMap((each, at) => (each.startsWith("list ") ? [at] : []));
  expect(asked[0]).toBe("list default");
  expect(made).toHaveLength(40);
  expect(lists).toEqual([0, expect.any(Number)]);
  expect(lists[1]).toBeGreaterThan(asked.findLastIndex((each) => each.startsWith("made for ")));
  for (const each of made) {
    const question = asked.indexOf(each.replace("made for", "question about"));
    expect(question).toBeGreaterThan(asked.indexOf(each));
  }
  // One more question: another session of the role.
  expect(asked).toHaveLength(2 + 40 + 41);
  const given = await Promise.all(ids.map((id) => requestOf(context, id)));
  expect(given.map(({ lease }) => lease?.proof?.authorized.result)).toEqual(ids.map(() => "yes"));
});

test("forty leases in a namespace: one whose binding others made their own meanwhile is not proved by it", async () => {
  const [first = "", ...others] = await approvedAtOnce(40, "admin");
  let isTaken = false;
  const changing = openingWith((client) => ({
    listLeaseBindings: async (among) => {
      const found = await client.listLeaseBindings(among);
      const binding = found.find(({ name }) => name.includes(first));
      if (!binding || isTaken) return found;
      isTaken = true;
      await client.deleteBinding(binding);
      return client.listLeaseBindings(among);
    },
  }));

  await reconcileCluster({ ...context, openCluster: changing }, cluster);

  expect(isTaken).toBe(true);
  expect(await requestOf(context, first)).toMatchObject({ lease: { state: "scheduled" }, trouble: expect.anything() });
  const given = await Promise.all(others.map((id) => requestOf(context, id)));
  expect(given.map(({ lease }) => lease?.state)).toEqual(others.map(() => "active"));
});
