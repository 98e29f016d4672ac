import type { DecisionPublicKeys } from "../approval/seal.ts";
import { digestOfChange, digestOfRequest, lastSealedApproval, sealedRequesterFacts } from "../approval/seals.ts";
import { permanentSeconds } from "../duration.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../record.ts";
import { sealedEnd } from "./cluster-leases.ts";
import { endOf } from "./lease.ts";

/**
 * An approval that ended early. Its seal is still valid, and an attacker with Redis could restore the older record: so the
 * cluster remembers the end.
 */
export interface Withdrawal {
  readonly id: string;
  /** Approvals up to this time do not count. */
  readonly at: string;
  /** The approval's own end, after which the cluster forgets it. */
  readonly endsAt: string;
  /** The approval was void, or the request was refused: no person revoked it. */
  readonly isVoid?: true;
  /** A worker without the ledger removed the ended lease at `at`: the record gets the time from here. */
  readonly withoutLedger?: true;
}

export interface Withdrawals {
  readonly list: readonly Withdrawal[];
  /** An approval up to this time can be withdrawn and forgotten for lack of room; null: nothing was forgotten early. */
  readonly notBefore: string | null;
}

export const noWithdrawals: Withdrawals = { list: [], notBefore: null };

/** Leases can be permanent, but an annotation is finite: these take about 12 KiB. */
export const maxWithdrawals = 256;

/** How long a cluster remembers a removal without the ledger: longer than Redis is ever away. In seconds. */
const removalKeptSeconds = 7 * 86_400;

/** The cluster's memory of a lease that a worker without the ledger removes now. */
export function removalWithoutLedger(id: string, now: Date): Withdrawal {
  return { id, at: now.toISOString(), endsAt: endOf(now, removalKeptSeconds), withoutLedger: true };
}

/** When a worker without the ledger removed a lease, ISO 8601; null: the cluster knows of none. */
export function removedWithoutLedgerAt(id: string, { list }: Withdrawals): string | null {
  for (const each of list) if (each.id === id && each.withoutLedger) return each.at;
  return null;
}

/** Whether a cluster remembers no withdrawal, and forgot none. Then a run need not look at each of its leases. */
export function remembersNone({ list, notBefore }: Withdrawals): boolean {
  return list.length === 0 && notBefore === null;
}

/** Whether the cluster remembers a withdrawal of this record's approval. A newer sealed approval counts again. */
export function isWithdrawn(request: AccessRequest, { list }: Withdrawals, keys: DecisionPublicKeys): boolean {
  const known = list.find(({ id, withoutLedger }) => id === request.id && !withoutLedger);
  return known !== undefined && !isApprovedAfter(request, known.at, keys);
}

/** Whether the cluster remembers this approval as void. A worker can die before the record has it. */
export function isRememberedAsVoid(
  request: AccessRequest,
  withdrawals: Withdrawals,
  keys: DecisionPublicKeys,
): boolean {
  const known = withdrawals.list.find(({ id }) => id === request.id);
  return known?.isVoid === true && isWithdrawn(request, withdrawals, keys);
}

/** Whether the cluster may have forgotten a withdrawal. Only for a lease without a share in the cluster. */
export function mayBeWithdrawn(request: AccessRequest, { notBefore }: Withdrawals, keys: DecisionPublicKeys): boolean {
  return notBefore !== null && !isApprovedAfter(request, notBefore, keys);
}

/** The requests that the cluster does not remember as withdrawn or removed. The others are old copies, and their own memory does not count. */
export function withoutWithdrawn(
  open: readonly AccessRequest[],
  withdrawals: Withdrawals,
  keys: DecisionPublicKeys,
): readonly AccessRequest[] {
  if (remembersNone(withdrawals)) return open;
  return open.filter(
    (request) =>
      !isWithdrawn(request, withdrawals, keys) &&
      !mayBeWithdrawn(request, withdrawals, keys) &&
      removedWithoutLedgerAt(request.id, withdrawals) === null,
  );
}

