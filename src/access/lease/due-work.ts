import { approversConfirmedForSeconds, lastApproval } from "../approval/seals.ts";
import { keptWith } from "../collections.ts";
import type { AccessRequest, ApprovedRequest, RequestFields } from "../request/record.ts";
import { isRescue } from "../request/request.ts";
import { earliest, endOf, leaseEnd } from "./lease.ts";
import type { Holding, Share } from "./lease-record.ts";

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
  const share = shareInCluster(holdings, request);
  return share !== undefined && Date.parse(share.endsAt) <= now.getTime();
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

/**
 * Whether an approval is too old for a first write: until then only Redis remembers a denial, and the list of approvers is valid
 * for a limited time.
 */
export function isTooOldToBegin({ approvals }: ApprovedRequest, goodForSeconds: number, now: Date): boolean {
  const last = lastApproval(approvals);
  const seconds = Math.min(goodForSeconds, approversConfirmedForSeconds);
  return last !== undefined && now.getTime() > Date.parse(last.at) + seconds * 1000;
}

/** Whether an approved request must lose its part of the cluster now. */
export function isDueToEnd(request: ApprovedRequest, now: Date): boolean {
  return request.lease.end !== null || sealedEndMs(request) <= now.getTime();
}

/**
 * The share of a checked approval. It ends at most its duration after the first write; an extension at its own time. @param
 * known undefined: this is the first write
 */
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
  return holdings.get(request.principal.toLowerCase())?.shares.find((share) => share.id === request.id);
}

/** A holding's shares without an open request. @param open ids of the open requests */
export function orphanedShares(holding: Pick<Holding, "shares">, open: ReadonlySet<string>): readonly Share[] {
  return holding.shares.filter(({ id }) => !open.has(id));
}

export function idsOf(requests: readonly { readonly id: string }[]): ReadonlySet<string> {
  return new Set(requests.map(({ id }) => id));
}

/**
 * Shares that only the cluster remembers, after a loss of the ledger: they stay until their end. `closed`: ids that are over in
 * the ledger.
 */
export function sharesToKeep(orphans: readonly Share[], closed: ReadonlySet<string>, now: Date): readonly Share[] {
  return orphans.filter((share) => !closed.has(share.id) && Date.parse(share.endsAt) > now.getTime());
}

/** When an unanswered call that gives a lease can last have been sent; null: each was answered. */
export function lastUnanswered(request: ApprovedRequest, now: Date): Date | null {
  const { lease } = request;
  // A proved lease has its answers; only repeated calls count.
  if (lease.state !== "scheduled") return lease.sentAgainAt === null ? null : new Date(lease.sentAgainAt);
  if (!lease.writeBegan) return null;
  const decided = Date.parse(lease.end?.at ?? lease.voidSince ?? sealedEnd(request));
  return new Date(Math.max(Math.min(decided, now.getTime()), Date.parse(lease.writeBegan)));
}
