import { z } from "zod";
import { isSignInShare, signInShare } from "../access/lease/lease.ts";
import { type Holding, type MappedIdentity, shareForm, textForm, textsForm } from "../access/lease/lease-record.ts";
import { accessPolicies, policyTexts, type ScopedPolicy } from "../access/policy/policy-text.ts";
import { absentKey, isOfNewestKey, type Json, type MemoryKeys } from "../access/seal.ts";
import { isDatedAhead } from "../access/seals.ts";

/** An access entry of EKS: a principal's identity in a cluster, with its groups and policies. It overrides aws-auth. */
export interface AccessEntry {
  /** In the form of IAM: a role with its path, unlike in aws-auth. */
  readonly principalArn: string;
  readonly arn: string;
  /** `STANDARD` for people. All other types are for nodes and can have neither groups nor policies. */
  readonly type: string;
  /** As EKS stores it, with its templates. */
  readonly username: string;
  readonly groups: readonly string[];
  readonly policies: readonly ScopedPolicy[];
  readonly tags: Readonly<Record<string, string>>;
  /** When EKS made it, for its principal of that moment. Absent: EKS did not say. */
  readonly createdAt?: string;
}

export type NewEntry = Pick<AccessEntry, "principalArn" | "username" | "groups" | "tags">;

/** The identity that an access entry gives its principal, with its access policies; null: there is no entry. */
export function identityOfEntry(entry: AccessEntry | null, holding: Holding | undefined): MappedIdentity | null {
  if (!entry) return null;
  const held = [...(holding?.added ?? []), ...(holding?.shares.flatMap(({ groups }) => groups) ?? [])];
  return {
    username: entry.username,
    groups: [...entry.groups, ...entry.policies.flatMap((each) => textsOf(each, held))],
  };
}

/** EKS keeps one scope for a policy: the whole cluster includes our namespaces, or it would look like drift. */
function textsOf(policy: ScopedPolicy, held: readonly string[]): readonly string[] {
  if (policy.namespaces) return policyTexts(policy);
  const inside = held.filter((each) => each.startsWith(`policy ${policy.name} in `));
  return [...policyTexts(policy), ...new Set(inside)];
}

export function holdsExactly(entry: AccessEntry | null, wanted: MappedIdentity | null): boolean {
  if (!entry || !wanted) return entry === null && wanted === null;
  const { groups, policies } = partsOf(wanted);
  const found = partsOf({ groups: [...entry.groups, ...entry.policies.flatMap(policyTexts)] });
  return JSON.stringify(found) === JSON.stringify({ groups, policies });
}

function partsOf({ groups }: Pick<MappedIdentity, "groups">) {
  return { groups: groups.filter((each) => !each.startsWith("policy ")).toSorted(), policies: accessPolicies(groups) };
}

/** How late a request can reach AWS (IAM User Guide, "AWS Signature Version 4"): an entry has no version to refuse it. */
const signatureMs = 5 * 60_000;

/** The longest time from reading until a run sends a call that was planned on it. Milliseconds. */
export const planMs = 60_000;

/** The largest difference between our clock and AWS's, milliseconds. */
const clocksMs = 60_000;

/** From a plan until none of its calls can arrive any more, milliseconds. */
export const lateCallMs = planMs + signatureMs + clocksMs;

/** Until when calls since then can arrive; null: none can. */
export function arrivesUntil(since: string | null, now: Date): Date | null {
  if (since === null || isDatedAhead({ at: since }, now)) return null;
  const until = new Date(Date.parse(since) + lateCallMs);
  return until > now ? until : null;
}

/** Whether a call planned then can have made an entry, by any clock that AWS accepts. @param createdAt undefined: EKS did not say */
function isOfCallFrom(plannedAt: string, createdAt: string | undefined): boolean {
  return createdAt === undefined || Math.abs(Date.parse(createdAt) - Date.parse(plannedAt)) <= lateCallMs;
}

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
      /** Before a rotation of the key. */
      readonly isOfOlderKey: boolean;
    }
  /** They were edited, are copies from another entry, or carry another key's seal. */
  | { readonly type: "untrusted"; readonly message: string };

export type Tags = Readonly<Record<string, string>>;

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
    const why = `the seal of the tags of ${arn} is not ours for this cluster and principal`;
    return untrusted(absentKey(sealed, keys) ?? why);
  }
  const read = readPlain(arn, text);
  if (!read) return untrusted(`the tags of ${arn} do not have the form that eks-access writes`);
  if (!isOfCallFrom(read.madeAt, createdAt))
    return untrusted(`the tags of ${arn} are those of an earlier access entry`);
  return { type: "holding", ...read, isOfOlderKey: !isOfNewestKey(sealed, keys) };
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

/** The content under our own seal. */
const plainForm = z.object({
  new: z.boolean(),
  add: textsForm,
  held: z.array(z.object(shareForm.shape)),
  /** Request id, and its end in milliseconds since the epoch. */
  in: z.array(z.tuple([textForm, z.number().refine((ms) => !Number.isNaN(new Date(ms).getTime()))])).default([]),
  open: textForm.nullable().default(null),
  made: textForm,
});

/** Null: another program wrote it in another form. */
function readPlain(
  arn: string,
  text: string,
): Omit<Extract<TagReading, { type: "holding" }>, "type" | "isOfOlderKey"> | null {
  const { data } = plainForm.safeParse(JSON.parse(Buffer.from(text, "base64url").toString()));
  if (!data) return null;
  const { new: entryAdded, add: added, held, in: signIn, open: openSince, made: madeAt } = data;
  const own = signIn.map(([id, endsAt]) => signInShare({ id, endsAt: new Date(endsAt).toISOString() }));
  return { holding: { arn, entryAdded, added, shares: [...held, ...own] }, openSince, madeAt };
}
