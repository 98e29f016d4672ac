import { setImmediate as tick } from "node:timers/promises";
import type { Scheduler } from "fast-check";
import type { Ledger } from "../../src/ledger/ledger.ts";

/** People and processes that act at once, one step at a time, in an order that fast-check chooses and can repeat. */
export interface Turns {
  /** A place where others may come first. */
  point: (label: string) => Promise<void>;
  /** Plays all to their ends; rejects with what any of them threw. */
  play: (actors: readonly (() => Promise<void>)[]) => Promise<void>;
}

/**
 * Nobody goes on before all others have come to a point of theirs or to their end: what takes real time, as a call over
 * HTTP does, changes nothing in the order.
 */
export function turnsOf(scheduler: Scheduler): Turns {
  return {
    point: (label) => scheduler.schedule(Promise.resolve(), label),
    play: async (actors) => {
      let live = actors.length;
      const played = Promise.allSettled(
        actors.map((act) =>
          act().finally(() => {
            live -= 1;
          }),
        ),
      );
      while (live > 0) {
        if (scheduler.count() < live) await tick();
        else await scheduler.waitNext(1);
      }
      for (const result of await played) if (result.status === "rejected") throw result.reason;
    },
  };
}

/** The ledger with a point before each of the calls that decide who was first. */
export function inTurns(ledger: Ledger, { point }: Turns): Ledger {
  return {
    ...ledger,
    get: async (id) => {
      await point(`get ${id}`);
      return ledger.get(id);
    },
    openOf: async (cluster) => {
      await point("openOf");
      return ledger.openOf(cluster);
    },
    due: async (now, limit) => {
      await point("due");
      return ledger.due(now, limit);
    },
    commit: async (change) => {
      await point(`commit ${change.event.type}`);
      return ledger.commit(change);
    },
  };
}
