import type { Logger } from "pino";
import type { AuditEvent } from "../access/audit/event.ts";
import { AccessError } from "../access/failure/access-error.ts";
import { rememberTrace, type TraceContext, traceFor } from "../operations/request-traces.ts";
import { recordedEvents } from "../operations/standing-metrics.ts";
import { traced } from "../operations/traced.ts";
import type { Job } from "./jobs.ts";
import type { RequestLedger } from "./ledger.ts";
import { type Queues, wake } from "./queues.ts";

/** What a change is recorded with. A context that extends it says what else of the ledger it has. */
export interface RecordContext<Uses = Pick<RequestLedger, "commit">> extends TraceContext {
  readonly ledger: Uses;
  readonly queues: Queues;
  readonly log: Logger;
}

interface Recorded {
  readonly id: string;
  readonly cluster: string;
}

/** A record's next version with the event that tells of it. */
interface Change<Kept, Event> {
  readonly after: Kept;
  readonly event: Event;
}

type Committed<Kept> = { readonly type: "committed" } | { readonly type: "conflict"; readonly current: Kept | null };

/** Where records of a kind are kept. */
interface Store<Kept, Event> {
  get: (id: string) => Promise<Kept | null>;
  commit: (change: Change<Kept, Event>) => Promise<Committed<Kept>>;
}

/**
 * Commits the next version of a record with its event, and wakes these jobs. A wake-up that fails loses nothing: the sweep finds
 * what is due and what is not shown.
 */
export function record<Kept extends Recorded, Event extends AuditEvent | null>(
  context: RecordContext<unknown>,
  { commit }: Pick<Store<Kept, Event>, "commit">,
  change: Change<Kept, Event>,
  wakes: readonly Job[],
): Promise<Committed<Kept>> {
  const { after, event } = change;
  const told = event?.type ?? "one more try";
  return traced({ name: `record ${told}`, ...traceFor(context, after) }, async () => {
    const { queues, log } = context;
    const result = await commit(change);
    if (result.type === "conflict") return result;
    if (event) recordedEvents.tell(event);
    // One more try that failed is no news: the failure's own line counts them.
    log[event ? "info" : "debug"]({ request: after.id, cluster: after.cluster, event: told }, "recorded");
    // Before anything is woken, which would look for it.
    await rememberTrace(context, after.id);
    // All at once: an acknowledgement may wait for it.
    await Promise.all(wakes.map((job) => wake(queues, job))).catch((error: unknown) => {
      log.warn({ request: after.id, err: error }, "could not wake the queue; the sweep will");
    });
    return result;
  });
}

/** What is decided about a record as it is now. */
export type Step<Kept, Event, Outcome> =
  /** Writes it: the outcome holds once it is committed. */
  | (Change<Kept, Event> & { readonly type: "write"; readonly outcome: Outcome })
  /** Writes it, and decides again on what was written. */
  | (Change<Kept, Event> & { readonly type: "write-first" })
  | { readonly type: "stop"; readonly outcome: Outcome };

/** Others write meanwhile: people who click, a reminder, a run. More than so many in a row are a fault. */
const mostConflicts = 10;

/**
 * The one way to change a record that others change too: reads it, decides, writes the next version, and does so again where
 * another change came first. `decide` gets null where there is no record.
 *
 * @throws AccessError `record-changed` where the record does not stop changing
 */
export async function update<Kept extends Recorded, Event, Outcome>(
  id: string,
  { get, commit }: Store<Kept, Event>,
  decide: (current: Kept | null) => Step<Kept, Event, Outcome> | Promise<Step<Kept, Event, Outcome>>,
): Promise<Outcome> {
  let written: Kept | null = null;
  for (let conflicts = 0; conflicts < mostConflicts; ) {
    // Read again, and not taken from the conflict: the Slack process believes only what it has verified.
    const step = await decide(written ?? (await get(id)));
    if (step.type === "stop") return step.outcome;
    const result = await commit(step);
    if (result.type === "committed" && step.type === "write") return step.outcome;
    if (result.type === "conflict") conflicts += 1;
    written = result.type === "committed" ? step.after : null;
  }
  throw recordChanged(id);
}

/** A person wrote to the record: it is looked at again. */
export function recordChanged(id: string): AccessError {
  return new AccessError("record-changed", `The record ${id} changed while it was worked on`);
}
