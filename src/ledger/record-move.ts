import type { Json } from "../access/audit/canonical-json.ts";
import type { AuditEvent, EventType } from "../access/audit/event.ts";
import { type Move, moveDueAt, reviseMove } from "../access/migration/move.ts";
import type { Job } from "./jobs.ts";
import { type RecordContext, record, recordChanged, type Step, update } from "./lifecycle.ts";
import type { MoveCommit, MoveLedger } from "./moves.ts";

type Detail = { readonly [key: string]: Json };

/** What a change of a move is recorded with. */
export type MoveContext<Uses extends keyof MoveLedger = "commit"> = RecordContext<{
  readonly moves: Pick<MoveLedger, Uses>;
}>;

/** The event that tells of a change of a move. */
export function moveEvent(type: EventType, move: Move, actor: string, now: Date, detail: Detail = {}): AuditEvent {
  return { type, at: now.toISOString(), actor, request: move.id, cluster: move.cluster, detail };
}

/** Writes a change that nobody has to decide again about, as of a request (`recordChange`). */
export function recordMove(context: MoveContext, after: Move, event: AuditEvent, now: Date): Promise<MoveCommit> {
  const commit = (change: { readonly after: Move; readonly event: AuditEvent }) => context.ledger.moves.commit(change);
  return record(context, { commit }, { after, event }, wakesOf(after, now));
}

function wakesOf(move: Move, now: Date): readonly Job[] {
  const due = moveDueAt(move);
  const isDue = due !== null && due <= now.getTime();
  return [
    { type: "show-migration", migration: move.id },
    ...(isDue ? [{ type: "migration", cluster: move.cluster } as const] : []),
  ];
}

/** What is decided about a move. */
export type MoveStep<Outcome> = Step<Move, AuditEvent, Outcome>;

type UpdateContext = MoveContext<"get" | "commit"> & { readonly now: () => Date };

/** Reads a move, decides, writes, and does so again where somebody else was first (`update`). @throws AccessError */
export function updateMove<Outcome>(
  context: UpdateContext,
  id: string,
  decide: (current: Move | null) => MoveStep<Outcome> | Promise<MoveStep<Outcome>>,
): Promise<Outcome> {
  const get = (each: string) => context.ledger.moves.get(each);
  const commit = ({ after, event }: { readonly after: Move; readonly event: AuditEvent }) =>
    recordMove(context, after, event, context.now());
  return update(id, { get, commit }, decide);
}

/**
 * Writes what is true whatever others wrote meanwhile, as that a step was carried out. `change` is asked with the record as it is;
 * null: there is nothing to write.
 *
 * @throws AccessError `record-changed` where the record is gone, or does not stop changing
 */
export function noteOnMove(
  context: UpdateContext,
  { id }: Pick<Move, "id">,
  change: (current: Move) => { readonly type: EventType; readonly of: Partial<Move>; readonly detail?: Detail } | null,
): Promise<Move> {
  return updateMove(context, id, (current) => {
    if (!current) throw recordChanged(id);
    const wanted = change(current);
    if (!wanted) return { type: "stop", outcome: current };
    const after = reviseMove(current, wanted.of);
    const event = moveEvent(wanted.type, after, "worker", context.now(), wanted.detail);
    return { type: "write", after, event, outcome: after };
  });
}
