import type { Cluster } from "../policy/cluster.ts";
import { type AccessRequest, type Decision, ownId } from "../record.ts";
import type { DecisionPublicKeys, Json, MemoryKeys } from "../seal.ts";
import { digestOfChange, digestOfRequest, lastSealedApproval, sealedRequesterFacts } from "../seals.ts";
import { sealedEnd } from "./cluster-leases.ts";
import { endOf } from "./lease.ts";
import { permanentSeconds } from "./lease-record.ts";

/** An approval that ended early. Its seal is still valid, and an attacker with Redis could restore the older record. */
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

/** Whether the cluster remembers a withdrawal of this record's approval. Newer sealed approvals count again. */
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
  readonly leased: ReadonlySet<string>;
  /** Ids with a share in the cluster: never forgotten. */
  readonly held: ReadonlySet<string>;
  readonly now: Date;
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
  // Each of several: an attacker with Redis can put a withdrawn one beside a new one.
  const isAfter = ({ at }: Decision) => Date.parse(at) > Date.parse(moment);
  return lastSealedApproval(request, keys) !== null && request.approvals.every(isAfter);
}

/** The end of a lease, ISO 8601, if its approvals cover exactly this record; null: unknown. */
export function provedEnd(request: AccessRequest, cluster: Cluster, keys: DecisionPublicKeys): string | null {
  const level = cluster.levels.find(({ name }) => name === request.level);
  if (!level || !lastSealedApproval(request, keys)) return null;
  const asApproved = { ...request, requesterFacts: sealedRequesterFacts(request) };
  const seen = request.preview ?? { base: null, way: "aws-auth" as const, leases: [] };
  const digest = request.emergency
    ? digestOfRequest(request, cluster, level)
    : digestOfChange(asApproved, cluster, level, seen);
  return request.approvals.every((each) => each.digest === digest) ? sealedEnd(request) : null;
}

/**
 * The revocations of a cluster with access entries, in tags of the EKS cluster: a deleted entry remembers nothing. EKS has no
 * versions, so each has its own tag: no two runs can overwrite each other. People read it too.
 */
const prefix = "eks-access/withdrawn/";
/** Approvals up to this time may have been revoked and forgotten, if the cluster remembers nothing about them. */
const forgottenKey = "eks-access/forgotten";

/** EKS takes 50 tags, and most of them belong to others. */
export const maxWithdrawalTags = 20;
const maxTags = 50;

/** Replaces `approved` for an approval that was void. */
const voidWord = "void";
const removedWord = "removed";

type Tags = Readonly<Record<string, string>>;

export interface WithdrawalTagReading {
  readonly withdrawals: Withdrawals;
  /** Why tags of ours are not trusted; null: all are. */
  readonly untrusted: string | null;
}

/** The tags of this memory, each sealed for this one cluster. */
export function writeWithdrawalTags(cluster: string, { list, notBefore }: Withdrawals, keys: MemoryKeys): Tags {
  const remembered = list.filter(({ id }) => ownId.test(id));
  return {
    ...Object.fromEntries(remembered.map((each) => [`${prefix}${each.id}`, tagText(cluster, each, keys)])),
    ...(notBefore !== null && { [forgottenKey]: `${notBefore} ${keys.seal("withdrawal", { cluster, notBefore })}` }),
  };
}

function tagText(cluster: string, withdrawal: Withdrawal, keys: MemoryKeys): string {
  const { at, endsAt, isVoid, withoutLedger } = withdrawal;
  const approvedOr = isVoid ? voidWord : "approved";
  const word = withoutLedger ? removedWord : approvedOr;
  return `${word} ${at} until ${endsAt} ${keys.seal("withdrawal", sealedTag(cluster, withdrawal))}`;
}

function sealedTag(cluster: string, { id, at, endsAt, isVoid, withoutLedger }: Withdrawal): Json {
  return { cluster, id, at, endsAt, ...(isVoid && { isVoid }), ...(withoutLedger && { withoutLedger }) };
}

/** Reads them from all tags of a cluster. It trusts only those that our key sealed for this cluster. */
export function readWithdrawalTags(cluster: string, tags: Tags, keys: MemoryKeys): WithdrawalTagReading {
  const found = Object.entries(tags)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => ({ key, withdrawal: readWithdrawal(cluster, key, text, keys) }));
  const { [forgottenKey]: forgotten } = tags;
  const notBefore = forgotten === undefined ? null : readForgotten(cluster, forgotten, keys);
  const bad = found.find(({ withdrawal }) => !withdrawal)?.key;
  const badKey = bad ?? (forgotten !== undefined && notBefore === null ? forgottenKey : null);
  return {
    withdrawals: { list: found.flatMap(({ withdrawal }) => withdrawal ?? []), notBefore },
    untrusted: badKey === null ? null : `the seal of the tag ${badKey} is not ours for this cluster`,
  };
}

function readWithdrawal(cluster: string, key: string, text: string, keys: MemoryKeys): Withdrawal | null {
  const [word, at, until, endsAt, sealText = "", ...more] = text.split(" ");
  const isKnown = word === "approved" || word === voidWord || word === removedWord;
  if (!isKnown || until !== "until" || !isMoment(at) || !isMoment(endsAt) || more.length > 0) return null;
  const withdrawal = {
    id: key.slice(prefix.length),
    at,
    endsAt,
    ...(word === voidWord && { isVoid: true as const }),
    ...(word === removedWord && { withoutLedger: true as const }),
  };
  return keys.isSealed("withdrawal", sealedTag(cluster, withdrawal), sealText) ? withdrawal : null;
}

function readForgotten(cluster: string, text: string, keys: MemoryKeys): string | null {
  const [notBefore, sealText = ""] = text.split(" ");
  if (!isMoment(notBefore)) return null;
  return keys.isSealed("withdrawal", { cluster, notBefore }, sealText) ? notBefore : null;
}

function isMoment(text: string | undefined): text is string {
  return text !== undefined && !Number.isNaN(Date.parse(text));
}

/** How many withdrawals fit beside others' tags; the forgotten ones need one more place. */
export function roomForWithdrawals(tags: Tags): number {
  const others = Object.keys(tags).filter((key) => !isOurs(key)).length;
  return Math.max(0, Math.min(maxWithdrawalTags, maxTags - others - 1));
}

/** The calls that make the cluster remember these withdrawals, and forget those that are over. */
export function withdrawalTagChanges(
  cluster: string,
  present: Tags,
  after: Withdrawals,
  keys: MemoryKeys,
): { readonly wanted: Tags; readonly stale: readonly string[] } {
  const all = writeWithdrawalTags(cluster, after, keys);
  return {
    wanted: Object.fromEntries(Object.entries(all).filter(([key, text]) => present[key] !== text)),
    stale: Object.keys(present).filter((key) => isOurs(key) && !(key in all)),
  };
}

function isOurs(key: string): boolean {
  return key === forgottenKey || key.startsWith(prefix);
}
