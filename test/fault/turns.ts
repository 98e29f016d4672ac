import { setImmediate as tick } from "node:timers/promises";
import type { Scheduler } from "fast-check";
import type { Ledger } from "../../src/ledger/ledger.ts";

/** People and processes that act at once, one step at a time, in an order that fast-check chooses and can repeat. */
export interface Turns {
  /** A place where others may come first. */
  point: (label: string) => Promise<void>;
  /** Another person who acts from now on, too. */
  join: (act: () => Promise<void>) => void;
  /** Plays all to their ends; rejects with what any of them threw. */
  play: (actors: readonly (() => Promise<void>)[]) => Promise<void>;
}

/**
 * No one continues before all others have come to a point of theirs or to their end: what takes real time changes nothing
 * in the order.
 */
export function turnsOf(scheduler: Scheduler): Turns {
  let live = 0;
  const played: Promise<void>[] = [];
  const join = (act: () => Promise<void>) => {
    live += 1;
    played.push(
      act().finally(() => {
        live -= 1;
      }),
    );
  };
  return {
    point: (label) => scheduler.schedule(Promise.resolve(), label),
    join,
    play: async (actors) => {
      for (const act of actors) join(act);
      while (live > 0) {
        if (scheduler.count() < live) await tick();
        else await scheduler.waitNext(1);
      }
      for (const result of await Promise.allSettled(played)) if (result.status === "rejected") throw result.reason;
    },
  };
}

export interface Mortal extends Pick<Turns, "point"> {
  /** Resolves when it has come to its end, or was killed before. */
  untilDeath: (act: Promise<void>) => Promise<void>;
}

/** A process that may be killed at one of its points: it is gone then, and never comes to its next one. */
export function mortal({ point }: Turns, diesAt: number | null): Mortal {
  let points = 0;
  let die = () => {};
  const death = new Promise<void>((resolve) => {
    die = resolve;
  });
  return {
    point: async (label) => {
      points += 1;
      if (points === diesAt) {
        die();
        await new Promise(() => {});
      }
      await point(label);
    },
    untilDeath: (act) => Promise.race([act, death]),
  };
}

/** The ledger with a point before each of the calls that decide who was first, and before a writer hears of it. */
export function inTurns(ledger: Ledger, { point }: Pick<Turns, "point">): Ledger {
  return {
    ...ledger,
    get: async (id) => {
      await point(`get ${id}`);
      return ledger.get(id);
    },
    leasedOf: async (cluster) => {
      await point("leasedOf");
      return ledger.leasedOf(cluster);
    },
    duePendingOf: async (...given) => {
      await point("duePendingOf");
      return ledger.duePendingOf(...given);
    },
    due: async (...given) => {
      await point("due");
      return ledger.due(...given);
    },
    beginRun: async (cluster) => {
      await point("begin a run");
      return ledger.beginRun(cluster);
    },
    isNewestRun: async (cluster, run) => {
      await point("am I the newest run");
      return ledger.isNewestRun(cluster, run);
    },
    commit: async (change) => {
      await point(`commit ${change.event?.type ?? "one more try"}`);
      const result = await ledger.commit(change);
      await point(`committed ${change.event?.type ?? "one more try"}`);
      return result;
    },
  };
}
