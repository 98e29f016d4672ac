import { groupsBy, keptWith } from "../collections.ts";
import type { Cluster } from "../policy/cluster.ts";
import { bindsRoles } from "../policy/policy-text.ts";
import type { AccessRequest, ApprovedRequest, RequestFields } from "../record.ts";
import { isRescue } from "../request.ts";
import type { PreviewPublicKeys } from "../seal.ts";
import { approversConfirmedForSeconds, isDatedAhead, isGenuinePreview, lastApproval } from "../seals.ts";
import { earliest, endOf, isOwnUsername, isSignInShare, leaseEnd } from "./lease.ts";
import type { Holding, MappedIdentity, OtherLease, Share } from "./lease-record.ts";

export interface DueWork {
  /** Approved, and not proved yet: a run checks their approvals before it writes. */
  readonly beginning: readonly ApprovedRequest[];
  /** Expired, revoked, or over before their proof: a run removes their part. */
  readonly ending: readonly ApprovedRequest[];
  /** A run only checks them for drift. */
  readonly inForce: readonly ApprovedRequest[];
}

export function dueWork(open: readonly ApprovedRequest[], now: Date): DueWork {
  const beginning: ApprovedRequest[] = [];
  const ending: ApprovedRequest[] = [];
  const inForce: ApprovedRequest[] = [];
  for (const request of open) {
    if (isRescue(request)) continue;
    if (isDueToEnd(request, now)) ending.push(request);
    else if (request.lease.state === "scheduled") beginning.push(request);
    else inForce.push(request);
  }
  return { beginning, ending, inForce };
}

/** Whether work is due that no earlier failure delays. */
export function hasDueWork({ beginning, ending }: DueWork, now: Date): boolean {
  return [...beginning, ...ending].some(({ trouble }) => !trouble || Date.parse(trouble.retryAt) <= now.getTime());
}

/** Whether the lease is over according to the cluster's own memory. Redis does not count. */
export function isOverInCluster(holdings: ReadonlyMap<string, Holding>, request: ApprovedRequest, now: Date): boolean {
  if (!isAnyShareOver(holdings, now)) return false;
  const share = shareInCluster(holdings, request);
  return share !== undefined && isShareOver(share, now);
}

export function isShareOver({ endsAt }: Pick<Share, "endsAt">, now: Date): boolean {
  return Date.parse(endsAt) <= now.getTime();
}

const firstEndMs = keptWith((holdings: ReadonlyMap<string, Holding>) => {
  let first = Number.POSITIVE_INFINITY;
  for (const { shares } of holdings.values())
    for (const { endsAt } of shares) first = Math.min(first, Date.parse(endsAt));
  return first;
});

/** In nearly every run none is, so that it compares no other end. */
export function isAnyShareOver(holdings: ReadonlyMap<string, Holding>, now: Date): boolean {
  return !(firstEndMs(holdings) > now.getTime());
}

/** The end by the last sealed approval, ISO 8601. The record's own copy is only for display. */
export function sealedEnd(
  request: Pick<RequestFields, "approvals" | "createdAt" | "durationSeconds" | "until">,
): string {
  const last = lastApproval(request.approvals);
  return last ? leaseEnd(request, new Date(last.at)) : request.createdAt;
}

/** The same in milliseconds since the epoch. Each run needs it several times for each lease. */
const sealedEndMs = keptWith((request: AccessRequest) => Date.parse(sealedEnd(request)));

/** For a first write: until then only Redis remembers a denial, and the list of approvers is valid for a limited time. */
export function isTooOldToBegin({ approvals }: ApprovedRequest, goodForSeconds: number, now: Date): boolean {
  const last = lastApproval(approvals);
  const seconds = Math.min(goodForSeconds, approversConfirmedForSeconds);
  return last !== undefined && now.getTime() > Date.parse(last.at) + seconds * 1000;
}

/** Whether an approved request must lose its part of the cluster now. */
export function isDueToEnd(request: ApprovedRequest, now: Date): boolean {
  return request.lease.end !== null || sealedEndMs(request) <= now.getTime();
}

/** Ends at most its duration after the first write; an extension at its own time. @param known undefined: the first write */
export function approvedShare(request: AccessRequest, now: Date, known?: Share): Share {
  const { id, level, requester, askedBy, durationSeconds, until } = request;
  const emergency = request.emergency !== null;
  const approvers = request.approvals.map(({ by }) => by);
  const counted = until === null ? [endOf(now, durationSeconds)] : [];
  const endsAt = earliest([sealedEnd(request), ...counted, ...(known ? [known.endsAt] : [])]);
  const share = { id, groups: [...request.groups].sort(), endsAt, level, requester, emergency, approvers };
  return askedBy === null ? share : { ...share, askedBy };
}

