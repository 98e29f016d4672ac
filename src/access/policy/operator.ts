import type { OperatorRule } from "./operator-rights.ts";
import { operatorRole } from "./operator-rights.ts";

/** The group of the operator in the cluster, which its bindings name: no level can give it. */
export const operatorGroup = "eks-access:operators";

/** The username in the cluster's own log. The session's name has the requester and the request. */
export const operatorUsername = "eks-access:operator:{{SessionName}}";

const apiGroup = "rbac.authorization.k8s.io";

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
  const subjects = [{ apiGroup, kind: "Group", name: operatorGroup }];
  const binding = (kind: "ClusterRole" | "Role") => ({ roleRef: { apiGroup, kind, name: operatorRole }, subjects });
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
