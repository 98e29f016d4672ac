import { canonicalJson, type Json } from "../../access/audit/canonical-json.ts";
import { type AuditEvent, digestOfEvent } from "../../access/audit/event.ts";
import { isMigrationId } from "../../access/migration/migration.ts";
import type { EventLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { noteScript } from "./commit-script.ts";
import { appendEvent, chainHeadKey, eventsKey, logKey, readEvents, readEventsOf } from "./events.ts";
import { migrationKey } from "./migrations.ts";
import { reach } from "./reach.ts";
import { requestKey } from "./records.ts";

/** The events, on Redis. */
export function redisEvents(redis: RedisClient): EventLedger {
  return {
    note: (event) => reach(() => noteEvent(redis, event)),
    append: (event) => reach(() => appendEvent(redis, event)),
    events: (from, limit) => reach(() => readEvents(redis, from, limit)),
    eventsOf: (id, limit) => reach(() => readEventsOf(redis, id, limit)),
  };
}

/** Appends an event that changes no record: among those of its request, or its move, where there is one. */
async function noteEvent(redis: RedisClient, event: AuditEvent): Promise<void> {
  const { request } = event;
  const record = isMigrationId(request) ? migrationKey(request) : requestKey(request);
  const places = [record, chainHeadKey, eventsKey, logKey(request)];
  await redis.eval(noteScript, places.length, ...places, canonicalJson(event as unknown as Json), digestOfEvent(event));
}
