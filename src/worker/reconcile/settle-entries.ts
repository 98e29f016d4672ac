import { AccessError } from "../../access/access-error.ts";
import { lastUnanswered, shareInCluster } from "../../access/lease/cluster-leases.ts";
import { type Drift, driftOf } from "../../access/lease/drift.ts";
import { type EntryTarget, isGivenByEntry } from "../../access/lease/holding.ts";
import type { MappedIdentity } from "../../access/lease/lease-record.ts";
import { roomForWithdrawals, type Withdrawals } from "../../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { refuseIdentity } from "../../access/policy/creator.ts";
import { accessPolicies, policyTexts } from "../../access/policy/policy-text.ts";
import type { Refusal } from "../../access/principal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { type AccessEntry, arrivesUntil, fitsTags, refuseEntry, writeHoldingTags } from "../../access-entry/index.ts";
import { type NamedEntry, type Steps, unifiedDiff } from "../../aws-auth/index.ts";
import { sameUsernameWarnings, sessionWarnings } from "../preview/preview-warnings.ts";
import { checkWork, leaveOutRefused, withOwnMemory } from "./check-leases.ts";
import type { EntryState } from "./entry-state.ts";
import { requestedMapping, targetsOf, withdrawalsAfter } from "./targets.ts";
import type { ChangePreview, RequestedChange, SettleInput, Settlement, VoidApproval } from "./way-adapter.ts";

export type EntrySettlement = Settlement & { readonly withdrawals: Withdrawals };

/** Decides the entries' wanted form, after a check of every seal, the policy and the base (laws 3 and 4). */
export function settleEntries(input: SettleInput<EntryState>): EntrySettlement {
  const known = withOwnMemory(input);
  const checked = checkWork(known, {
    driftOf: (request, groups) => driftIn(known, request, groups),
    // A lease that was approved for aws-auth can return as an entry: `drift: repair` asks for that.
    mayRepair: (request) => isGivenByEntry(request) || known.state.knowsDocument,
  });
  const refusals = refusalsOf(known, targetsOf(known, checked));
  const voided = checked.voided.map((each) => ({ ...each, whyStillThere: whyStillThere(known, each) }));
  // A removal never needs an addition, so an end is never stuck.
  const sorted = { ...leaveOutRefused({ ...checked, voided }, refusals), ending: checked.ending, stuck: [] };
  const targets = targetsOf(known, { ...sorted, beginning: sorted.leased });
  return { ...sorted, targets, withdrawals: remembered(known, { ...sorted, targets }) };
}

function whyStillThere({ state, now }: SettleInput<EntryState>, { request }: VoidApproval): AccessError | null {
  const key = request.principal.toLowerCase();
  const seen = { hasEntry: state.entries.has(key), openSince: state.openSince.get(key) ?? null };
  // A failover of Redis can lose that its write began. The tags still say so.
  const isBegun = request.lease.writeBegan !== null || shareInCluster(state.holdings, request) !== undefined;
  return isBegun ? lateCallDoubt(request, seen, now) : null;
}

/** Keeps a revocation while an entry still has its share, if there is room. */
function remembered(input: SettleInput<EntryState>, sorted: Settlement): Withdrawals {
  const { holdings, tags } = input.state;
  const room = roomForWithdrawals(tags);
  const after = withdrawalsAfter(input, sorted, holdings.values(), room);
  return after.list.length <= room ? after : withdrawalsAfter(input, sorted, [], room);
}

function driftIn(
  { cluster, state }: SettleInput<EntryState>,
  request: ApprovedRequest,
  groups: readonly string[],
): Drift | null {
  const drift = driftOf(request, state.identityOf(request.principal), null, [], groups);
  if (!drift || isGivenByEntry(request) || state.entries.has(request.principal.toLowerCase())) return drift;
  if (state.readsDocument) return driftOf(request, null, [], [], groups);
  return { request, message: `it is in aws-auth, which ${cluster.name} no longer reads for this principal` };
}

