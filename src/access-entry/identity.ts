import type { ScopedPolicy } from "../access/policy/policy-text.ts";
import { policiesIn, policyTexts } from "../access/policy/policy-text.ts";
import type { Holding, MappedIdentity } from "../access/request/record.ts";
import type { AccessEntry } from "./entry.ts";

/** Who an entry makes of its principal, with its access policies among what it gives; null: there is none. */
export function identityOfEntry(entry: AccessEntry | null, holding: Holding | undefined): MappedIdentity | null {
  if (!entry) return null;
  const held = [...(holding?.added ?? []), ...(holding?.shares.flatMap(({ groups }) => groups) ?? [])];
  return {
    username: entry.username,
    groups: [...entry.groups, ...entry.policies.flatMap((each) => textsOf(each, held))],
  };
}

/**
 * EKS keeps one scope for a policy. Where that is the whole cluster, what we hold of single namespaces is in it: it would
 * otherwise pass for drift as long as another lease has the policy everywhere.
 */
function textsOf(policy: ScopedPolicy, held: readonly string[]): readonly string[] {
  if (policy.namespaces) return policyTexts(policy);
  const inside = held.filter((each) => each.startsWith(`policy ${policy.name} in `));
  return [...policyTexts(policy), ...new Set(inside)];
}

/** Whether an entry holds exactly this. */
export function holdsExactly(entry: AccessEntry | null, wanted: MappedIdentity | null): boolean {
  if (!entry || !wanted) return entry === null && wanted === null;
  const { groups, policies } = partsOf(wanted);
  const found = partsOf({ groups: [...entry.groups, ...entry.policies.flatMap(policyTexts)] });
  return JSON.stringify(found) === JSON.stringify({ groups, policies });
}

function partsOf({ groups }: Pick<MappedIdentity, "groups">) {
  const policies = policiesIn(groups);
  return { groups: groups.filter((each) => !each.startsWith("policy ")).toSorted(), policies };
}
