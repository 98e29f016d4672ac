import { canonicalJson, type Json } from "../audit/canonical-json.ts";
import { type AuditEvent, digestOfEvent } from "../audit/event.ts";
import type { RedisClient } from "./client.ts";
import { noteScript } from "./commit-script.ts";
import { chainHeadKey, eventsKey } from "./events.ts";
import { logKey } from "./lists.ts";

/** Appends an event that changes no record: among those of its request where there is one. */
export async function noteEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  const places = [`{eks-access}:request:${event.request}`, chainHeadKey, eventsKey, logKey(event.request)];
  await redis.eval(noteScript, places.length, ...places, canonicalJson(event as unknown as Json), digestOfEvent(event));
}
