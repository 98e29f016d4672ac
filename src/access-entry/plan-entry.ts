import type { EntryTarget } from "../access/lease/holding.ts";
import type { Holding, MappedIdentity } from "../access/lease/lease-record.ts";
import { accessPolicies, kubernetesGroups, type ScopedPolicy } from "../access/policy/policy-text.ts";
import type { Refusal } from "../access/principal.ts";
import type { MemoryKeys } from "../access/seal.ts";
import {
  type AccessEntry,
  arrivesUntil,
  holdsExactly,
  type NewEntry,
  readHoldingTags,
  staleTags,
  type Tags,
  writeHoldingTags,
} from "./entry-tags.ts";

export type EntryCall =
  | { readonly type: "create"; readonly entry: NewEntry }
  | {
      readonly type: "tag";
      readonly tags: Tags;
      /** The calls after it only remove: they go on without it, and no further tags are written. */
      readonly isOptional?: true;
    }
  | { readonly type: "untag"; readonly keys: readonly string[] }
  | { readonly type: "set-groups"; readonly groups: readonly string[] }
  | { readonly type: "associate"; readonly policy: ScopedPolicy }
  | { readonly type: "disassociate"; readonly name: string }
  | { readonly type: "remove" };

export interface EntrySituation {
  readonly cluster: string;
  /** With a role's path, as EKS requires. */
  readonly principalArn: string;
  /** As read right before; null: there is none. */
  readonly entry: AccessEntry | null;
  readonly held: Holding | undefined;
  /** Since when calls about it may be unanswered; null: none is. If there is no entry: of the earlier one. */
  readonly openSince: string | null;
  readonly now: Date;
}

/**
 * The calls, in order, that give an entry its wanted form. A process can die between any two of them: the tags claim an addition
 * before it happens, and keep the claim until the removal is seen, so that nothing of ours is ever there unclaimed. No calls:
 * there is nothing to do.
 * An unanswered call can arrive minutes later. So a claim is _open_ until all its calls were answered. A claim that stays open,
 * for example after a run that died, is kept while any of its calls can arrive, and so is the entry: then a late addition is
 * claimed, and nothing can create the entry again.
 */
export function planEntry(situation: EntrySituation, target: EntryTarget, keys: MemoryKeys): readonly EntryCall[] {
  const { principalArn, entry } = situation;
  const wanted = wantedIn(situation, target);
  if (!wanted) return entry ? [{ type: "remove" }] : [];
  const groups = kubernetesGroups(wanted.groups);
  const policies = accessPolicies(wanted.groups);
  const tags = tagsFor(situation, target, keys);
  if (!entry) {
    // If the first call does everything, it arrives or it does not: nothing comes after it.
    const first = policies.length > 0 ? tags.claim : tags.last;
    const { username } = wanted;
    const created: EntryCall = { type: "create", entry: { principalArn, username, groups, tags: first } };
    return [created, ...policies.map(association), ...exactTags(tags.last, first)];
  }
  const changes = [...groupCalls(entry, groups), ...policyCalls(entry, policies)];
  const claims = changes.length > 0 && target.holding ? claimCalls(tags.claim, entry, changes) : [];
  const present = claims.length > 0 ? { ...entry.tags, ...tags.claim } : entry.tags;
  return [...claims, ...changes, ...exactTags(tags.last, present)];
}

/** What an entry must give now; null: it must not exist. */
function wantedIn(
  { entry, held, openSince, now }: Pick<EntrySituation, "entry" | "held" | "openSince" | "now">,
  { change }: EntryTarget,
): MappedIdentity | null {
  if (change.type === "map") return change;
  const isOpen = entry && held && arrivesUntil(openSince, now);
  return isOpen ? { username: entry.username, groups: [] } : null;
}

/** Whether an entry is as the calls of `planEntry` leave it, without other claims: another run may be at work there. */
export function isAsPlanned(
  situation: EntrySituation,
  target: EntryTarget,
  keys: MemoryKeys,
  found: AccessEntry | null,
): boolean {
  if (!holdsExactly(found, wantedIn(situation, target))) return false;
  const { last } = tagsFor({ ...situation, entry: found }, target, keys);
  return found === null || exactTags(last, found.tags).length === 0;
}

/** Whether an entry gives what it must, and others took our tags away. Tags of ours with another claim are another run's. */
export function isWithoutOurTags(
  situation: EntrySituation,
  target: EntryTarget,
  keys: MemoryKeys,
  found: AccessEntry | null,
): boolean {
  if (found === null || !holdsExactly(found, wantedIn(situation, target))) return false;
  return readHoldingTags(situation.cluster, target.change.arn, found, keys).type !== "holding";
}

