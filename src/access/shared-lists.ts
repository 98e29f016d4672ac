import { z } from "zod";
import { type Immutable, mapForm, textForm, textsForm, timeForm } from "./lease/lease-record.ts";
import { type Cluster, sealedClusterOf } from "./policy/cluster.ts";
import {
  type DecisionKeys,
  hasSeal,
  type Json,
  type PreviewKeys,
  type PreviewPublicKeys,
  type SlackKeys,
  withSeal,
} from "./seal.ts";
import { isRecent } from "./seals.ts";

/** More are not published: a person can still type a name. */
const maxNames = 5_000;
const maxKeptMs = 3_600_000;
const currentMs = 60_000;

const listForm = z.strictObject({
  cluster: z.string(),
  at: z.iso.datetime(),
  names: z.array(z.string().max(63)).max(maxNames),
  seal: z.string(),
});

/** The namespaces of a cluster as a worker saw them, sorted and sealed. It offers choices in a form, and gives no access. */
export type NamespaceList = Readonly<z.output<typeof listForm>>;

export function sealNamespaces(
  cluster: Cluster,
  names: readonly string[],
  now: Date,
  keys: PreviewKeys,
): NamespaceList {
  const list = { cluster: cluster.name, at: now.toISOString(), names: names.toSorted().slice(0, maxNames) };
  return withSeal(keys, "namespaces", list, { cluster: sealedClusterOf(cluster) });
}

/** What a worker sealed about this cluster in the last hour; null: it is something else. */
export function readNamespaceList(
  value: unknown,
  cluster: Cluster,
  keys: PreviewPublicKeys,
  now: Date,
): NamespaceList | null {
  const { data: list } = listForm.safeParse(value);
  if (list?.cluster !== cluster.name || !isRecent(list, now, maxKeptMs)) return null;
  return hasSeal(keys, "namespaces", list, { cluster: sealedClusterOf(cluster) }) ? list : null;
}

export function isCurrentList(list: NamespaceList, now: Date): boolean {
  return isRecent(list, now, currentMs);
}

/** The people of every user group, as Slack named them to one Slack process. The others trust its seal. */
export type SharedGroups = Immutable<z.output<typeof sharedGroupsForm>>;
const sharedGroupsForm = z.strictObject({
  /** `T…`, if the app is installed for an organization; empty: the bot's own workspace. */
  workspace: textForm,
  /** When Slack was asked, ISO 8601. */
  at: textForm,
  /** Slack user ids by the group's id (`S…`). */
  groups: mapForm(textsForm),
  seal: textForm,
});

export function sealGroups(groups: Omit<SharedGroups, "seal">, keys: DecisionKeys): SharedGroups {
  return withSeal(keys, "user-groups", groups);
}

/** Null: none shared one within `ageMs`. An attacker with Redis can neither add a person nor keep one longer. */
export function readGroups(
  stored: unknown,
  { workspace, now, ageMs }: { readonly workspace: string; readonly now: Date; readonly ageMs: number },
  keys: DecisionKeys,
): SharedGroups | null {
  const { data } = sharedGroupsForm.safeParse(stored);
  if (data?.workspace !== workspace || !isRecent(data, now, ageMs)) return null;
  return hasSeal<"decision">(keys, "user-groups", data) ? data : null;
}

/** News for the operators' channel. */
export type Notice = Omit<SealedNotice, "seal">;
export type SealedNotice = Immutable<z.output<typeof noticeForm>>;
const noticeForm = z.strictObject({
  /** The same notice of several processes has one id. */
  id: textForm,
  at: timeForm,
  title: textForm,
  /** Sentences, or parts of a list. */
  lines: textsForm,
  seal: textForm,
});

/** Each process has its key for it: an attacker with Redis must not speak to the operators. */
export function sealNotice(notice: Notice, keys: PreviewKeys | DecisionKeys): SealedNotice {
  return { ...notice, seal: keys.seal("notice", notice as unknown as Json) };
}

/** An older notice is no news. */
const newsForMs = 24 * 3_600_000;

export function isNews({ at }: Notice, now: Date): boolean {
  return now.getTime() - Date.parse(at) < newsForMs;
}

/** The turn of its first message. */
export const noticeTurn = ({ id }: Notice) => `notice-${id}`;

/** A notice from Redis, whoever sealed it; null: it is none. */
export function storedNotice(stored: unknown): SealedNotice | null {
  return noticeForm.safeParse(stored).data ?? null;
}

/** The same; null also: none of our processes sealed it. */
export function readNotice(stored: unknown, keys: SlackKeys): Notice | null {
  const read = storedNotice(stored);
  if (!read) return null;
  const { seal, ...notice } = read;
  const value = notice as unknown as Json;
  return keys.preview.isSealed("notice", value, seal) || keys.decision.isSealed("notice", value, seal) ? notice : null;
}
