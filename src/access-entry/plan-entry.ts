import type { SealKeys } from "../approval/seal.ts";
import type { Holding, Target } from "../grant/holding.ts";
import type { AccessEntry, NewEntry, ScopedPolicy } from "./entry.ts";
import { staleTags, writeHoldingTags } from "./entry-tags.ts";
import { groupsIn, policiesIn } from "./policy-text.ts";

/** One call to EKS about one principal's entry. */
export type EntryCall =
  | { readonly type: "create"; readonly entry: Omit<NewEntry, "token"> }
  | { readonly type: "tag"; readonly tags: Readonly<Record<string, string>> }
  | { readonly type: "untag"; readonly keys: readonly string[] }
  | { readonly type: "set-groups"; readonly groups: readonly string[] }
  | { readonly type: "associate"; readonly policy: ScopedPolicy }
  | { readonly type: "disassociate"; readonly name: string }
  | { readonly type: "remove" };

export interface EntrySituation {
  /** Of the configuration. */
  readonly cluster: string;
  /** With a role's path, as EKS wants it. */
  readonly principalArn: string;
  /** As it was read right before; null: there is none. */
  readonly entry: AccessEntry | null;
  /** What of it is ours now. */
  readonly held: Holding | undefined;
}

/**
 * The calls, in this order, that make of an entry what it must be. A process may die between any two of them: the tags
 * claim what is to be added before it is added, and claim it until it is seen to be taken away, so that nothing of ours ever
 * stands there unclaimed. Nothing to do: no calls.
 */
export function planEntry(
  situation: EntrySituation,
  { change, holding }: Target,
  keys: SealKeys,
): readonly EntryCall[] {
  const { cluster, principalArn, entry, held } = situation;
  if (change.type === "unmap") return entry ? [{ type: "remove" }] : [];
  const groups = groupsIn(change.groups);
  const policies = policiesIn(change.groups);
  const tags = holding ? writeHoldingTags(cluster, holding, keys) : {};
  if (!entry) {
    const { username } = change;
    return [{ type: "create", entry: { principalArn, username, groups, tags } }, ...policies.map(association)];
  }
  const claim = holding && writeHoldingTags(cluster, unionOf(held, holding), keys);
  const changes = [...groupCalls(entry, groups), ...policyCalls(entry, policies)];
  const first = changes.length > 0 && claim ? tagCalls(claim, entry.tags) : [];
  const afterFirst = first.length > 0 ? { ...entry.tags, ...claim } : entry.tags;
  const stale = staleTags(tags, afterFirst);
  return [
    ...first,
    ...changes,
    ...tagCalls(tags, afterFirst),
    ...(stale.length > 0 ? [{ type: "untag" as const, keys: stale }] : []),
  ];
}

function association(policy: ScopedPolicy): EntryCall {
  return { type: "associate", policy };
}

function tagCalls(
  wanted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
): readonly EntryCall[] {
  const isThere = Object.entries(wanted).every(([key, value]) => present[key] === value);
  return isThere ? [] : [{ type: "tag", tags: wanted }];
}

function groupCalls(entry: AccessEntry, groups: readonly string[]): readonly EntryCall[] {
  const isThere = groups.length === entry.groups.length && groups.every((group) => entry.groups.includes(group));
  return isThere ? [] : [{ type: "set-groups", groups }];
}

function policyCalls(entry: AccessEntry, wanted: readonly ScopedPolicy[]): readonly EntryCall[] {
  const isThere = (policy: ScopedPolicy) => entry.policies.some((each) => isSame(each, policy));
  const gone = entry.policies.filter(({ name }) => !wanted.some((policy) => policy.name === name));
  return [
    ...gone.map(({ name }): EntryCall => ({ type: "disassociate", name })),
    ...wanted.filter((policy) => !isThere(policy)).map(association),
  ];
}

function isSame(a: ScopedPolicy, b: ScopedPolicy): boolean {
  const scope = ({ namespaces }: ScopedPolicy) => namespaces?.toSorted().join(" ");
  return a.name === b.name && scope(a) === scope(b);
}

function unionOf(held: Holding | undefined, next: Holding): Holding {
  if (!held) return next;
  const shares = new Map([...held.shares, ...next.shares].map((share) => [share.id, share]));
  return {
    arn: next.arn,
    entryAdded: held.entryAdded || next.entryAdded,
    added: [...new Set([...held.added, ...next.added])].sort(),
    shares: [...shares.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
