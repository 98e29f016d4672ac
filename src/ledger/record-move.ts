import type { Json } from "../access/audit/canonical-json.ts";
import type { AuditEvent, EventType } from "../access/audit/event.ts";
import { AccessError } from "../access/failure/access-error.ts";
import { type Move, moveDueAt, reviseMove } from "../access/migration/move.ts";
import { recordedEvents } from "../operations/metrics/announcements.ts";
import type { MoveCommit, MoveLedger } from "./moves.ts";
import { wake } from "./queues.ts";
import type { RecordContext } from "./record-change.ts";

type Detail = { readonly [key: string]: Json };

/** What a change of a move is recorded with. */
export type MoveContext = RecordContext<{ readonly moves: Pick<MoveLedger, "commit"> }>;

/** The event that tells of a change of a move. */
export function moveEvent(type: EventType, move: Move, actor: string, now: Date, detail: Detail = {}): AuditEvent {
  return { type, at: now.toISOString(), actor, request: move.id, cluster: move.cluster, detail };
}

/**
 * Writes a change of a move with its event, and wakes who must act on it. A wake-up that fails loses nothing: the sweep finds
 * what is due and what is not shown.
 */
export async function recordMove(
  { ledger, queues, log }: MoveContext,
  after: Move,
  event: AuditEvent,
  now: Date,
): Promise<MoveCommit> {
  const result = await ledger.moves.commit({ after, event });
  if (result.type === "conflict") return result;
  recordedEvents.tell(event);
  log.info({ request: after.id, cluster: after.cluster, event: event.type }, "recorded");
  try {
    const due = moveDueAt(after);
    if (due !== null && due <= now.getTime()) await wake(queues, { type: "migration", cluster: after.cluster });
    await wake(queues, { type: "show-migration", migration: after.id });
  } catch (error) {
    log.warn({ request: after.id, err: error }, "could not wake the queue; the sweep will");
  }
  return result;
}

/** Others may write meanwhile: who stops it, who has it tried again. */
const attempts = 5;

/**
 * Writes what is true whatever others wrote meanwhile, as that a step was carried out. `change` is asked again with each
 * record that is found instead; null: there is nothing to write any more.
 *
 * @throws AccessError `record-changed` where the record does not stop changing
 */
export async function noteOnMove(
  context: MoveContext & { readonly now: () => Date },
  move: Move,
  change: (current: Move) => { readonly type: EventType; readonly of: Partial<Move>; readonly detail?: Detail } | null,
): Promise<Move> {
  let current = move;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const wanted = change(current);
    if (!wanted) return current;
    const now = context.now();
    const { type, of, detail } = wanted;
    const after = reviseMove(current, of);
    const result = await recordMove(context, after, moveEvent(type, after, "worker", now, detail), now);
    if (result.type === "committed") return after;
    if (!result.current) break;
    current = result.current;
  }
  throw moveChanged(move);
}

/** Somebody wrote to the record: it is looked at again. */
export function moveChanged({ id }: Pick<Move, "id">): AccessError {
  return new AccessError("record-changed", `The record ${id} changed while it was worked on`);
}
