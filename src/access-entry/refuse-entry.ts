import type { Target } from "../access/lease/holding.ts";
import { policiesIn } from "../access/policy/policy-text.ts";
import type { Refusal } from "../aws-auth/index.ts";
import type { AccessEntry } from "./entry.ts";

/** Names that begin so are EKS's own (EKS User Guide, "Create access entries"). */
const reserved = /^(?:system|eks|aws|amazon|iam):/;

/**
 * Why an entry can't be made what it must be; null: it can. What was there before us is not judged.
 *
 * @param arn of the principal, as our records have it
 */
export function refuseEntry(arn: string, entry: AccessEntry | null, { holding }: Target): Refusal | null {
  if (!holding) return null;
  if (entry && entry.type !== "STANDARD") {
    return refused(
      "entry-of-node",
      arn,
      `The access entry of ${arn} is of type ${entry.type}: EKS gives such a role what a node needs, and takes no groups and no access policies for it. Ask for another role.`,
    );
  }
  if (/:role\/AWSServiceRoleFor/.test(arn)) {
    return refused("service-linked-role", arn, `${arn} is a service-linked role: EKS takes no access entry for it.`);
  }
  return refuseGroups(arn, holding.added) ?? refuseScope(arn, entry, holding.added);
}

function refuseGroups(arn: string, added: readonly string[]): Refusal | null {
  if (added.includes("system:masters")) {
    return refused(
      "masters-by-entry",
      arn,
      "An access entry can't hold system:masters. An operator can offer a level with policy: AmazonEKSClusterAdminPolicy in eks-access.yml instead.",
    );
  }
  const group = added.find((each) => reserved.test(each) || each.includes("{{"));
  if (group === undefined) return null;
  return refused(
    "reserved-group",
    arn,
    `An access entry can't hold the group ${group}: EKS keeps groups that begin with system:, eks:, aws:, amazon: or iam: for itself, and fills in no templates. An operator can bind a group of another name, or offer a level with an access policy.`,
  );
}

/** EKS keeps one scope for a policy: one that others have given for some namespaces would be lost when ours ends. */
function refuseScope(arn: string, entry: AccessEntry | null, added: readonly string[]): Refusal | null {
  const widened = policiesIn(added).find(
    ({ name, namespaces }) =>
      namespaces === null &&
      entry?.policies.some(
        (each) => each.name === name && each.namespaces?.some((one) => !added.includes(`policy ${name} in ${one}`)),
      ),
  );
  if (!widened) return null;
  return refused(
    "policy-scope",
    arn,
    `${arn} has ${widened.name} for some namespaces already, by somebody else, and EKS takes one scope for a policy. Ask for a level with another policy.`,
  );
}

function refused(code: string, arn: string, message: string): Refusal {
  return { code, arn, message };
}
