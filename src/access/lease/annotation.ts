import { isRecord, isTexts, keptWith } from "../collections.ts";
import { absentKey, type Json, type MemoryKeys, parseJson } from "../seal.ts";
import type { Holding, Share } from "./lease-record.ts";
import { noWithdrawals, type Withdrawal, type Withdrawals } from "./withdrawal.ts";

/** The cluster's own memory of our leases, in the same object as the entries that they explain. */
export const leasesAnnotation = "eks-access/leases";

export type AnnotationReading =
  | { readonly type: "absent" }
  | { readonly type: "holdings"; readonly holdings: readonly Holding[]; readonly withdrawals: Withdrawals }
  /** Edited, copied from another cluster, or sealed by another key. */
  | { readonly type: "untrusted"; readonly message: string };

interface Sealed {
  readonly v: 1;
  readonly held: readonly Json[];
  readonly gone: readonly Json[];
  readonly before: string | null;
}

/** The annotation's text, sealed for this one cluster; null: there is nothing to remember. */
export function writeAnnotation(
  cluster: string,
  holdings: readonly Holding[],
  keys: MemoryKeys,
  withdrawals: Withdrawals = noWithdrawals,
): string | null {
  const text = textToSeal(holdings, withdrawals);
  return text && withSeal(text, keys.seal("annotation", { cluster, text }));
}

/** What `readAnnotation` gives for our text of these holdings. */
export function readingOf(holdings: readonly Holding[], withdrawals: Withdrawals): AnnotationReading {
  const list = goneValues(withdrawals)
    .map(expandWithdrawal)
    .filter((each) => each !== null);
  return { type: "holdings", holdings: inOrder(holdings), withdrawals: { list, notBefore: withdrawals.notBefore } };
}

/** The text of a `Sealed`; null: there is nothing to remember. */
function textToSeal(holdings: readonly Holding[], withdrawals: Withdrawals): string | null {
  const { list, notBefore } = withdrawals;
  if (holdings.length === 0 && list.length === 0 && notBefore === null) return null;
  return sealedText(heldText(holdings), withdrawals);
}

function sealedText(held: string, withdrawals: Withdrawals): string {
  const gone = JSON.stringify(goneValues(withdrawals));
  return `{"v":1,"held":[${held}],"gone":${gone},"before":${JSON.stringify(withdrawals.notBefore)}}`;
}

function goneValues({ list }: Withdrawals): readonly Json[] {
  return list.map(({ id, at, endsAt, isVoid, withoutLedger }) => [
    id,
    Date.parse(at),
    Date.parse(endsAt),
    ...(isVoid ? [1] : []),
    ...(withoutLedger ? [2] : []),
  ]);
}

const textOf = keptWith((holding: Holding) => JSON.stringify(compact(holding)));

/** A run checks the room of all holdings and then writes them, and few change from one run to the next. */
const heldText = keptWith((holdings: readonly Holding[]) => inOrder(holdings).map(textOf).join());
const byArn = (a: Holding, b: Holding) => (a.arn < b.arn ? -1 : 1);
const inOrder = keptWith((holdings: readonly Holding[]) => holdings.toSorted(byArn));

function withSeal(text: string, seal: string): string {
  return `${text.slice(0, -1)},"seal":${JSON.stringify(seal)}}`;
}

function sealedValue(cluster: string, { v, held, gone, before }: Sealed): Json {
  return { cluster, text: JSON.stringify({ v, held, gone, before }) };
}

/** Whether the annotation of these holdings has at most so many bytes. */
export function fitsAnnotation(holdings: readonly Holding[], keys: MemoryKeys, bytes: number): boolean {
  if (holdings.length === 0) return true;
  // All seals have one length, so this one needs no real value.
  const rest = withSeal(sealedText("", noWithdrawals), keys.seal("annotation", null));
  return Buffer.byteLength(heldText(holdings)) + Buffer.byteLength(rest) <= bytes;
}

/** Reads the annotation. Trusts only parts that our key sealed for this cluster. */
export function readAnnotation(cluster: string, text: string | undefined, keys: MemoryKeys): AnnotationReading {
  if (text === undefined) return { type: "absent" };
  const untrusted = (message: string): AnnotationReading => ({ type: "untrusted", message });
  const value = parseJson(text);
  if (value === null) return untrusted("it is not JSON");
  const sealed = readSealed(value);
  if (!sealed) return untrusted("it does not have the form that eks-access writes");
  if (!keys.isSealed("annotation", sealedValue(cluster, sealed), sealed.seal)) {
    return untrusted(absentKey(sealed.seal, keys) ?? "its seal is not ours for this cluster");
  }
  const holdings = sealed.held.map(expand).filter((each) => each !== null);
  const list = sealed.gone.map(expandWithdrawal).filter((each) => each !== null);
  if (holdings.length < sealed.held.length || list.length < sealed.gone.length) {
    return untrusted("it does not have the form that eks-access writes");
  }
  return { type: "holdings", holdings, withdrawals: { list, notBefore: sealed.before } };
}

function compact(holding: Holding): Json {
  const emergencies = holding.shares.filter(({ emergency }) => emergency).map(({ id }) => id);
  const askers = holding.shares.flatMap(({ id, askedBy }) => (askedBy === undefined ? [] : [[id, askedBy]]));
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
    ...(askers.length > 0 && { asked: askers }),
    ...(holding.beside && { beside: holding.beside }),
    ...(holding.hidden && { hidden: holding.hidden }),
  };
}

