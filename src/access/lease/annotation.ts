import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/canonical-json.ts";
import type { Holding, Share } from "../request/record.ts";
import { noWithdrawals, type Withdrawal, type Withdrawals } from "./withdrawal.ts";

/** Where the cluster itself remembers our leases, in the same object as the entries they explain. */
export const leasesAnnotation = "eks-access/leases";

export type AnnotationReading =
  | { readonly type: "absent" }
  | { readonly type: "holdings"; readonly holdings: readonly Holding[]; readonly withdrawals: Withdrawals }
  /** Somebody edited it, it was copied from another cluster, or the key is not ours. */
  | { readonly type: "untrusted"; readonly message: string };

/** What the seal covers, and the cluster's name. */
interface Sealed {
  readonly v: 1;
  readonly held: readonly Json[];
  readonly gone: readonly Json[];
  readonly before: string | null;
}

/** The annotation's text, sealed for this one cluster; null where there is nothing to remember. */
export function writeAnnotation(
  cluster: string,
  holdings: readonly Holding[],
  keys: MemoryKeys,
  withdrawals: Withdrawals = noWithdrawals,
): string | null {
  const sealed = toSeal(holdings, withdrawals);
  return sealed && JSON.stringify({ ...sealed, seal: keys.seal("annotation", sealedValue(cluster, sealed)) });
}

/** Null: there is nothing to remember. */
function toSeal(holdings: readonly Holding[], { list, notBefore: before }: Withdrawals): Sealed | null {
  if (holdings.length === 0 && list.length === 0 && before === null) return null;
  const held = [...holdings].sort((a, b) => (a.arn < b.arn ? -1 : 1)).map(compact);
  const gone = list.map(({ id, at, endsAt, cameToNothing }) => [
    id,
    Date.parse(at),
    Date.parse(endsAt),
    ...(cameToNothing ? [1] : []),
  ]);
  return { v: 1, held, gone, before };
}

/** Its text, which is faster to make than sorted JSON, and is what was read as long as nobody edited it. */
function sealedValue(cluster: string, { v, held, gone, before }: Sealed): Json {
  return { cluster, text: JSON.stringify({ v, held, gone, before }) };
}

/** Whether the annotation of these holdings stays within so many bytes. */
export function fitsAnnotation(holdings: readonly Holding[], keys: MemoryKeys, bytes: number): boolean {
  const sealed = toSeal(holdings, noWithdrawals);
  // Every seal is as long as another: what it seals need not be written down for that.
  const text = sealed && JSON.stringify({ ...sealed, seal: keys.seal("annotation", null) });
  return Buffer.byteLength(text ?? "") <= bytes;
}

/** Reads the annotation. What our key did not seal for this cluster is not believed. */
export function readAnnotation(cluster: string, text: string | undefined, keys: MemoryKeys): AnnotationReading {
  if (text === undefined) return { type: "absent" };
  const untrusted = (message: string): AnnotationReading => ({ type: "untrusted", message });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return untrusted("it is not JSON");
  }
  const sealed = readSealed(value);
  if (!sealed) return untrusted("it has not the form that eks-access writes");
  if (!keys.isSealed("annotation", sealedValue(cluster, sealed), sealed.seal)) {
    return untrusted("its seal is not ours for this cluster");
  }
  const holdings = sealed.held.map(expand).filter((each) => each !== null);
  const list = sealed.gone.map(expandWithdrawal).filter((each) => each !== null);
  if (holdings.length < sealed.held.length || list.length < sealed.gone.length) {
    return untrusted("it has not the form that eks-access writes");
  }
  return { type: "holdings", holdings, withdrawals: { list, notBefore: sealed.before } };
}

function compact(holding: Holding): Json {
  const emergencies = holding.shares.filter(({ emergency }) => emergency).map(({ id }) => id);
  return {
    arn: holding.arn,
    new: holding.entryAdded,
    add: holding.added,
    g: holding.shares.map(({ id, endsAt, groups, level, requester, approvers }) => [
      id,
      endsAt,
      groups,
      level,
      requester,
      ...approvers,
    ]),
    ...(emergencies.length > 0 && { emergency: emergencies }),
  };
}

function expand(value: Json): Holding | null {
  const { arn, new: entryAdded, add, g, emergency = [] } = value as { [key: string]: Json | undefined };
  if (typeof arn !== "string" || typeof entryAdded !== "boolean" || !isTexts(add)) return null;
  if (!Array.isArray(g) || !isTexts(emergency)) return null;
  const shares = g.map((each) => expandShare(each, emergency)).filter((share) => share !== null);
  return shares.length === g.length ? { arn, entryAdded, added: add, shares } : null;
}

function expandShare(value: Json, emergencies: readonly string[]): Share | null {
  const [id, endsAt, groups, ...names] = Array.isArray(value) ? value : [];
  if (typeof id !== "string" || typeof endsAt !== "string" || !isTexts(groups) || !isTexts(names)) return null;
  const [level = "", requester = "", ...approvers] = names;
  return { id, endsAt, groups, level, requester, emergency: emergencies.includes(id), approvers };
}

function expandWithdrawal(value: Json): Withdrawal | null {
  const [id, at, endsAt, cameToNothing] = Array.isArray(value) ? value : [];
  if (typeof id !== "string" || !isMoment(at) || !isMoment(endsAt)) return null;
  const moments = { at: new Date(at).toISOString(), endsAt: new Date(endsAt).toISOString() };
  return { id, ...moments, ...(cameToNothing === 1 && { cameToNothing: true as const }) };
}

/** Milliseconds since the epoch that a date can hold. */
function isMoment(value: Json | undefined): value is number {
  return typeof value === "number" && !Number.isNaN(new Date(value).getTime());
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function readSealed(value: unknown): (Sealed & { readonly seal: string }) | null {
  if (typeof value !== "object" || value === null) return null;
  const { v, held, gone, before, seal: sealText } = value as { [key: string]: unknown };
  if (v !== 1 || typeof sealText !== "string" || !Array.isArray(held) || !Array.isArray(gone)) return null;
  if (before !== null && typeof before !== "string") return null;
  const isObject = (item: unknown) => typeof item === "object" && item !== null && !Array.isArray(item);
  return held.every(isObject) ? { v, held, gone, before, seal: sealText } : null;
}
