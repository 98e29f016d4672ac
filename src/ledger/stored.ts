import { hash } from "node:crypto";
import { z } from "zod";
import type { AuditEvent } from "../access/audit-event.ts";
import { countForm, type Immutable, itemsForm, textForm, textsForm, timeForm } from "../access/lease/lease-record.ts";
import { migrationForm } from "../access/migration.ts";
import { accessRequestForm } from "../access/record.ts";
import { clusterTroubleForm, outageForm } from "../access/retry.ts";
import { linkForm, linkProposalForm } from "../access/seals.ts";
import { recordedEvents } from "../operations/announcements.ts";
import { textWithin } from "../operations/bounds.ts";
import type { RedisClient } from "./client.ts";
import {
  chainHeadKey,
  chainLua,
  chainText,
  eventsKey,
  indexLua,
  logKey,
  runScript,
  scriptOf,
} from "./commit-script.ts";

export type MessageRef = Immutable<z.output<typeof messageRefForm>>;
const messageRefForm = z.strictObject({ channel: textForm, ts: textForm });

/** Where administrators read a question, sealed by the Slack process with the person's id. */
export type LinkQuestions = Immutable<z.output<typeof linkQuestionsForm>>;
export const linkQuestionsForm = z.strictObject({ places: itemsForm(messageRefForm), seal: textForm });

/** A person's direct message, which follows a record. */
export type DirectMessages = Immutable<z.output<typeof directMessagesForm>>;
const directMessagesForm = z.strictObject({
  direct: messageRefForm.nullable(),
  /** The names of the milestones that it has shown. */
  milestones: textsForm,
});

/** The place of a record's message in Slack, and the direct messages sent: the requester's, and the others'. */
export type ShownMessages = Immutable<z.output<typeof shownMessagesForm>>;
export type ApproverCopy = ShownMessages["copies"][number];
export const shownMessagesForm = directMessagesForm.extend({
  /** The version of the record that the message shows. */
  version: countForm,
  /** Of that record: Redis can lose a version, and another one gets its number. Absent: part of it is not shown yet. */
  digest: textForm.optional(),
  /** The extension that the message shows, and its end; null or absent: none. */
  extension: textForm.nullable().optional(),
  /** Whether the messages say that the cluster was removed from eks-access.yml; absent: they do not. */
  isRemoved: z.boolean().optional(),
  message: messageRefForm.nullable(),
  /** If the channel can't be reached: the same message to each approver, as a direct message. */
  copies: itemsForm(messageRefForm.extend({ user: textForm })),
  /** To the person who asked for the requester; absent: none. */
  asker: directMessagesForm.optional(),
  /** The Slack process's, over all fields above and the record's id; absent: its reader does not verify it. */
  seal: textForm.optional(),
});

export type WorkerIdentity = Immutable<z.output<typeof workerIdentityForm>>;
export const workerIdentityForm = z.strictObject({ arn: textForm, account: textForm, at: textForm });

/** A process runs on an old configuration, because it refuses the file. */
export type RefusedFile = Immutable<z.output<typeof refusedFileForm>>;
export const refusedFileForm = z.strictObject({
  kind: textForm,
  since: timeForm,
  seenAt: timeForm,
  problems: textsForm,
});

/** Everything that Redis keeps as JSON, by its kind. */
export const storedForms = {
  request: accessRequestForm,
  migration: migrationForm,
  "cluster trouble": clusterTroubleForm,
  outage: outageForm,
  link: linkForm,
  "link proposal": linkProposalForm,
  "link questions": linkQuestionsForm,
  message: shownMessagesForm,
  "worker identity": workerIdentityForm,
  refusal: refusedFileForm,
  // The reader parses them, with their seals.
  creation: z.unknown(),
  identities: z.unknown(),
  "user groups": z.unknown(),
  namespaces: z.unknown(),
} as const;

export type StoredKind = keyof typeof storedForms;
export type Stored<K extends StoredKind> = z.output<(typeof storedForms)[K]>;

type Reading<K extends StoredKind> =
  | { readonly type: "read"; readonly value: Stored<K> }
  /** A clause without any text of the record. */
  | { readonly type: "unreadable"; readonly problem: string };

/** A record has some kilobytes: we cut its difference far below this. Parsing so many values takes a few milliseconds. */
const largest = { bytes: 16_000_000, values: 300_000 };
/** It can't have more of them. Characters. */
const short = 100_000;

/** Undefined: it is not JSON, or so large that someone with Redis could end this process with it. */
export function storedJson(text: string): unknown {
  try {
    return JSON.parse(text.length > short ? textWithin(Buffer.from(text), largest, "Redis") : text);
  } catch {
    return undefined;
  }
}

/** Parses the text under an id, of any form. */
export function readStored<K extends StoredKind>(kind: K, id: string, text: string): Reading<K> {
  const json = storedJson(text);
  if (json === undefined)
    return { type: "unreadable", problem: text.length > short ? "it is too large" : "it is not JSON" };
  const parsed = storedForms[kind].safeParse(json);
  if (!parsed.success) return { type: "unreadable", problem: problemOf(parsed.error) };
  if (isOfAnother(kind, id, parsed.data)) return { type: "unreadable", problem: "it is the record of another id" };
  // The schema of this kind gives its type.
  return { type: "read", value: parsed.data as Stored<K> };
}

/** Which field of a kind is the id under which it is stored. */
const ownId: { readonly [Kind in StoredKind]?: string } = { request: "id", migration: "id", "link proposal": "user" };

/** Another's record would hide the one of this id, and count twice; an administrator would confirm another's link. */
function isOfAnother(kind: StoredKind, id: string, record: unknown): boolean {
  const own = ownId[kind];
  if (own === undefined || typeof record !== "object" || record === null) return false;
  return Object.getOwnPropertyDescriptor(record, own)?.value !== id;
}