export function shareInCluster(holdings: ReadonlyMap<string, Holding>, request: AccessRequest): Share | undefined {
  // Nearly all are in lower case: each run asks this several times for each lease.
  const { id, principal } = request;
  const { shares } = holdings.get(principal) ?? holdings.get(principal.toLowerCase()) ?? { shares: [] };
  for (const share of shares) if (share.id === id) return share;
}

/** A holding's shares without an open request. @param open ids of the open requests */
export function orphanedShares({ shares }: Pick<Holding, "shares">, open: ReadonlySet<string>): readonly Share[] {
  const orphans: Share[] = [];
  for (const share of shares) if (!open.has(share.id)) orphans.push(share);
  return orphans;
}

/** The requests for these principals, by their lower-case ARNs. */
export function forPrincipals<R extends AccessRequest>(
  principals: ReadonlySet<string>,
  requests: readonly R[],
): readonly R[] {
  const found: R[] = [];
  for (const request of requests) if (principals.has(request.principal.toLowerCase())) found.push(request);
  return found;
}

/** By lower-case ARN: our part of entries that runs can have begun to write for these leases. @param partOf absent: entries that we add */
export function begunHoldings<R extends AccessRequest>(
  requests: readonly R[],
  now: Date,
  partOf: (request: R) => Pick<Holding, "entryAdded" | "added"> = ({ groups }) => ({ entryAdded: true, added: groups }),
): ReadonlyMap<string, Holding> {
  const found = new Map<string, Holding>();
  for (const request of requests) {
    const key = request.principal.toLowerCase();
    const { arn = request.principal, added = [], shares = [] } = found.get(key) ?? {};
    const part = partOf(request);
    const all = [...new Set([...added, ...part.added])].sort();
    const share = approvedShare(request, now);
    found.set(key, { arn, entryAdded: part.entryAdded, added: all, shares: [...shares, share] });
  }
  return found;
}

function isBegun({ lease }: AccessRequest): boolean {
  return lease?.state === "scheduled" && lease.writeBegan !== null;
}

/**
 * Our part of entries whose memory others took away before any run proved their leases.
 * @param identityOf of an entry without our memory, by lower-case ARN; undefined: there is none
 */
export function holdingsOfBegun(
  requests: readonly AccessRequest[],
  identityOf: (key: string) => MappedIdentity | null | undefined,
  { cluster, keys, now }: { readonly cluster: Cluster; readonly keys: PreviewPublicKeys; readonly now: Date },
): readonly Holding[] {
  const partOf = (request: AccessRequest): Pick<Holding, "entryAdded" | "added"> => {
    const { groups, preview } = request;
    const today = identityOf(request.principal.toLowerCase());
    if (!today) return { entryAdded: false, added: [] };
    if (isOwnUsername(today.username)) return { entryAdded: true, added: groups };
    // In others' entry, ours is what it lacked when the approvers saw it.
    const added = groups.filter((group) => today.groups.includes(group) && !preview?.base?.groups.includes(group));
    const isSeen = added.length > 0 && preview?.base?.username === today.username;
    return { entryAdded: false, added: isSeen && isGenuinePreview(request, cluster, keys) ? added : [] };
  };
  const begun = requests
    .filter(isBegun)
    .map((request) => ({ ...request, part: partOf(request) }))
    .filter(({ part }) => part.entryAdded || part.added.length > 0);
  return [...begunHoldings(begun, now, ({ part }) => part).values()];
}

export function idsOf(requests: readonly { readonly id: string }[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { id } of requests) ids.add(id);
  return ids;
}

/** After a loss of the ledger: they stay until their end. `closed`: ids that are over in the ledger. */
export function sharesToKeep(orphans: readonly Share[], closed: ReadonlySet<string>, now: Date): readonly Share[] {
  return orphans.filter((share) => !closed.has(share.id) && Date.parse(share.endsAt) > now.getTime());
}

