import { z } from "zod";
import { type AuditEvent, type ChainedEvent, nestsTooDeep } from "../access/audit-event.ts";
import { timeForm } from "../access/lease/lease-record.ts";
import { type RedisClient, readOr } from "./client.ts";
import { appendScript, chainHeadKey, chainText, endScript, eventsKey, logKey } from "./commit-script.ts";

/** Events from this sequence number on, in order. */
export async function readEvents(redis: RedisClient, from: number, limit: number): Promise<readonly ChainedEvent[]> {
  const rows = await redis.xrange(eventsKey, `${from}-0`, "+", "COUNT", limit);
  return rows.map(chainedEvent);
}

export async function appendEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  await redis.eval(appendScript, 3, chainHeadKey, eventsKey, logKey(event.request), ...chainText(event));
}

/** Why no event can follow, in Redis' words; null: one can. */
export async function logFlaw(redis: RedisClient): Promise<string | null> {
  try {
    await redis.eval(endScript, 2, chainHeadKey, eventsKey);
    return null;
  } catch (error) {
    if (error instanceof Error && /WRONGTYPE|audit log/.test(error.message)) return error.message;
    throw error;
  }
}

export async function readEventsOf(redis: RedisClient, id: string, limit: number): Promise<readonly ChainedEvent[]> {
  return readEventsAt(redis, await readOr([], redis.lrange(logKey(id), -limit, -1)));
}

/** Without removed ones. Redis can have any text among the numbers. */
async function readEventsAt(redis: RedisClient, sequences: readonly string[]): Promise<readonly ChainedEvent[]> {
  // One call each, in one round trip: they can be far apart.
  const numbers = sequences.filter((each) => /^\d{1,15}$/.test(each));
  const rows = await Promise.all(numbers.map((each) => redis.xrange(eventsKey, `${each}-0`, `${each}-0`)));
  return rows.flat().map(chainedEvent);
}

function chainedEvent([id, fields]: [id: string, fields: string[]]): ChainedEvent {
  const [, event = "null", , previous, , hash, , erased] = fields;
  const sequence = Number(id.split("-")[0]);
  const place = { sequence, event: readEvent(event), previous: digestIn(previous), hash: digestIn(hash) };
  return erased === undefined ? place : { ...place, erased: digestIn(erased) };
}

/** Empty, which breaks the chain: any other text can be too large for a sink. */
function digestIn(text = ""): string {
  return /^[0-9a-f]{64}$/.test(text) ? text : "";
}

/** The chain has no digest of it, so verification names its place. */
const unreadable: AuditEvent = {
  type: "record.unreadable",
  at: new Date(0).toISOString(),
  actor: "",
  request: "",
  cluster: "",
  detail: {},
};

/** As stored, for verification. A forged text must not hide the other events. */
function readEvent(text: string): AuditEvent {
  try {
    const event: unknown = JSON.parse(text);
    return isEvent(event) ? event : unreadable;
  } catch {
    return unreadable;
  }
}

/** An event of another version of eks-access can have another type. */
function isEvent(value: unknown): value is AuditEvent {
  return !nestsTooDeep(value) && auditEvent.safeParse(value).success;
}

const auditEvent = z.looseObject({
  type: z.string(),
  at: timeForm,
  actor: z.string(),
  request: z.string(),
  cluster: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
