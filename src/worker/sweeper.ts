import type { WorkerContext } from "./context.ts";
import { sweep } from "./sweep.ts";

/**
 * Sweeps again and again, in each worker: one of them takes each turn. The clock is the process's own, so that a Redis
 * that lost everything, schedules included, is swept as soon as it is back.
 */
export function startSweeper(context: WorkerContext): { stop: () => Promise<void> } {
  const everyMs = context.config.timing.sweepEverySeconds * 1000;
  let sweeping: Promise<void> = Promise.resolve();
  let isIdle = true;
  const tick = () => {
    if (!isIdle) return;
    isIdle = false;
    sweeping = turn(context, everyMs).finally(() => {
      isIdle = true;
    });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      return sweeping;
    },
  };
}

async function turn(context: WorkerContext, everyMs: number): Promise<void> {
  try {
    // Shorter than the interval: the timers of the workers are never quite in step.
    if (await context.ledger.takeTurn("sweep", everyMs * 0.9)) await sweep(context);
  } catch (error) {
    context.log.warn({ err: error }, "a sweep failed; the next one is due soon");
  }
}
