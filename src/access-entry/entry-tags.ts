import { isSignInShare, signInShare } from "../access/lease/lease.ts";
import type { Holding, Share } from "../access/lease/lease-record.ts";
import type { Json, MemoryKeys } from "../access/seal.ts";
import { type AccessEntry, isOfCallFrom } from "./entry.ts";

/** EKS takes 50 tags of 256 characters each, from few characters: so our part goes in as base64url in pieces, in one call. */
const head = "eks-access/held";
const pieceKey = (index: number) => `${head}-${String(index).padStart(2, "0")}`;
/** For people who look at the entry: which leases, until when. The product does not read it. */
const readable = "eks-access/leases";
const maxValue = 256;
const maxTags = 50;
const ours = /^eks-access\/(?:leases|held(?:-\d\d)?)$/;

export type TagReading =
  | { readonly type: "absent" }
  | {
      readonly type: "holding";
      readonly holding: Holding;
      readonly openSince: string | null;
      /** ISO 8601: when our call that makes the entry was planned, or EKS made it. */
      readonly madeAt: string;
    }
  /** They were edited, are copies from another entry, or carry another key's seal. */
  | { readonly type: "untrusted"; readonly message: string };

type Tags = Readonly<Record<string, string>>;

/** @param madeAt as in `TagReading` @param openSince ISO 8601: since when calls may be unanswered; null: none is */
export function writeHoldingTags(
  cluster: string,
  holding: Holding,
  keys: MemoryKeys,
  { madeAt, openSince = null }: { readonly madeAt: string; readonly openSince?: string | null },
): Tags {
  const text = Buffer.from(JSON.stringify({ ...plain(holding, openSince), made: madeAt })).toString("base64url");
  const pieces = text.match(new RegExp(`.{1,${maxValue}}`, "g")) ?? [];
  const sealed = keys.seal("entry", sealedValue(cluster, holding.arn, text));
  return {
    [head]: `1 ${pieces.length} ${sealed}`,
    ...Object.fromEntries(pieces.map((piece, index) => [pieceKey(index), piece])),
    [readable]: holding.shares
      .map(({ id, endsAt }) => `${id} until ${endsAt}`)
      .join(" + ")
      .slice(0, maxValue),
  };
}

export function fitsTags(wanted: Tags, present: Tags): boolean {
  return Object.keys({ ...othersTags(present), ...wanted }).length <= maxTags;
}

export function staleTags(wanted: Tags, present: Tags): readonly string[] {
  return Object.keys(present).filter((key) => ours.test(key) && !(key in wanted));
}

/** @param arn of the principal, in the form of our records */
export function readHoldingTags(
  cluster: string,
  arn: string,
  { tags, createdAt }: AccessEntry,
  keys: MemoryKeys,
): TagReading {
  const heading = tags[head];
  if (heading === undefined) return { type: "absent" };
  const untrusted = (message: string): TagReading => ({ type: "untrusted", message });
  const [version, count = "", sealed = ""] = heading.split(" ");
  if (version !== "1" || !/^\d{1,2}$/.test(count))
    return untrusted(`the tags of ${arn} do not have the form that eks-access writes`);
  const text = Array.from({ length: Number(count) }, (_, index) => tags[pieceKey(index)] ?? "").join("");
  if (!keys.isSealed("entry", sealedValue(cluster, arn, text), sealed)) {
    return untrusted(`the seal of the tags of ${arn} is not ours for this cluster and principal`);
  }
  const read = readPlain(arn, text);
  if (!read) return untrusted(`the tags of ${arn} do not have the form that eks-access writes`);
  if (!isOfCallFrom(read.madeAt, createdAt))
    return untrusted(`the tags of ${arn} are those of an earlier access entry`);
  return { type: "holding", ...read };
}

function othersTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !ours.test(key)));
}

function sealedValue(cluster: string, arn: string, text: string): Json {
  return { cluster, principal: arn.toLowerCase(), text };
}

/** There can be hundreds of leases by bindings: the tags have only the entry's part of them. */
function plain({ entryAdded, added, shares }: Holding, openSince: string | null) {
  const held = shares.filter((share) => !isSignInShare(share));
  const signIn = shares.filter(isSignInShare).map(({ id, endsAt }) => [id, Date.parse(endsAt)]);
  const rest = { ...(signIn.length > 0 && { in: signIn }), ...(openSince !== null && { open: openSince }) };
  return { new: entryAdded, add: added, held, ...rest };
}

/** The content under our own seal; null: another program wrote it in another form. */
function readPlain(arn: string, text: string): Omit<Extract<TagReading, { type: "holding" }>, "type"> | null {
  const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
  if (!isPlain(value)) return null;
  const { new: entryAdded, add: added, held, in: signIn = [], open: openSince = null, made: madeAt } = value;
  const own = signIn.map(([id, endsAt]) => signInShare({ id, endsAt: new Date(endsAt).toISOString() }));
  return { holding: { arn, entryAdded, added, shares: [...held, ...own] }, openSince, madeAt };
}

interface Plain {
  readonly new: boolean;
  readonly add: readonly string[];
  readonly held: readonly Share[];
  /** Request id, and its end in milliseconds since the epoch. */
  readonly in?: readonly (readonly [string, number])[];
  readonly open?: string;
  readonly made: string;
}

function isPlain(value: unknown): value is Plain {
  if (typeof value !== "object" || value === null) return false;
  const {
    new: entryAdded,
    add,
    held,
    in: signIn = [],
    open = "",
    made,
  } = value as { readonly [name in keyof Plain]?: unknown };
  const isHeld = Array.isArray(held) && held.every(isShare);
  const isSignIn = Array.isArray(signIn) && signIn.every(isIdWithEnd);
  return (
    typeof entryAdded === "boolean" &&
    isTexts(add) &&
    isHeld &&
    isSignIn &&
    typeof open === "string" &&
    typeof made === "string"
  );
}

function isIdWithEnd(value: unknown): boolean {
  const [id, endsAt] = Array.isArray(value) ? value : [];
  return typeof id === "string" && typeof endsAt === "number" && !Number.isNaN(new Date(endsAt).getTime());
}

function isShare(value: unknown): value is Share {
  if (typeof value !== "object" || value === null) return false;
  const {
    id,
    groups,
    endsAt,
    level,
    requester,
    emergency,
    approvers,
    askedBy = "",
  } = value as Record<keyof Share, unknown>;
  const texts = [id, endsAt, level, requester, askedBy];
  const areTexts = texts.every((text) => typeof text === "string");
  return areTexts && typeof emergency === "boolean" && isTexts(groups) && isTexts(approvers);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
