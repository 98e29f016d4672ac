import type { Binding, PolicyRule, Rbac, Role } from "./rbac.ts";

const read = ["get", "list", "watch"];
const write = ["create", "delete", "deletecollection", "patch", "update"];
const workloads = [
  "configmaps",
  "endpoints",
  "persistentvolumeclaims",
  "pods",
  "pods/log",
  "replicationcontrollers",
  "serviceaccounts",
  "services",
];
const appResources = ["daemonsets", "deployments", "replicasets", "statefulsets"];
const readRules: PolicyRule[] = [
  { verbs: read, apiGroups: [""], resources: [...workloads, "namespaces", "events"] },
  { verbs: read, apiGroups: ["apps"], resources: appResources },
];
const editRules: PolicyRule[] = [
  ...readRules,
  {
    verbs: [...read, ...write],
    apiGroups: [""],
    resources: [...workloads, "secrets", "pods/exec", "pods/portforward"],
  },
  { verbs: write, apiGroups: ["apps"], resources: appResources },
];
const discoveryPaths = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
  "/version/",
];

/** The ClusterRoles that every cluster starts with, as far as the sandbox has resources for them (Kubernetes docs, "Default roles and role bindings"). */
const roles: Role[] = [
  {
    name: "cluster-admin",
    rules: [
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
      { verbs: ["*"], nonResourceURLs: ["*"] },
    ],
  },
  {
    name: "admin",
    rules: [
      ...editRules,
      { verbs: [...read, ...write], apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"] },
    ],
  },
  { name: "edit", rules: editRules },
  { name: "view", rules: readRules },
  { name: "system:discovery", rules: [{ verbs: ["get"], nonResourceURLs: discoveryPaths }] },
  {
    name: "system:public-info-viewer",
    rules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"] }],
  },
  {
    name: "system:basic-user",
    rules: [
      {
        verbs: ["create"],
        apiGroups: ["authorization.k8s.io"],
        resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
      },
      { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
    ],
  },
  {
    name: "system:node",
    rules: [
      {
        verbs: [...read, "create", "update", "patch"],
        apiGroups: [""],
        resources: ["nodes", "nodes/status", "pods", "pods/status", "services", "configmaps"],
      },
    ],
  },
];

/** EKS binds nodes itself: its clusters authorize them by the groups of aws-auth. */
const bindings: Binding[] = [
  group("cluster-admin", "cluster-admin", "system:masters"),
  group("system:discovery", "system:discovery", "system:authenticated"),
  group("system:basic-user", "system:basic-user", "system:authenticated"),
  group("system:public-info-viewer", "system:public-info-viewer", "system:authenticated"),
  group("eks:node-bootstrapper", "system:node", "system:bootstrappers"),
  group("system:node", "system:node", "system:nodes"),
];

/** The default roles and bindings with the cluster's own ones after them. */
export function withDefaultRbac(own: Partial<Rbac> = {}): Rbac {
  return { roles: [...roles, ...(own.roles ?? [])], bindings: [...bindings, ...(own.bindings ?? [])] };
}

/** A binding of a ClusterRole to one group; cluster-wide unless it has a namespace. */
export function group(name: string, clusterRole: string, groupName: string, namespace?: string): Binding {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    role: { kind: "ClusterRole", name: clusterRole },
    subjects: [{ kind: "Group", name: groupName }],
  };
}
