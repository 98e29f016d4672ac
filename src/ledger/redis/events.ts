import { canonicalJson, type Json } from "../../access/audit/canonical-json.ts";
import { type AuditEvent, type ChainedEvent, digestOfEvent } from "../../access/audit/event.ts";
import type { RedisClient } from "./client.ts";
import { appendScript } from "./commit-script.ts";
import { logKey } from "./lists.ts";

/** The newest value of the chain: a hash of `sequence` and `hash`. */
export const chainHeadKey = "{eks-access}:chain-head";
/** The stream of all events; an entry's id is `<sequence>-0`. */
export const eventsKey = "{eks-access}:events";

/** Events from this sequence number on, in order. */
export async function readEvents(redis: RedisClient, from: number, limit: number): Promise<readonly ChainedEvent[]> {
  const rows = await redis.xrange(eventsKey, `${from}-0`, "+", "COUNT", limit);
  return rows.map(chainedEvent);
}

/** Appends an event, and remembers its place under its request's name. */
export async function appendEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  const [text, digest] = [canonicalJson(event as unknown as Json), digestOfEvent(event)];
  await redis.eval(appendScript, 3, chainHeadKey, eventsKey, logKey(event.request), text, digest);
}

/** The last events under a request's name, in order. */
export async function readEventsOf(redis: RedisClient, id: string, limit: number): Promise<readonly ChainedEvent[]> {
  return readEventsAt(redis, await redis.lrange(logKey(id), -limit, -1));
}

/** The event with each of these sequence numbers, where it was not forgotten. */
async function readEventsAt(redis: RedisClient, sequences: readonly string[]): Promise<readonly ChainedEvent[]> {
  // One call each, in one round trip: they may lie anywhere in the log.
  const rows = await Promise.all(sequences.map((each) => redis.xrange(eventsKey, `${each}-0`, `${each}-0`)));
  return rows.flat().map(chainedEvent);
}

function chainedEvent([id, fields]: [id: string, fields: string[]]): ChainedEvent {
  const [, event = "null", , previous = "", , hash = ""] = fields;
  return { sequence: Number(id.split("-")[0]), event: JSON.parse(event), previous, hash };
}
