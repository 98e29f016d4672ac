import type { AssociatedPolicy } from "../aws/eks-cluster.ts";
import type { ClusterAccess } from "../aws/eks-clusters.ts";
import { matches } from "../aws/identities.ts";
import {
  type Attributes,
  type Binding,
  covers,
  type PolicyRule,
  type Rbac,
  type Role,
  rbacGroup,
  readVerbs as read,
  rule,
  type User,
  type Verdict,
  writeVerbs as write,
} from "./rbac.ts";

const workloads =
  "configmaps endpoints persistentvolumeclaims pods pods/log replicationcontrollers serviceaccounts services";

const appResources = "daemonsets deployments replicasets statefulsets";

const readRules: PolicyRule[] = [rule("", `${workloads} namespaces events`, read), rule("apps", appResources, read)];

const editRoleRules: PolicyRule[] = [
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
    rules: [...editRoleRules, rule(rbacGroup, "roles rolebindings", [...read, ...write])],
  },
  { name: "edit", rules: editRoleRules },
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

const editPolicyRules = [...editRoleRules, rule("", "serviceaccounts", ["impersonate"])];

/** EKS User Guide, "Review access policy permissions", as far as the sandbox has their resources. */
const accessPolicyRules: Readonly<Record<string, readonly PolicyRule[]>> = {
  AmazonEKSViewPolicy: readRules,
  AmazonEKSEditPolicy: editPolicyRules,
  AmazonEKSAdminPolicy: [
    ...editPolicyRules,
    rule("authorization.k8s.io", "localsubjectaccessreviews", ["create"]),
    rule(rbacGroup, "rolebindings roles", [...read, ...write]),
  ],
  AmazonEKSAdminViewPolicy: [rule("*", "*", read)],
  AmazonEKSSecretReaderPolicy: [rule("", "secrets", read)],
  AmazonEKSClusterAdminPolicy: [rule("*", "*", ["*"]), { nonResourceURLs: ["*"], verbs: ["*"] }],
};

/** They belong to the principal: a review of a username sees none (EKS User Guide, "Associate access policies…"). */
export function authorizeByPolicies(
  { entries }: ClusterAccess,
  { extra }: Pick<User, "extra">,
  attributes: Attributes,
): Verdict {
  const [principalId] = extra?.principalId ?? [];
  const entry = principalId === undefined ? undefined : entries.find((each) => each.principalId === principalId);
  const policy = entry?.policies.find((each) => allows(each, attributes));
  if (!entry || !policy) return { allowed: false, reason: "" };
  const { policyArn: role } = policy;
  const binding = `ClusterRoleBinding "${entry.principalArn}+${role}" of ClusterRole "${role}"`;
  return { allowed: true, reason: `EKS Access Policy: allowed by ${binding} to User "${principalId}"` };
}

function allows({ policyArn, namespaces }: AssociatedPolicy, attributes: Attributes): boolean {
  const rules = accessPolicyRules[policyArn.split("/").at(-1) ?? ""] ?? [];
  return inScope(namespaces, attributes) && rules.some((rule) => covers(rule, attributes));
}

/** A scope of namespaces has no resources without a namespace. */
function inScope(namespaces: AssociatedPolicy["namespaces"], attributes: Attributes): boolean {
  if (namespaces === null) return true;
  const namespace = "path" in attributes ? undefined : attributes.namespace;
  return namespace !== undefined && namespaces.some((pattern) => matches(pattern, namespace));
}