/** The withdrawal to remember; null: its time is over. @param shareEndsAt the end in the cluster's memory, ISO 8601 */
export function withdrawalOf(
  request: AccessRequest,
  shareEndsAt: string | undefined,
  cluster: Cluster,
  keys: DecisionPublicKeys,
  now: Date,
): Withdrawal | null {
  const proved = provedEnd(request, cluster, keys);
  // An attacker with Redis can leave an earlier approval, which is over, in a revoked record: the last one is of before this moment.
  const isRevoked = proved !== null && request.lease?.end != null;
  const known = shareEndsAt ?? (isRevoked ? endOf(now, request.durationSeconds) : proved);
  const endsAt = known ?? endOf(now, permanentSeconds);
  if (Date.parse(endsAt) <= now.getTime()) return null;
  // Without a genuine seal the time of the approval is unknown, so this covers every approval up to now.
  return { id: request.id, at: lastSealedApproval(request, keys)?.at ?? now.toISOString(), endsAt };
}

export interface WithdrawalChanges {
  readonly withdrawn: readonly Withdrawal[];
  /** Ids that have a newer approval. */
  readonly leased: ReadonlySet<string>;
  /** Ids with a share in the cluster: never forgotten. */
  readonly held: ReadonlySet<string>;
  readonly now: Date;
  /** The most withdrawals to keep. */
  readonly limit?: number;
}

/** The cluster's next memory of withdrawals. Removals without the ledger get only the room that is left: they protect nothing. */
export function rememberWithdrawals(
  { list, notBefore }: Withdrawals,
  { withdrawn, leased, held, now, limit = maxWithdrawals }: WithdrawalChanges,
): Withdrawals {
  const known = revocationsLast([...list, ...withdrawn]).filter(
    ({ id, endsAt }) => !leased.has(id) && Date.parse(endsAt) > now.getTime(),
  );
  const removals = known.filter(({ withoutLedger }) => withoutLedger);
  const wanted = known.filter(
    ({ id, at, withoutLedger }) => !withoutLedger && (held.has(id) || !isUpTo(at, notBefore)),
  );
  const free = wanted.filter(({ id }) => !held.has(id)).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const tooMany = Math.min(free.length, Math.max(0, wanted.length - limit));
  const kept = [...wanted.filter(({ id }) => held.has(id)), ...free.slice(tooMany)];
  const newest = removals.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const alsoKept = newest.slice(0, Math.max(0, limit - kept.length));
  return {
    list: [...kept, ...alsoKept].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    notBefore: free[tooMany - 1]?.at ?? notBefore,
  };
}

/** The union of a cluster's two memories: a principal's way, or the cluster's mode, can change. */
export function mergeWithdrawals(one: Withdrawals, other: Withdrawals): Withdrawals {
  const inOrder = [...one.list, ...other.list].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const [notBefore = null] = [one.notBefore, other.notBefore]
    .filter((each) => each !== null)
    .toSorted((a, b) => Date.parse(b) - Date.parse(a));
  return { list: revocationsLast(inOrder), notBefore };
}

/** One for each id, the last one: a removal without the ledger never replaces a revocation, which protects from old records. */
function revocationsLast(list: readonly Withdrawal[]): readonly Withdrawal[] {
  const last = new Map<string, Withdrawal>();
  for (const each of list) {
    const known = last.get(each.id);
    if (!each.withoutLedger || !known || known.withoutLedger) last.set(each.id, each);
  }
  return [...last.values()];
}

function isUpTo(at: string, notBefore: string | null): boolean {
  return notBefore !== null && Date.parse(at) <= Date.parse(notBefore);
}

function isApprovedAfter(request: AccessRequest, moment: string, keys: DecisionPublicKeys): boolean {
  const last = lastSealedApproval(request, keys);
  return last !== null && Date.parse(last.at) > Date.parse(moment);
}

/** The end of a lease, ISO 8601, if its approvals cover exactly this record; null: unknown. */
function provedEnd(request: AccessRequest, cluster: Cluster, keys: DecisionPublicKeys): string | null {
  const level = cluster.levels.find(({ name }) => name === request.level);
  if (!level || !lastSealedApproval(request, keys)) return null;
  const asApproved = { ...request, requesterFacts: sealedRequesterFacts(request) };
  const seen = request.preview ?? { base: null, way: "aws-auth" as const, leases: [] };
  const digest = request.emergency
    ? digestOfRequest(request, cluster, level)
    : digestOfChange(asApproved, cluster, level, seen);
  return request.approvals.every((each) => each.digest === digest) ? sealedEnd(request) : null;
}