function refusalsOf({ cluster, state, keys }: SettleInput<EntryState>, targets: ReadonlyMap<string, EntryTarget>) {
  const found = new Map<string, Refusal>();
  for (const [key, target] of targets) {
    const refusal = refuseTarget(cluster, state, keys.memory, target);
    if (refusal) found.set(key, refusal);
  }
  return found;
}

export function refuseTarget(
  cluster: Cluster,
  { creatorArn, entries }: Pick<EntryState, "creatorArn" | "entries">,
  keys: MemoryKeys,
  target: EntryTarget,
): Refusal | null {
  const { holding, change } = target;
  if (!holding) return null;
  const { arn } = change;
  const entry = entries.get(arn.toLowerCase()) ?? null;
  const own = refuseIdentity(cluster, arn, creatorArn);
  if (own) return { ...own, arn };
  const refusal = refuseEntry(arn, entry, target);
  if (refusal) return refusal;
  const tags = writeHoldingTags(sealedClusterOf(cluster), holding, keys, { madeAt: new Date(0).toISOString() });
  if (fitsTags(tags, entry?.tags ?? {})) return null;
  const message = `The access entry of ${arn} in ${cluster.name} has no room for more leases. Ask again when some end.`;
  return { code: "tags-full", arn, message };
}

interface Seen {
  readonly hasEntry: boolean;
  /** Since when calls about it may be unanswered, ISO 8601; null: none is. */
  readonly openSince: string | null;
}

/** Why a part of a lease can still arrive in an access entry; null: it can't. An existing entry shows it, and no second one can exist. */
export function lateCallDoubt(request: ApprovedRequest, { hasEntry, openSince }: Seen, now: Date): AccessError | null {
  const until =
    arrivesUntil(openSince, now) ??
    (hasEntry ? null : arrivesUntil(lastUnanswered(request, now)?.toISOString() ?? null, now));
  if (!until) return null;
  return new AccessError(
    "access-entry-late",
    `A call for ${request.principal} can still arrive until ${until.toISOString()}`,
  );
}

export function* previewByEntry(
  cluster: Cluster,
  keys: MemoryKeys,
  state: EntryState,
  requested: RequestedChange,
): Steps<ChangePreview> {
  const { request, principal, others } = requested;
  const { arn } = principal;
  const { refusal: known, base, identity: today, username, target } = requestedMapping(cluster, state, requested);
  const refusal = known ?? refuseTarget(cluster, state, keys, target);
  if (refusal) return { type: "refused", refusal };
  const groups = target.change.type === "map" ? target.change.groups : request.groups;
  const afterwards = { username, groups };
  const entry = state.entries.get(arn.toLowerCase());
  const diff = unifiedDiff(
    "access-entry",
    today && textOfEntry(entry, arn, today),
    textOfEntry(entry, arn, afterwards),
  );
  return {
    type: "change",
    way: "access-entry",
    diff,
    base,
    today,
    afterwards,
    warnings: [
      ...(today ? [] : sameUsernameWarnings(username, arn, yield* namedIn(state), others)),
      ...sessionWarnings(username, arn),
    ],
  };
}

function* namedIn({ entries, mappedEntries }: EntryState): Steps<readonly NamedEntry[]> {
  const read = [...entries.values()].map(({ principalArn, username }) => ({ arn: principalArn, username }));
  return [...read, ...(yield* mappedEntries())];
}

export function textOfEntry(entry: AccessEntry | undefined, arn: string, { username, groups }: MappedIdentity): string {
  const policies = accessPolicies(groups).flatMap(policyTexts);
  const plain = groups.filter((group) => !group.startsWith("policy "));
  return [
    `principal: ${entry?.principalArn ?? arn}`,
    `username: ${username}`,
    ...plain.map((group) => `group: ${group}`),
    ...policies.map((policy) => policy.replace("policy ", "policy: ")),
    "",
  ].join("\n");
}
