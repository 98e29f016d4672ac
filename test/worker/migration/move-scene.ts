import { decideMove } from "../../../src/access/approval/decide-move.ts";
import { createMove, type Move, nextMoveId } from "../../../src/access/migration/move.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { moveEvent } from "../../../src/ledger/record-move.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { lookAtMove } from "../../../src/worker/migration/look-at-move.ts";
import { type BothKeys, keys } from "../../builders/keys.ts";
import { sceneConfig } from "../../fault/reconcile-scene.ts";
import { silentContext } from "../../fault/silent-context.ts";

const { config, cluster } = sceneConfig();

/** A worker that carries moves out on the sandbox's cluster, step by step as a test says, with a clock of its own. */
export interface MoveScene {
  readonly ledger: Ledger;
  readonly context: (ledger?: Ledger) => WorkerContext;
  /** Somebody asks for the move, and the worker plans it. */
  ask: (told?: readonly string[]) => Promise<Move>;
  /** These people approve what stands there. */
  approve: (...users: readonly string[]) => Promise<Move>;
  now: () => Promise<Move>;
  /** One look of a worker. */
  look: (ledger?: Ledger) => Promise<Move>;
  /** Looks again and again, and lets the time go by until nothing is due within a day; so many looks at the most. */
  toItsEnd: (ledger?: Ledger) => Promise<Move>;
  pass: (seconds: number) => void;
}

export function moveScene(ledger: Ledger, from: BothKeys = keys): MoveScene {
  let ahead = 0;
  const clock = () => new Date(Date.now() + ahead);
  const context = (own: Ledger = ledger): WorkerContext => ({
    ...silentContext(own),
    ...{ config, keys: from, now: clock, pause: async () => {} },
  });
  const now = async () => {
    const move = await ledger.moves.latestOf(cluster.name);
    if (!move) throw new Error("Nobody asked for a move.");
    return move;
  };
  const look = async (own: Ledger = ledger) => {
    await lookAtMove(context(own), cluster);
    return now();
  };
  const pass = (seconds: number) => {
    ahead += seconds * 1000;
  };
  return {
    ledger,
    context,
    now,
    look,
    pass,
    ask: async (told = []) => {
      const id = nextMoveId(cluster.name, await ledger.moves.latestOf(cluster.name));
      const move = createMove({ id, cluster: cluster.name, requester: "U0ONCALL", told }, clock(), 24 * 3600);
      await ledger.moves.commit({ after: move, event: moveEvent("migration.asked", move, "U0ONCALL", clock()) });
      return look();
    },
    approve: async (...users) => {
      for (const user of users) {
        const move = await now();
        const click = { verdict: "approved", digest: move.plan?.digest ?? "", why: "" } as const;
        const decided = decideMove(move, cluster, { user, memberships: [] }, click, from.decision, clock());
        if (decided.type === "refused") throw new Error(decided.code);
        const event = moveEvent("migration.approved", decided.after, user, clock());
        await ledger.moves.commit({ after: decided.after, event });
      }
      return now();
    },
    toItsEnd: async (own = ledger) => {
      let move = await look(own);
      for (let looks = 0; looks < 20 && (move.state === "running" || move.begun); looks += 1) {
        pass(61);
        move = await look(own);
      }
      return move;
    },
  };
}
