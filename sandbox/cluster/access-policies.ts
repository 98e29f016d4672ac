import type { ClusterAccess, PolicyInForce } from "../aws/cluster-access.ts";
import { accessPolicyRules } from "./access-policy-rules.ts";
import { type Attributes, covers, type User, type Verdict } from "./rbac.ts";

/**
 * What the access policies of somebody's entry allow, beside RBAC. They belong to the principal that the authenticator knows,
 * not to a username: an impersonated user has none, and a review that names only a user sees none (EKS User Guide, "Associate
 * access policies with access entries").
 */
export function authorizeByPolicies(
  { entries }: ClusterAccess,
  { extra }: Pick<User, "extra">,
  attributes: Attributes,
): Verdict {
  const [principalId] = extra?.principalId ?? [];
  const entry = principalId === undefined ? undefined : entries.find((each) => each.principalId === principalId);
  const policy = entry?.policies.find((each) => allows(each, attributes));
  if (!entry || !policy) return { allowed: false, reason: "" };
  const { principalArn } = entry;
  const binding = `ClusterRoleBinding "${principalArn}+${policy.arn}" of ClusterRole "${policy.arn}"`;
  return { allowed: true, reason: `EKS Access Policy: allowed by ${binding} to User "${principalId}"` };
}

function allows({ arn, namespaces }: PolicyInForce, attributes: Attributes): boolean {
  const rules = accessPolicyRules[arn.split("/").at(-1) ?? ""] ?? [];
  return inScope(namespaces, attributes) && rules.some((rule) => covers(rule, attributes));
}

/** Whatever is not in a namespace is out of the scope of namespaces. */
function inScope(namespaces: PolicyInForce["namespaces"], attributes: Attributes): boolean {
  if (namespaces === null) return true;
  const namespace = "path" in attributes ? undefined : attributes.namespace;
  return namespace !== undefined && namespaces.some((pattern) => matches(pattern, namespace));
}

/** `*` stands for any run of characters. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${expression}$`).test(text);
}
