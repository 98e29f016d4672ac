import { AccessError } from "../access-error.ts";
import { keptWith } from "../collections.ts";
import { isMigration, type LedgerRecord } from "../lists.ts";
import { type Cluster, clusterArnOf, sealedClusterOf, type Way } from "../policy/cluster.ts";
import { bindsRoles } from "../policy/policy-text.ts";
import type { Change } from "../principal.ts";
import type { AccessRequest } from "../record.ts";
import { isRescue } from "../request.ts";
import { hasSeal, type Json, type MemoryKeys, sealedAnew, type WorkerKeys, withSeal, withSealAnew } from "../seal.ts";
import { shareInCluster } from "./cluster-leases.ts";
import { isOwnUsername, ownPrefix, signInShare } from "./lease.ts";
import type { Holding, MappedIdentity, SealedPlace, Share, WrittenShare } from "./lease-record.ts";
import { mergeWithdrawals, provedEnd, type Withdrawals } from "./withdrawal.ts";

/** The entry without our part. Null: nothing would remain. */
export function baseOf(entry: MappedIdentity | null, holding: Holding | undefined): MappedIdentity | null {
  if (!entry) return null;
  if (!holding) return entry;
  const groups = entry.groups.filter((group) => !holding.added.includes(group));
  // An entry with another username belongs to others, who can have bound it.
  const isOurs = holding.entryAdded && isOwnUsername(entry.username);
  if (isOurs && groups.length === 0) return null;
  return { username: entry.username, groups };
}

export interface EntryTarget {
  readonly change: Change;
  /** Our part after the change; null: none. */
  readonly holding: Holding | null;
}

/**
 * The entry that a principal must have: its base and its shares' groups. @param username for an entry that we add @param drifted
 * shares of which others removed a part: nothing returns, but the holding keeps them, as a backup may bring the part back
 */
export function entryTarget(
  arn: string,
  entry: MappedIdentity | null,
  holding: Holding | undefined,
  shares: readonly Share[],
  username: string,
  drifted: readonly Share[] = [],
): EntryTarget {
  const base = baseOf(entry, holding);
  const held = [...shares, ...drifted].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (held.length === 0) {
    return { change: base ? { type: "map", arn, ...base } : { type: "unmap", arn }, holding: null };
  }
  const left = groupsOf(drifted).filter((group) => entry?.groups.includes(group));
  const wanted = [...new Set([...groupsOf(shares), ...left])].sort();
  const kept = entry?.groups.filter((group) => base?.groups.includes(group) || wanted.includes(group)) ?? [];
  const groups = [...kept, ...wanted.filter((group) => !kept.includes(group))];
  const added = groupsOf(held).filter((group) => !base?.groups.includes(group));
  const isEmpty = base === null && wanted.length === 0 && shares.length === 0;
  return {
    change: isEmpty ? { type: "unmap", arn } : { type: "map", arn, username: entry?.username ?? username, groups },
    // An entry that was ours once stays ours, whatever groups others changed since.
    holding: { arn, entryAdded: (base === null && !isEmpty) || holding?.entryAdded === true, added, shares: held },
  };
}

/** A target's change of a document. It takes our part from all entries of the principal, also from those that others hide by one of theirs. */
export function changeInDocument({ change, holding }: EntryTarget, before: Holding | undefined): Change {
  const partly = (holding?.added.length ?? 0) > 0 ? { ...change, isPartly: true } : change;
  if (!before) return partly;
  const usernames = before.entryAdded ? ownPrefix : "";
  const gone = before.added.filter((group) => !holding?.added.includes(group));
  const groups = before.entryAdded && !holding ? null : gone;
  const { added, beside, hidden = 0 } = before;
  return { ...partly, ours: { usernames, groups, added, beside: before.entryAdded ? undefined : beside, hidden } };
}

function groupsOf(shares: readonly Share[]): readonly string[] {
  return [...new Set(shares.flatMap((share) => share.groups))].sort();
}

export interface DocumentMemory {
  readonly holdings: readonly Holding[];
  readonly withdrawals: Withdrawals;
}

/**
 * The memory of a document into which others restored a backup: ours, with all that came back, so that an ended lease does not
 * return as others' access. @param restoredGroups a principal's groups that the restore added; null: it was not mapped
 */
