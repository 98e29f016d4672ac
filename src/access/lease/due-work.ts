import { approversConfirmedForSeconds, lastApproval } from "../approval/decision.ts";
import type { AccessRequest, ApprovedRequest, RequestFields } from "../request/record.ts";
import { isRescue } from "../request/request.ts";
import { earliest, endOf, leaseEnd } from "./lease.ts";
import type { Holding, Share } from "./lease-record.ts";

export interface DueWork {
  /** Approved, to be written (or written by a run that died): their approvals have to be checked. */
  readonly beginning: readonly ApprovedRequest[];
  /** Their part has to be removed: expired, revoked, or over before they were proved. */
  readonly ending: readonly ApprovedRequest[];
  /** In force: looked at for drift, and otherwise not touched. */
  readonly inForce: readonly ApprovedRequest[];
}

/** Sorts the open requests of a cluster into what has to be done now. */
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

/** Whether a run has anything to do now that is not put off by an earlier failure. */
export function hasDueWork({ beginning, ending }: DueWork, now: Date): boolean {
  return [...beginning, ...ending].some(({ trouble }) => !trouble || Date.parse(trouble.retryAt) <= now.getTime());
}

/** Whether a lease is over by the cluster's own memory, whatever the record in Redis says. */
export function isOverInCluster(holdings: ReadonlyMap<string, Holding>, request: ApprovedRequest, now: Date): boolean {
  const share = shareInCluster(holdings, request);
  return share !== undefined && Date.parse(share.endsAt) <= now.getTime();
}

/** The end that the last sealed approval gives, ISO 8601: the record's own copy is for showing, not for believing. */
export function sealedEnd(
  request: Pick<RequestFields, "approvals" | "createdAt" | "durationSeconds" | "until">,
): string {
  const last = lastApproval(request.approvals);
  return last ? leaseEnd(request, new Date(last.at)) : request.createdAt;
}

const sealedEnds = new WeakMap<AccessRequest, number>();

/** The same in milliseconds since the epoch. Each run asks for it of each lease, several times. */
function sealedEndMs(request: AccessRequest): number {
  const known = sealedEnds.get(request);
  if (known !== undefined) return known;
  const ms = Date.parse(sealedEnd(request));
  sealedEnds.set(request, ms);
  return ms;
}

/**
 * Whether an approval is too old for a first write. Before it only Redis remembers a denial, and the last approval's list of
 * approvers is believed for a limited time.
 */
export function isTooOldToBegin({ approvals }: ApprovedRequest, goodForSeconds: number, now: Date): boolean {
  const last = lastApproval(approvals);
  const seconds = Math.min(goodForSeconds, approversConfirmedForSeconds);
  return last !== undefined && now.getTime() > Date.parse(last.at) + seconds * 1000;
}

/** Whether the part of an approved request has to be removed now. */
export function isDueToEnd(request: ApprovedRequest, now: Date): boolean {
  return request.lease.end !== null || sealedEndMs(request) <= now.getTime();
}

/**
 * The share that a checked approval gives. It ends no later than its duration after its first write, an extension at its own
 * time. @param known the cluster's memory of it; undefined: nothing was written yet
 */
export function approvedShare(request: AccessRequest, now: Date, known?: Share): Share {
  const { id, level, requester, durationSeconds, until } = request;
  const emergency = request.emergency !== null;
  const approvers = request.approvals.map(({ by }) => by);
  const counted = until === null ? [endOf(now, durationSeconds)] : [];
  const endsAt = earliest([sealedEnd(request), ...counted, ...(known ? [known.endsAt] : [])]);
  return { id, groups: [...request.groups].sort(), endsAt, level, requester, emergency, approvers };
}

/** The share of a request as the cluster remembers it. */
export function shareInCluster(holdings: ReadonlyMap<string, Holding>, request: AccessRequest): Share | undefined {
  return holdings.get(request.principal.toLowerCase())?.shares.find((share) => share.id === request.id);
}

/** The shares of a holding without an open request. @param open the ids of the open requests */
export function orphanedShares(holding: Holding, open: ReadonlySet<string>): readonly Share[] {
  return holding.shares.filter(({ id }) => !open.has(id));
}

export function idsOf(requests: readonly { readonly id: string }[]): ReadonlySet<string> {
  return new Set(requests.map(({ id }) => id));
}

/**
 * Shares that only the cluster remembers after a loss of the ledger: kept to their end. `closed`: ids that the ledger knows to
 * be over.
 */
export function sharesToKeep(orphans: readonly Share[], closed: ReadonlySet<string>, now: Date): readonly Share[] {
  return orphans.filter((share) => !closed.has(share.id) && Date.parse(share.endsAt) > now.getTime());
}
