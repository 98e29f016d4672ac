import type { SandboxAnswer } from "../http-server.ts";
import type { Binding, Rbac, Role } from "./rbac.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";

/** Lists roles, rolebindings, clusterroles or clusterrolebindings; undefined for any other resource. */
export function listRbac(
  rbac: Rbac,
  resource: string,
  namespace: string | undefined,
  resourceVersion: string,
): SandboxAnswer | undefined {
  const here = (item: { namespace?: string }) =>
    item.namespace !== undefined && (namespace === undefined || item.namespace === namespace);
  const clusterWide = (item: { namespace?: string }) => item.namespace === undefined;
  const list = (kind: string, items: readonly object[]): SandboxAnswer => ({
    status: 200,
    body: JSON.stringify({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion }, items }),
  });
  switch (resource) {
    case "roles":
      return list("Role", rbac.roles.filter(here).map(roleObject));
    case "clusterroles":
      return list("ClusterRole", rbac.roles.filter(clusterWide).map(roleObject));
    case "rolebindings":
      return list("RoleBinding", rbac.bindings.filter(here).map(bindingObject));
    case "clusterrolebindings":
      return list("ClusterRoleBinding", rbac.bindings.filter(clusterWide).map(bindingObject));
    default:
      return undefined;
  }
}

/** One Role or ClusterRole by its name; undefined where there is none, or for any other resource. */
export function readRole(
  rbac: Rbac,
  { resource, namespace, name }: { resource: string; namespace?: string; name?: string },
): SandboxAnswer | undefined {
  const kind = resource === "roles" ? "Role" : "ClusterRole";
  const role = rbac.roles.find((each) => each.name === name && each.namespace === namespace);
  if (!role || (resource !== "roles" && resource !== "clusterroles")) return undefined;
  return { status: 200, body: JSON.stringify({ kind, apiVersion, ...roleObject(role) }) };
}

/** A role as the API has it. */
export function roleObject({ name, namespace, rules }: Role): object {
  return { metadata: metadataOf(name, namespace), rules };
}

/** A binding as the API has it. */
export function bindingObject({ name, namespace, role, subjects }: Binding): object {
  const apiGroup = "rbac.authorization.k8s.io";
  return {
    metadata: metadataOf(name, namespace),
    subjects: subjects.map((subject) => (subject.kind === "ServiceAccount" ? subject : { ...subject, apiGroup })),
    roleRef: { apiGroup, ...role },
  };
}

function metadataOf(name: string, namespace: string | undefined): object {
  return namespace === undefined ? { name } : { name, namespace };
}