export function mergeMemory(
  live: DocumentMemory,
  backup: DocumentMemory,
  restoredGroups: (arn: string) => readonly string[] | null,
): DocumentMemory {
  const merged = new Map(live.holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
  for (const old of backup.holdings) {
    const key = old.arn.toLowerCase();
    const came = restoredPart(old, restoredGroups(old.arn));
    if (came) merged.set(key, union(merged.get(key), came));
  }
  return { holdings: [...merged.values()], withdrawals: mergeWithdrawals(live.withdrawals, backup.withdrawals) };
}

/** The part of the backup's holding that came back; null: none. */
function restoredPart(old: Holding, restored: readonly string[] | null): Holding | null {
  if (restored === null) return old;
  const added = old.added.filter((group) => restored.includes(group));
  if (added.length === 0) return null;
  const shares = old.shares.filter(({ groups }) => groups.some((group) => added.includes(group)));
  return { ...old, added, shares, entryAdded: false };
}

function union(live: Holding | undefined, came: Holding): Holding {
  if (!live) return came;
  const others = came.shares.filter(({ id }) => !live.shares.some((share) => share.id === id));
  return {
    ...live,
    entryAdded: live.entryAdded || came.entryAdded,
    added: [...new Set([...live.added, ...came.added])].sort(),
    shares: [...live.shares, ...others],
  };
}

/** Seals a request's present part of the cluster; null: the holding has no share of it. @param place by `sealedClusterOf` */
export function sealWritten(
  place: string,
  request: AccessRequest,
  holding: Holding,
  keys: MemoryKeys,
  way: Way,
): WrittenShare | null {
  const share = holding.shares.find(({ id }) => id === request.id);
  if (!share) return null;
  const { entryAdded } = holding;
  const unsealed = { entryAdded, added: holding.added.filter((group) => share.groups.includes(group)), way, share };
  return { ...unsealed, seal: keys.seal("written", sealedValue(place, request, unsealed)) };
}

/** The annotation's holdings, with the lost ones of active leases. `lost`: their lower-case ARNs, for the next write. */
export function withLedgerMemory(
  place: string,
  annotated: readonly Holding[],
  open: readonly AccessRequest[],
  keys: MemoryKeys,
  way: Way = "aws-auth",
): { readonly holdings: ReadonlyMap<string, Holding>; readonly lost: ReadonlySet<string> } {
  const known = byLowerArn(annotated);
  const holdings = new Map<string, Holding>();
  for (const request of open) {
    if (shareInCluster(known, request) ?? shareInCluster(holdings, request)) continue;
    const own = holdingInRecord(place, request, keys, way);
    if (!own) continue;
    const key = request.principal.toLowerCase();
    holdings.set(key, union(holdings.get(key) ?? known.get(key), own));
  }
  const lost = new Set(holdings.keys());
  return { holdings: lost.size === 0 ? known : new Map([...known, ...holdings]), lost };
}

/** An unchanged annotation is the same array (src/worker/remembered.ts). */
const byLowerArn = keptWith((holdings: readonly Holding[]): ReadonlyMap<string, Holding> => {
  const found = new Map<string, Holding>();
  for (const holding of holdings) found.set(holding.arn.toLowerCase(), holding);
  return found;
});

/** None of a scheduled lease: if it was written, the same write put it into the annotation. */
function holdingInRecord(place: string, request: AccessRequest, keys: MemoryKeys, way: Way): Holding | null {
  const written = genuinelyWritten(place, request, keys);
  if (written?.way !== way) return null;
  const { entryAdded, added, share } = written;
  return { arn: request.principal, entryAdded, added, shares: [share] };
}

/** What an active lease gives, by a sealed source; null: none. The record's own groups are only for display. */
export function provedShare(
  place: string,
  holdings: ReadonlyMap<string, Holding>,
  request: AccessRequest,
  keys: MemoryKeys,
): Share | null {
  return shareInCluster(holdings, request) ?? genuinelyWritten(place, request, keys)?.share ?? null;
}

/** The share that a lease by bindings has in its principal's entry, by its record; null: none. */
export function signInShareInRecord(place: string, request: AccessRequest, keys: MemoryKeys): Share | null {
  const written = genuinelyWritten(place, request, keys);
  return written?.way === "binding" && written.entryAdded ? signInShareOf(written) : null;
}

const signInShareOf = keptWith(({ share }: WrittenShare) => signInShare(share));

const genuineBy = keptWith(
  (_: MemoryKeys) => new WeakMap<AccessRequest, { place: string; written: WrittenShare | null }>(),
);

/** Sealed for this cluster, request, principal and approvals. An unchanged record is the same object in the next run. */
export function genuinelyWritten(place: string, request: AccessRequest, keys: MemoryKeys): WrittenShare | null {
  const known = genuineBy(keys);
  const before = known.get(request);
  if (before?.place === place) return before.written;
  const written = readWritten(place, request, keys);
  known.set(request, { place, written });
  return written;
}

function readWritten(place: string, request: AccessRequest, keys: MemoryKeys): WrittenShare | null {
  const written = request.lease?.state === "active" ? request.lease.written : null;
  if (!written || written.share.id !== request.id) return null;
  const { seal: sealText, ...unsealed } = written;
  return keys.isSealed("written", sealedValue(place, request, unsealed), sealText) ? written : null;
}

/** Whether seals show where the lease of this record is. A rescue has none: an attacker with Redis can call each lease one. */
export function isPlaceProved(request: AccessRequest, cluster: Cluster, keys: Pick<WorkerKeys, "memory" | "decision">) {
  if (isRescue(request)) return false;
  const written = genuinelyWritten(sealedClusterOf(cluster), request, keys.memory);
  if (written) return (written.way === "binding") === bindsRoles(request.groups);
  return provedEnd(request, cluster, keys.decision) !== null;
}

export function sealPlace(cluster: Cluster, { id }: Pick<Placed, "id">, keys: MemoryKeys): SealedPlace {
  return withSeal(keys, "place", { cluster: sealedClusterOf(cluster) }, { request: id });
}

/** Where leases and steps began, and what a lease wrote, under the newest key: once the cluster's own memory is. */
export function memorySealedAnew<Kept extends LedgerRecord>(place: string, record: Kept, keys: MemoryKeys): Kept {
  const anew = <Where extends SealedPlace | null>(where: Where): Where =>
    where && withSealAnew(keys, "place", where, { request: record.id });
  if (isMigration(record)) {
    const begun = record.begun && { ...record.begun, place: anew(record.begun.place) };
    return { ...record, begun, done: record.done.map((step) => ({ ...step, place: anew(step.place) })) };
  }
  const { lease } = record as AccessRequest;
  if (!lease) return record;
  const { seal = "", ...unsealed } = lease.written ?? {};
  const value = lease.written && sealedValue(place, record as AccessRequest, unsealed as Omit<WrittenShare, "seal">);
  const written = lease.written && { ...lease.written, seal: sealedAnew(keys, "written", value, seal) };
  return { ...record, lease: { ...lease, place: anew(lease.place), written } };
}

/** A request, or a migration with its begun step for a lease. */
interface Placed {
  readonly id: string;
  readonly lease: { readonly place: SealedPlace | null } | null;
}

/**
 * Refuses to work in a cluster that got the name of the one in which a lease or a step began. A reload refuses such a configuration, but a start
 * does not see it, and an end there would be proved in the wrong cluster. Only a worker's seal for this name counts, so that no edit of a record, as
 * of its cluster, can delay the others' ends.
 *
 * @throws AccessError `cluster-mismatch`
 */
export function refuseMovedName(cluster: Cluster, begun: readonly Placed[], keys: MemoryKeys): void {
  const here = sealedClusterOf(cluster);
  for (const { id, lease } of begun) {
    if (!lease?.place || lease.place.cluster === here || !lease.place.cluster.startsWith(`${cluster.name} `)) continue;
    if (!hasSeal<"memory">(keys, "place", lease.place, { request: id })) continue;
    const { cluster: place } = lease.place;
    const message = `${cluster.name} is ${clusterArnOf(cluster)} in eks-access.yml, but ${id} belongs to ${place.slice(place.indexOf(" ") + 1)}`;
    throw new AccessError("cluster-mismatch", message);
  }
}

function sealedValue(
  place: string,
  request: AccessRequest,
  { entryAdded, added, way, share }: Omit<WrittenShare, "seal">,
): Json {
  const { cluster, principal } = request;
  // Without their seals, which a rotation of the key renews.
  const approvals = request.approvals.map(({ seal: _, ...said }) => said) as unknown as Json;
  return { place, cluster, principal, entryAdded, added, way, share: { ...share }, approvals };
}

export function isGivenByEntry({ lease }: Pick<AccessRequest, "lease">): boolean {
  return lease?.written?.way === "access-entry";
}
