import type { Holding, MappedIdentity } from "../access/lease/lease-record.ts";
import { accessPolicies, policyTexts, type ScopedPolicy } from "../access/policy/policy-text.ts";

/** An access entry of EKS: a principal's identity in a cluster, with its groups and policies. It overrides aws-auth. */
export interface AccessEntry {
  /** In the form of IAM: a role with its path, unlike in aws-auth. */
  readonly principalArn: string;
  readonly arn: string;
  /** `STANDARD` for people. All other types are for nodes and can have neither groups nor policies. */
  readonly type: string;
  readonly username: string;
  readonly groups: readonly string[];
  readonly policies: readonly ScopedPolicy[];
  readonly tags: Readonly<Record<string, string>>;
  /** When EKS made it, for its principal of that moment. Absent: EKS did not say. */
  readonly createdAt?: string;
}

export type NewEntry = Pick<AccessEntry, "principalArn" | "username" | "groups" | "tags">;

/** The identity that an access entry gives its principal, with its access policies; null: there is no entry. */
export function identityOfEntry(entry: AccessEntry | null, holding: Holding | undefined): MappedIdentity | null {
  if (!entry) return null;
  const held = [...(holding?.added ?? []), ...(holding?.shares.flatMap(({ groups }) => groups) ?? [])];
  return {
    username: entry.username,
    groups: [...entry.groups, ...entry.policies.flatMap((each) => textsOf(each, held))],
  };
}

/** EKS keeps one scope for a policy: the whole cluster includes our namespaces, or it would look like drift. */
function textsOf(policy: ScopedPolicy, held: readonly string[]): readonly string[] {
  if (policy.namespaces) return policyTexts(policy);
  const inside = held.filter((each) => each.startsWith(`policy ${policy.name} in `));
  return [...policyTexts(policy), ...new Set(inside)];
}

export function holdsExactly(entry: AccessEntry | null, wanted: MappedIdentity | null): boolean {
  if (!entry || !wanted) return entry === null && wanted === null;
  const { groups, policies } = partsOf(wanted);
  const found = partsOf({ groups: [...entry.groups, ...entry.policies.flatMap(policyTexts)] });
  return JSON.stringify(found) === JSON.stringify({ groups, policies });
}

function partsOf({ groups }: Pick<MappedIdentity, "groups">) {
  const policies = accessPolicies(groups);
  return { groups: groups.filter((each) => !each.startsWith("policy ")).toSorted(), policies };
}

/** How late a request can reach AWS (IAM User Guide, "AWS Signature Version 4"): an entry has no version to refuse it. */
const signatureMs = 5 * 60_000;

/** The longest time from reading until a run sends a call that was planned on it. Milliseconds. */
export const planMs = 60_000;

/** The largest difference between our clock and AWS's, milliseconds. */
const clocksMs = 60_000;

/** From a plan until none of its calls can arrive any more, milliseconds. */
export const lateCallMs = planMs + signatureMs + clocksMs;

/** Until when calls since then can arrive; null: none can. */
export function arrivesUntil(since: string | null, now: Date): Date | null {
  if (since === null) return null;
  const until = new Date(Date.parse(since) + lateCallMs);
  return until > now ? until : null;
}

/** Whether a call planned then can have made an entry, by any clock that AWS accepts. @param createdAt undefined: EKS did not say */
export function isOfCallFrom(plannedAt: string, createdAt: string | undefined): boolean {
  return createdAt === undefined || Math.abs(Date.parse(createdAt) - Date.parse(plannedAt)) <= lateCallMs;
}
