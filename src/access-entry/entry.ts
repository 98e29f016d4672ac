import type { Holding } from "../access/lease/lease-record.ts";
import type { MappedIdentity } from "../access/lease/proof-record.ts";
import { policiesIn, policyTexts, type ScopedPolicy } from "../access/policy/policy-text.ts";

/** An access entry of EKS: who a principal is in a cluster, and what it brings. It goes before aws-auth for its principal. */
export interface AccessEntry {
  /** As IAM has it: a role with its path, unlike in aws-auth. */
  readonly principalArn: string;
  /** The entry's own ARN, for its tags; it is new each time the entry is made. */
  readonly arn: string;
  /** `STANDARD` for people; all others are of nodes and can hold neither groups nor policies. */
  readonly type: string;
  readonly username: string;
  readonly groups: readonly string[];
  readonly policies: readonly ScopedPolicy[];
  readonly tags: Readonly<Record<string, string>>;
}

/** What it takes to make one. */
export interface NewEntry extends Pick<AccessEntry, "principalArn" | "username" | "groups" | "tags"> {
  /** The same for each try of one call, so that a repeated one makes nothing twice. */
  readonly token: string;
}

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

/**
 * A call that was not answered may still arrive. In most cases a request must reach AWS within five minutes of its time
 * stamp (IAM User Guide, "AWS Signature Version 4 for API requests", reference_aws-signing.html), and an access entry has
 * no version that would refuse a late one.
 */
const signatureMs = 5 * 60_000;

/** A run sends nothing any more that was planned on what it read longer ago. Milliseconds. */
export const planMs = 60_000;

/** How far our clock may be from that of AWS, milliseconds. */
const clocksMs = 60_000;

/** From when a plan was made until nothing of what was sent by it can arrive any more, milliseconds. */
const lateCallMs = planMs + signatureMs + clocksMs;

/** Until when what was sent since then may arrive; null: nothing can any more. */
export function arrivesUntil(since: string | null, now: Date): Date | null {
  if (since === null) return null;
  const until = new Date(Date.parse(since) + lateCallMs);
  return until > now ? until : null;
}