function tagsFor(
  { cluster, entry, held, openSince, now }: EntrySituation,
  { change, holding }: EntryTarget,
  keys: MemoryKeys,
): { readonly claim: Tags; readonly last: Tags } {
  const read = entry && readHoldingTags(cluster, change.arn, entry, keys);
  const madeAt = read?.type === "holding" ? read.madeAt : (entry?.createdAt ?? now.toISOString());
  const union = holding ? unionOf(held, holding) : held;
  const claim = union ? writeHoldingTags(cluster, union, keys, { madeAt, openSince: now.toISOString() }) : {};
  if (union && arrivesUntil(openSince, now)) {
    return { claim, last: writeHoldingTags(cluster, union, keys, { madeAt, openSince }) };
  }
  return { claim, last: holding ? writeHoldingTags(cluster, holding, keys, { madeAt }) : {} };
}

function association(policy: ScopedPolicy): EntryCall {
  return { type: "associate", policy };
}

function tagCalls(wanted: Tags, present: Tags): readonly Extract<EntryCall, { type: "tag" }>[] {
  const isThere = Object.entries(wanted).every(([key, value]) => present[key] === value);
  return isThere ? [] : [{ type: "tag", tags: wanted }];
}

function exactTags(wanted: Tags, present: Tags): readonly EntryCall[] {
  const stale = staleTags(wanted, present);
  return [...tagCalls(wanted, present), ...(stale.length > 0 ? [{ type: "untag" as const, keys: stale }] : [])];
}

/** Others can fill the room for tags, and AWS can refuse them: that must not keep access. The present tags claim all that is there. */
function claimCalls(claim: Tags, { tags, groups }: AccessEntry, changes: readonly EntryCall[]): readonly EntryCall[] {
  const gives = (call: EntryCall) =>
    call.type === "associate" || (call.type === "set-groups" && !call.groups.every((group) => groups.includes(group)));
  const calls = tagCalls(claim, tags);
  return changes.some(gives) ? calls : calls.map((call) => ({ ...call, isOptional: true }));
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

export function unionOf(held: Holding | undefined, next: Holding): Holding {
  if (!held) return next;
  const shares = new Map([...held.shares, ...next.shares].map((share) => [share.id, share]));
  return {
    arn: next.arn,
    entryAdded: held.entryAdded || next.entryAdded,
    added: [...new Set([...held.added, ...next.added])].sort(),
    shares: [...shares.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Beginnings of names that EKS reserves: CreateAccessEntry refuses them (EKS User Guide, "Create access entries"). */
export const reservedName = /^(?:system|eks|aws|amazon|iam):/;

/** Null: it can get its wanted form. Not about its earlier groups and policies. @param arn as in our records */
export function refuseEntry(arn: string, entry: AccessEntry | null, { holding }: EntryTarget): Refusal | null {
  if (!holding) return null;
  if (entry && entry.type !== "STANDARD") {
    return refused(
      "entry-of-node",
      arn,
      `The access entry of ${arn} is for nodes (${entry.type}). Ask for another role.`,
    );
  }
  if (/:role\/AWSServiceRoleFor/.test(arn)) {
    return refused("service-linked-role", arn, `${arn} is a service-linked role. Ask for another role.`);
  }
  return refuseGroups(arn, holding.added) ?? refuseScope(arn, entry, holding.added);
}

function refuseGroups(arn: string, added: readonly string[]): Refusal | null {
  const refusal = (code: string, group: string, instead: string) =>
    refused(code, arn, `Access entries can't have the group ${group}. Ask an operator for ${instead}.`);
  if (added.includes("system:masters")) {
    return refusal("masters-by-entry", "system:masters", "a level with policy: AmazonEKSClusterAdminPolicy");
  }
  const group = added.find((each) => reservedName.test(each) || each.includes("{{"));
  if (group === undefined) return null;
  return refusal("reserved-group", group, "a level with a group of your own");
}

/** EKS keeps one scope for a policy: the end of our lease would remove one that others gave for some namespaces. */
function refuseScope(arn: string, entry: AccessEntry | null, added: readonly string[]): Refusal | null {
  const widened = accessPolicies(added).find(
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
    `${arn} already has ${widened.name} for some namespaces. Ask for a level with another policy.`,
  );
}

function refused(code: string, arn: string, message: string): Refusal {
  return { code, arn, message };
}
