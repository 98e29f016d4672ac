import type { AccessCheck, Cluster } from "./cluster.ts";
import { bindsRoles, placedRoleOf } from "./policy-text.ts";

/** The name of the operator's roles in the cluster, and of their bindings. */
export const operatorRole = "eks-access:operator";

/** Our own ConfigMaps, which outlive `aws-auth`. The bootstrap makes them, so the operator needs no right to create any. */
const keptConfigMaps = ["eks-access-last-good", "eks-access-withdrawals"];

export interface OperatorRule {
  /** Null: in the whole cluster, by the ClusterRole; otherwise in this namespace, by the Role. */
  readonly namespace: "kube-system" | null;
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly names: readonly string[];
}

const rbac = "rbac.authorization.k8s.io";

export interface OperatorNeeds {
  readonly readsAwsAuth: boolean;
  readonly cluster: Pick<Cluster, "levels" | "createAwsAuth">;
}

/** `bind` covers only the levels' roles. Kubernetes can't limit `create` to names, nor a deletion to unknown names. */
export function operatorRules({ readsAwsAuth, cluster }: OperatorNeeds): readonly OperatorRule[] {
  const { levels, createAwsAuth } = cluster;
  const binds = levels.some(({ groups }) => bindsRoles(groups));
  const everywhere = (group: string, resources: readonly string[], ...verbs: readonly string[]): OperatorRule => ({
    ...{ namespace: null, group, resources, verbs, names: [] },
  });
  const inSystem = (verbs: readonly string[], names: readonly string[]): OperatorRule => ({
    ...{ namespace: "kube-system", group: "", resources: ["configmaps"], verbs, names },
  });
  const bindings = ["get", "list", ...(binds ? ["create"] : []), "delete"];
  return [
    everywhere("authentication.k8s.io", ["selfsubjectreviews"], "create"),
    everywhere("authorization.k8s.io", ["selfsubjectaccessreviews", "subjectaccessreviews"], "create"),
    everywhere("", ["namespaces"], "list"),
    everywhere(rbac, ["clusterroles", "roles"], "get"),
    everywhere(rbac, ["clusterrolebindings", "rolebindings"], ...bindings),
    ...bindRules(cluster),
    inSystem(["get", "update"], [...(readsAwsAuth ? ["aws-auth"] : []), ...keptConfigMaps]),
    ...(readsAwsAuth && createAwsAuth ? [inSystem(["create"], [])] : []),
  ];
}

function bindRules({ levels }: Pick<Cluster, "levels">): readonly OperatorRule[] {
  const roles = levels.flatMap(({ groups }) => groups.flatMap((text) => placedRoleOf(text) ?? []));
  return (["ClusterRole", "Role"] as const).flatMap((kind) => {
    const names = [...new Set(roles.flatMap((role) => (role.kind === kind ? [role.name] : [])))].sort();
    const resources = [`${kind.toLowerCase()}s`];
    return names.length === 0 ? [] : [{ namespace: null, group: rbac, resources, verbs: ["bind"], names }];
  });
}

export interface OperatorAct extends AccessCheck {
  /** Empty: of all names. */
  readonly name: string;
}

/** Each single right, for a question to the API server. */
export function neededActs(rules: readonly OperatorRule[]): readonly OperatorAct[] {
  return rules.flatMap(({ namespace, group, resources, verbs, names }) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        (names.length > 0 ? names : [""]).map((name) => ({ verb, resource, group, namespace: namespace ?? "", name })),
      ),
    ),
  );
}

type Forbidden = readonly [verb: string, resource: string, group?: string, namespace?: string, name?: string];

