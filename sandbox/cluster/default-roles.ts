import {
  type Binding,
  type PolicyRule,
  type Rbac,
  type Role,
  readVerbs as read,
  rule,
  writeVerbs as write,
} from "./rbac.ts";

const workloads =
  "configmaps endpoints persistentvolumeclaims pods pods/log replicationcontrollers serviceaccounts services";

const appResources = "daemonsets deployments replicasets statefulsets";

const readRules: PolicyRule[] = [rule("", `${workloads} namespaces events`, read), rule("apps", appResources, read)];

const editRules: PolicyRule[] = [
  ...readRules,
  rule("", `${workloads} secrets pods/exec pods/portforward`, [...read, ...write]),
  rule("apps", appResources, write),
];

const publicPaths = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

const discoveryPaths = [...publicPaths, "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"];

/** The default ClusterRoles, as far as the sandbox has their resources (Kubernetes docs, "Default roles and role bindings"). */
const roles: readonly Role[] = [
  { name: "cluster-admin", rules: [rule("*", "*", ["*"]), { verbs: ["*"], nonResourceURLs: ["*"] }] },
  {
    name: "admin",
    rules: [...editRules, rule("rbac.authorization.k8s.io", "roles rolebindings", [...read, ...write])],
  },
  { name: "edit", rules: editRules },
  { name: "view", rules: readRules },
  { name: "system:discovery", rules: [{ verbs: ["get"], nonResourceURLs: discoveryPaths }] },
  { name: "system:public-info-viewer", rules: [{ verbs: ["get"], nonResourceURLs: publicPaths }] },
  {
    name: "system:basic-user",
    rules: [
      rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ["create"]),
      rule("authentication.k8s.io", "selfsubjectreviews", ["create"]),
    ],
  },
  {
    name: "system:node",
    rules: [
      rule("", "nodes nodes/status pods pods/status services configmaps", [...read, "create", "update", "patch"]),
    ],
  },
];

/** EKS binds nodes itself: its clusters authorize them by their groups in aws-auth. */
const bindings: readonly Binding[] = [
  group("cluster-admin", "cluster-admin", "system:masters"),
  group("system:discovery", "system:discovery", "system:authenticated"),
  group("system:basic-user", "system:basic-user", "system:authenticated"),
  group("system:public-info-viewer", "system:public-info-viewer", "system:authenticated"),
  group("eks:node-bootstrapper", "system:node", "system:bootstrappers"),
  group("system:node", "system:node", "system:nodes"),
];

export const defaultRbac: Rbac = { roles, bindings };

export function group(name: string, clusterRole: string, groupName: string, namespace?: string): Binding {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    role: { kind: "ClusterRole", name: clusterRole },
    subjects: [{ kind: "Group", name: groupName }],
  };
}