/** When an unanswered call that gives a lease can last have been sent; null: each was answered. */
export function lastUnanswered(request: ApprovedRequest, now: Date): Date | null {
  const { lease } = request;
  // One that is dated ahead is of a clock that was wrong, or changed in Redis: no wait counts from it.
  const past = (at: string | null | undefined) => (at && !isDatedAhead({ at }, now) ? Date.parse(at) : null);
  // A proved lease has its answers; only repeated calls count.
  if (lease.state !== "scheduled") {
    const again = past(lease.sentAgainAt);
    return again === null ? null : new Date(again);
  }
  if (!lease.writeBegan) return null;
  const decided = past(lease.end?.at) ?? past(lease.voidSince) ?? Date.parse(sealedEnd(request));
  return new Date(Math.max(Math.min(decided, now.getTime()), past(lease.writeBegan) ?? 0));
}

export interface LeasesFound {
  readonly beginning: readonly ApprovedRequest[];
  readonly inForce: readonly ApprovedRequest[];
  readonly rememberedOf: (key: string) => readonly Share[];
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly identityOf: (arn: string) => MappedIdentity | null;
}

export function otherLeasesOf(request: AccessRequest, found: LeasesFound): readonly OtherLease[] {
  const { beginning, inForce, rememberedOf, holdings, identityOf } = found;
  const has = identityOf(request.principal)?.groups ?? [];
  const partOf = ({ id, groups, endsAt }: Share): OtherLease => ({
    id,
    groups: groups.filter((group) => has.includes(group)).toSorted(),
    endsAt,
  });
  const inForceOf = (each: ApprovedRequest): OtherLease => {
    const share = shareInCluster(holdings, each);
    return share ? partOf(share) : { id: each.id, groups: [], endsAt: sealedEnd(each) };
  };
  return [
    ...otherLeasesOfPrincipal(request, beginning).map(wholeLease),
    ...otherLeasesOfPrincipal(request, inForce).map(inForceOf),
    ...rememberedOf(request.principal.toLowerCase())
      .filter((share) => share.id !== request.id && !isSignInShare(share))
      .map(partOf),
  ].toSorted(byId);
}

/** The same by the ledger alone: the shown ones that remain, and new ones of its way. @param unknown ids that only the cluster knows */
export function otherLeasesInLedger(
  request: AccessRequest,
  open: readonly ApprovedRequest[],
  unknown: ReadonlySet<string>,
  now: Date,
): readonly OtherLease[] {
  const shown = request.preview?.leases ?? [];
  const { beginning, inForce } = dueWork(open, now);
  // A preview shows those of its own way: bindings and groups don't change each other.
  const known = otherLeasesOfPrincipal(request, [...beginning, ...inForce])
    .filter(({ groups }) => bindsRoles(groups) === bindsRoles(request.groups))
    .map((each) => shown.find(({ id }) => id === each.id) ?? wholeLease(each));
  return [...known, ...shown.filter(({ id }) => unknown.has(id))].toSorted(byId);
}

/** The same groups for the same time. An end on time is no difference; an early end or an unshown lease is one. */
export function giveSameAccess(shown: readonly OtherLease[], found: readonly OtherLease[], now: Date): boolean {
  const [a, b] = [ends(shown, now), ends(found, now)];
  return (
    a.length === b.length &&
    a.every(([group, end], index) => {
      const [other, otherEnd = 0] = b[index] ?? [];
      return other === group && Math.abs(end - otherEnd) <= sameEndMs;
    })
  );
}

/** Clocks differ, and approvers see minutes. */
const sameEndMs = 60_000;

function ends(leases: readonly OtherLease[], now: Date): readonly (readonly [string, number])[] {
  const until = new Map<string, number>();
  for (const { groups, endsAt } of leases) {
    const end = Date.parse(endsAt);
    if (!(end > now.getTime())) continue;
    for (const group of groups) until.set(group, Math.max(end, until.get(group) ?? 0));
  }
  return [...until].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const principalKey = ({ principal }: ApprovedRequest) => principal.toLowerCase();
const byPrincipal = keptWith((all: readonly ApprovedRequest[]) => groupsBy(all, principalKey));

function otherLeasesOfPrincipal({ id, principal }: AccessRequest, all: readonly ApprovedRequest[]) {
  return (byPrincipal(all).get(principal.toLowerCase()) ?? []).filter((each) => each.id !== id);
}

function wholeLease(request: ApprovedRequest): OtherLease {
  return { id: request.id, groups: request.groups.toSorted(), endsAt: sealedEnd(request) };
}

function byId(a: OtherLease, b: OtherLease): number {
  return a.id < b.id ? -1 : 1;
}