/** The rights that would make the operator an administrator or another user, or let it read secrets, run something or change workloads. */
const forbidden: readonly Forbidden[] = [
  ["*", "*", "*"],
  ["get", "secrets"],
  ["list", "secrets"],
  ["impersonate", "users"],
  ["impersonate", "groups"],
  ["impersonate", "serviceaccounts"],
  ["create", "serviceaccounts/token"],
  ["create", "pods"],
  ["create", "pods/exec"],
  ["create", "pods/attach"],
  ["create", "pods/portforward"],
  ["create", "pods/ephemeralcontainers"],
  ["create", "deployments", "apps"],
  ["create", "daemonsets", "apps"],
  ["create", "jobs", "batch"],
  ["update", "nodes"],
  ["create", "nodes/proxy"],
  ["get", "nodes/proxy"],
  ["delete", "namespaces"],
  ["escalate", "clusterroles", rbac],
  ["escalate", "roles", rbac],
  ["create", "clusterroles", rbac],
  ["update", "clusterroles", rbac],
  ["update", "clusterroles", rbac, "", operatorRole],
  ["create", "roles", rbac],
  ["update", "roles", rbac],
  ["update", "roles", rbac, "kube-system", operatorRole],
  ["bind", "clusterroles", rbac],
  ["bind", "roles", rbac],
  ["update", "clusterrolebindings", rbac],
  ["patch", "clusterrolebindings", rbac],
  ["update", "rolebindings", rbac],
  ["patch", "rolebindings", rbac],
  ["get", "configmaps"],
  ["create", "configmaps"],
  ["update", "configmaps"],
  ["get", "configmaps", "", "kube-system"],
  ["update", "configmaps", "", "kube-system"],
  ["update", "configmaps", "", "kube-system", "coredns"],
  ["patch", "configmaps", "", "kube-system", "aws-auth"],
  ["delete", "configmaps", "", "kube-system", "aws-auth"],
  ["create", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"],
  ["update", "certificatesigningrequests/approval", "certificates.k8s.io"],
];

/** Those of its own that it must not have without need. */
const forbiddenUnlessGiven: readonly Forbidden[] = [
  ["create", "configmaps", "", "kube-system"],
  ["update", "configmaps", "", "kube-system", "aws-auth"],
  ["bind", "clusterroles", rbac, "", "cluster-admin"],
  ["create", "clusterrolebindings", rbac],
  ["create", "rolebindings", rbac],
];

/** The forbidden rights, except those that these rules give. */
export function forbiddenActs(rules: readonly OperatorRule[]): readonly OperatorAct[] {
  const given = new Set(neededActs(rules).map(actInWords));
  const wouldBe = forbiddenUnlessGiven.map(actOf).filter((act) => !given.has(actInWords(act)));
  return [...forbidden.map(actOf), ...wouldBe];
}

const actOf = ([verb, resource, group = "", namespace = "", name = ""]: Forbidden): OperatorAct => {
  return { verb, resource, group, namespace, name };
};

/** `update configmaps aws-auth in kube-system`; `bind clusterroles.rbac.authorization.k8s.io view`. */
export function actInWords({ verb, resource, group, namespace, name }: OperatorAct): string {
  const [plural = "", subresource] = resource.split("/");
  const of = `${plural}${group && group !== "*" ? `.${group}` : ""}${subresource ? `/${subresource}` : ""}`;
  return `${verb} ${of}${name && ` ${name}`}${namespace && ` in ${namespace}`}`;
}

/** The group of the operator in the cluster, which its bindings name: no level can give it. */
export const operatorGroup = "eks-access:operators";

/** The username in the cluster's own log. The session's name has the requester and the request. */
export const operatorUsername = "eks-access:operator:{{SessionName}}";

/** An object of Kubernetes that the operator needs, without the API server's additions. */
export interface OperatorObject {
  readonly kind: "ClusterRole" | "Role" | "ClusterRoleBinding" | "RoleBinding" | "ConfigMap";
  readonly name: string;
  /** Null: the kind has none. */
  readonly namespace: string | null;
  /** The content of its kind: rules, or a role and its subjects; empty for a ConfigMap: runs write its data. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** The objects for these rights, in the order of writing: a role before its binding. */
export function operatorObjects(rules: readonly OperatorRule[]): readonly OperatorObject[] {
  const of = (namespace: string | null) => rules.filter((rule) => rule.namespace === namespace).map(policyRule);
  const kept = [...new Set(rules.flatMap(({ names, verbs }) => (verbs.includes("get") ? names : [])))];
  const subjects = [{ apiGroup: rbac, kind: "Group", name: operatorGroup }];
  const binding = (kind: "ClusterRole" | "Role") => ({
    roleRef: { apiGroup: rbac, kind, name: operatorRole },
    subjects,
  });
  const inSystem = { namespace: "kube-system" };
  return [
    { kind: "ClusterRole", name: operatorRole, namespace: null, content: { rules: of(null) } },
    { kind: "Role", name: operatorRole, ...inSystem, content: { rules: of("kube-system") } },
    { kind: "ClusterRoleBinding", name: operatorRole, namespace: null, content: binding("ClusterRole") },
    { kind: "RoleBinding", name: operatorRole, ...inSystem, content: binding("Role") },
    ...kept
      .filter((name) => name !== "aws-auth")
      .map((name): OperatorObject => ({ kind: "ConfigMap", name, ...inSystem, content: {} })),
  ];
}

function policyRule({ group, resources, verbs, names }: OperatorRule): object {
  return { apiGroups: [group], resources, verbs, ...(names.length > 0 && { resourceNames: names }) };
}

/** For people: `ClusterRole eks-access:operator`, `ConfigMap eks-access-withdrawals in kube-system`. */
export function objectInWords({ kind, name, namespace }: Pick<OperatorObject, "kind" | "name" | "namespace">): string {
  return `${kind} ${name}${namespace === null ? "" : ` in ${namespace}`}`;
}
