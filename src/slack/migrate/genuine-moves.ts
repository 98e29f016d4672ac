import { isGenuinePlan } from "../../access/approval/seal-move.ts";
import { type Move, reviseMove } from "../../access/migration/move.ts";
import type { Ledger, TurnLedger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import type { MoveLedger } from "../../ledger/moves.ts";
import { moveEvent, recordMove } from "../../ledger/record-move.ts";
import type { SlackContext } from "../app/context.ts";

type GenuineContext = RecordContext<TurnLedger & Pick<Ledger, "moves">> & Pick<SlackContext, "keys" | "now">;

const lookAgainEveryMs = 60_000;

/**
 * The moves as the Slack process reads them: a plan on which somebody is to decide is only there where the worker sealed it for
 * this very move (law 3). Without it nothing has a button, and nobody can decide; the worker plans it again.
 */
export function genuineMoves(context: GenuineContext): MoveLedger {
  const { moves } = context.ledger;
  const shown = <Found extends Move | null>(move: Found) =>
    move && isDoubtful(context, move) ? { ...move, ...cleared } : move;
  return {
    ...moves,
    get: async (id) => {
      const move = await moves.get(id);
      return move && isDoubtful(context, move) ? lookAgain(context, move) : move;
    },
    latestOf: async (cluster) => shown(await moves.latestOf(cluster)),
    open: async () => (await moves.open()).map(shown),
    commit: async (change) => {
      const result = await moves.commit(change);
      return result.type === "conflict" ? { ...result, current: shown(result.current) } : result;
    },
  };
}

/** What was approved of another plan counts nothing either. */
const cleared = { plan: null, reminders: null, approvals: [] } as const;

function isDoubtful({ keys }: GenuineContext, move: Move): boolean {
  return move.state === "pending" && move.plan !== null && !isGenuinePlan(move, keys.preview);
}

async function lookAgain(context: GenuineContext, move: Move): Promise<Move> {
  if (!(await context.ledger.takeTurn(`look-again-${move.id}`, lookAgainEveryMs))) return { ...move, ...cleared };
  context.log.error({ request: move.id }, "the plan of a migration is not what the worker made");
  const now = context.now();
  const after = reviseMove(move, cleared);
  const detail = { why: "the plan is not what the worker made", approvers: move.approvals.map(({ by }) => by) };
  const result = await recordMove(context, after, moveEvent("migration.void", after, "slack", now, detail), now);
  return result.type === "committed" ? after : { ...move, ...cleared };
}