/** The place and kind of the first problem. An attacker can write other field names, so they stay out. */
function problemOf({ issues: [first] }: z.ZodError): string {
  if (!first) return "it does not have the form that eks-access writes";
  if (first.code === "unrecognized_keys") return "it has fields that eks-access does not write";
  const path = first.path.map(String).join(".").slice(0, 80);
  return path ? `${path}: ${first.message}` : first.message;
}

/** KEYS: unreadable records, head, events, log. ARGV: record, digest of its text, event, digest of the event */
const noteScript = scriptOf(`${chainLua}${indexLua}
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return 0 end
index('RPUSH', KEYS[4], append_event(KEYS[2], KEYS[3], ARGV[3], ARGV[4]))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`);

/** A hash: for each unreadable record the digest of its text. */
const unreadableKey = "{eks-access}:unreadable";

/** KEYS: what is read. ARGV: the command that reads it, with the rest of its arguments */
const wholeScript = scriptOf(`
local found, size = redis.pcall(ARGV[1], KEYS[1], unpack(ARGV, 2)), 0
if type(found) ~= 'table' then found = { found } end
if found.err then return string.find(found.err, 'WRONGTYPE', 1, true) and {} or found end
for _, text in ipairs(found) do size = size + #tostring(text or '') end
return size < 8000000 and found or {}
`);

/**
 * What a command reads. Empty, if it has another type or no end: an attacker with Redis could delete it too, and a failed read keeps access.
 * The client would end its connection, also for the commands of others.
 */
export async function wholeOf(redis: RedisClient, command: Reads, key: string, ...rest: string[]): Promise<string[]> {
  const found = await runScript(redis, wholeScript, [key], [command, ...rest]);
  return Array.isArray(found) ? found.map((text) => String(text ?? "")) : [];
}

type Reads = "GET" | "HGET" | "HGETALL" | "HMGET" | "LRANGE" | "SISMEMBER" | "SMEMBERS" | "ZREVRANGE";

/** The same for one text; null: there is none. */
export async function textOf(
  redis: RedisClient,
  command: "GET" | "HGET" | "SISMEMBER",
  key: string,
  ...rest: string[]
) {
  return (await wholeOf(redis, command, key, ...rest))[0] || null;
}

/** The same for a hash. */
export async function hashOf(redis: RedisClient, key: string): Promise<[name: string, text: string][]> {
  const found = await wholeOf(redis, "HGETALL", key);
  return found.flatMap((text, index) => (index % 2 === 0 ? [[text, found[index + 1] ?? ""]] : []));
}

/** Where an unreadable record is reported. */
export type UnreadableLog = { error: (detail: object, message: string) => void };

/** Redis, and what it keeps as JSON. Reports an unreadable text once for each record, and leaves it as it is. */
export interface Store {
  readonly redis: RedisClient;
  /** Null: there is none, or it can't be read. */
  read: <K extends StoredKind>(kind: K, id: string, text: string | null | undefined) => Promise<Stored<K> | null>;
}

export type HashField = readonly [name: string, text: string | null];

/** Those of a hash that can be read, by their names. */
export async function readEach<K extends StoredKind>(
  store: Store,
  kind: K,
  fields: readonly HashField[],
): Promise<ReadonlyMap<string, Stored<K>>> {
  const values = await Promise.all(fields.map(([name, text]) => store.read(kind, name, text)));
  return new Map(fields.flatMap(([name], index) => (values[index] ? [[name, values[index]] as const] : [])));
}

const maxReported = 2_000;
const forgetEveryMs = 3_600_000;

export function openStore(redis: RedisClient, log: UnreadableLog): Store {
  // Saves a question to Redis in each list.
  const reported = new Map<string, string>();
  let forgotAt = 0;
  const report = async (kind: StoredKind, id: string, text: string, problem: string): Promise<void> => {
    const digest = hash("sha256", text);
    const record = `${kind} ${id}`;
    if (reported.get(record) === digest) return;
    if (reported.size >= maxReported) {
      // Someone with Redis can write any number: reports of all at each look would keep leases from ending.
      if (Date.now() - forgotAt < forgetEveryMs) return;
      reported.clear();
      forgotAt = Date.now();
    }
    reported.set(record, digest);
    const event = unreadableEvent(kind, id, problem, digest);
    const keys = [unreadableKey, chainHeadKey, eventsKey, logKey(id)];
    const values = [record, digest, ...chainText(event)];
    const noted = runScript(redis, noteScript, keys, values).catch((error: unknown) => {
      reported.delete(record);
      throw error;
    });
    const isNew = (await noted) === 1;
    if (isNew) recordedEvents.publish(event);
    log.error({ record, problem }, unreadableSentence(kind, id, problem));
  };
  const read: Store["read"] = async (kind, id, text) => {
    if (text === null || text === undefined) return null;
    const reading = readStored(kind, id, text);
    if (reading.type === "read") return reading.value;
    await report(kind, id, text, reading.problem);
    return null;
  };
  return { redis, read };
}

/** For operators: the mistake and its fix. */
export function unreadableSentence(kind: StoredKind, id: string, problem: string): string {
  return `The ${kind} ${id} in Redis can't be read (${problem}). Restore it from a copy of Redis; check who writes there.`;
}

function unreadableEvent(kind: StoredKind, id: string, problem: string, digest: string): AuditEvent {
  const detail = { record: kind, why: problem, digest };
  return { type: "record.unreadable", at: new Date().toISOString(), actor: "worker", request: id, cluster: "", detail };
}
