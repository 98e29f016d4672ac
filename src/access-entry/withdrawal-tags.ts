import type { Json, MemoryKeys } from "../access/approval/seal.ts";
import type { Withdrawal, Withdrawals } from "../access/lease/withdrawal.ts";
import { ownId } from "../access/record.ts";

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
    ...Object.fromEntries(remembered.map((each) => [`${prefix}${each.id}`, textOf(cluster, each, keys)])),
    ...(notBefore !== null && { [forgottenKey]: `${notBefore} ${keys.seal("withdrawal", { cluster, notBefore })}` }),
  };
}

function textOf(cluster: string, withdrawal: Withdrawal, keys: MemoryKeys): string {
  const { at, endsAt, isVoid, withoutLedger } = withdrawal;
  const approvedOr = isVoid ? voidWord : "approved";
  const word = withoutLedger ? removedWord : approvedOr;
  return `${word} ${at} until ${endsAt} ${keys.seal("withdrawal", sealedValue(cluster, withdrawal))}`;
}

function sealedValue(cluster: string, { id, at, endsAt, isVoid, withoutLedger }: Withdrawal): Json {
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
  return keys.isSealed("withdrawal", sealedValue(cluster, withdrawal), sealText) ? withdrawal : null;
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
