import { setTimeout as wait } from "node:timers/promises";
import type { AuditEvent, EventType } from "../../src/access/audit-event.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";

const lookEveryMs = 20;
const batch = 1000;

/** Reads the audit log as it grows. */
export interface EventReader {
  /**
   * The events of this type since the last call, as soon as there are so many of them. What was read on the way, of
   * other types, is not seen again.
   * @throws Error after `withinMs`, with what came instead
   */
  take: (type: EventType, count: number, withinMs?: number) => Promise<readonly AuditEvent[]>;
}

export function readEvents(ledger: Ledger): EventReader {
  let next = 1;
  return {
    take: async (type, count, withinMs = 120_000) => {
      const found: AuditEvent[] = [];
      const others = new Map<EventType, number>();
      const until = Date.now() + withinMs;
      for (;;) {
        const events = await ledger.events(next, batch);
        next = (events.at(-1)?.sequence ?? next - 1) + 1;
        for (const { event } of events) {
          if (event.type === type) found.push(event);
          else others.set(event.type, (others.get(event.type) ?? 0) + 1);
        }
        if (found.length >= count) return found;
        if (Date.now() > until) {
          throw new Error(
            `${found.length} of ${count} ${type} came; also ${JSON.stringify(Object.fromEntries(others))}`,
          );
        }
        if (events.length < batch) await wait(lookEveryMs);
      }
    },
  };
}

/** When it was recorded, in milliseconds since the epoch, by request id. */
export function timesOf(events: readonly AuditEvent[]): ReadonlyMap<string, number> {
  return new Map(events.map((event) => [event.request, Date.parse(event.at)]));
}