function expand(value: Json): Holding | null {
  const held = value as Partial<Record<string, Json>>;
  const { arn, new: entryAdded, add, g, emergency = [], asked = [], beside, hidden = 0 } = held;
  if (typeof arn !== "string" || typeof entryAdded !== "boolean" || !isTexts(add)) return null;
  if (!Array.isArray(g) || !isTexts(emergency) || !Array.isArray(asked) || !asked.every(isTexts)) return null;
  const askers = new Map(asked.map(([id = "", by = ""]) => [id, by]));
  const shares = g.map((each) => expandShare(each, emergency, askers)).filter((share) => share !== null);
  if (shares.length < g.length || (beside !== undefined && !isTexts(beside)) || typeof hidden !== "number") return null;
  return { arn, entryAdded, added: add, shares, ...(beside && { beside }), ...(hidden && { hidden }) };
}

function expandShare(value: Json, emergencies: readonly string[], askers: ReadonlyMap<string, string>): Share | null {
  const [id, endsAt, groups, ...names] = Array.isArray(value) ? value : [];
  if (typeof id !== "string" || typeof endsAt !== "string" || !isTexts(groups) || !isTexts(names)) return null;
  const [level = "", requester = "", ...approvers] = names;
  const askedBy = askers.get(id);
  const share = { id, endsAt, groups, level, requester, emergency: emergencies.includes(id), approvers };
  return askedBy === undefined ? share : { ...share, askedBy };
}

function expandWithdrawal(value: Json): Withdrawal | null {
  const [id, at, endsAt, kind] = Array.isArray(value) ? value : [];
  if (typeof id !== "string" || !isMoment(at) || !isMoment(endsAt)) return null;
  const moments = { at: new Date(at).toISOString(), endsAt: new Date(endsAt).toISOString() };
  return {
    id,
    ...moments,
    ...(kind === 1 && { isVoid: true as const }),
    ...(kind === 2 && { withoutLedger: true as const }),
  };
}

function isMoment(value: Json | undefined): value is number {
  return typeof value === "number" && !Number.isNaN(new Date(value).getTime());
}

function readSealed(value: unknown): (Sealed & { readonly seal: string }) | null {
  if (typeof value !== "object" || value === null) return null;
  const { v, held, gone, before, seal: sealText } = value as { [key: string]: unknown };
  if (v !== 1 || typeof sealText !== "string" || !Array.isArray(held) || !Array.isArray(gone)) return null;
  if (before !== null && typeof before !== "string") return null;
  return held.some((item) => !isRecord(item)) ? null : { v, held, gone, before, seal: sealText };
}

/** The API server's limit for all annotations of an object (apimachinery, ValidateAnnotations). */
export const allAnnotationsBytes = 256 * 1024;

/** Present only between the two writes of a fence, or until the next write if the process died between them. */
export const fenceAnnotation = "eks-access/fence";

type Annotations = Readonly<Record<string, string>>;

/** Enough for some 900 leases of one cluster. Each run reads them. */
const maxForLeases = 200 * 1024;

/** Reserved for revocations and a fence: an end must not wait for room. */
const keptFree = 16 * 1024;

const bytesOfLease = 500;

export interface AnnotationRoom {
  /** For our whole text, in bytes. */
  readonly forLeases: number;
  readonly others: number;
  readonly largest: { readonly name: string; readonly bytes: number } | null;
}

export function roomIn(annotations: Annotations): AnnotationRoom {
  const sizes = Object.entries(othersAnnotations(annotations)).map(([name, text]) => ({
    name,
    bytes: bytesOf({ [name]: text }),
  }));
  const others = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const [largest = null] = sizes.toSorted((a, b) => b.bytes - a.bytes);
  const free = allAnnotationsBytes - others - keptFree - leasesAnnotation.length;
  return { forLeases: Math.max(0, Math.min(maxForLeases, free)), others, largest };
}

export function othersAnnotations(annotations: Annotations): Annotations {
  const { [leasesAnnotation]: _ours, [fenceAnnotation]: _fence, ...others } = annotations;
  return others;
}

/** Names and values together, as the API server counts. */
export function bytesOf(annotations: Annotations): number {
  return Object.entries(annotations).reduce(
    (sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text),
    0,
  );
}

/** Others' annotations that fill the room, as a clause; null: there are none. */
export function spaceTakenByOthers({ others, largest }: AnnotationRoom): string | null {
  if (!largest) return null;
  return `others' annotations take ${others} of ${allAnnotationsBytes} bytes, ${largest.name} alone ${largest.bytes}`;
}

export function noRoomWords(name: string, room: AnnotationRoom): string {
  const clause = spaceTakenByOthers(room);
  return `The annotation of ${name} has no room for more leases${clause ? `: ${clause}` : ""}.`;
}

/** How many more leases fit beside our present text. */
export function leasesThatFit({ forLeases }: AnnotationRoom, text: string | undefined): number {
  return Math.max(0, Math.floor((forLeases - Buffer.byteLength(text ?? "")) / bytesOfLease));
}
