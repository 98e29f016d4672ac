import { AsyncLocalStorage } from "node:async_hooks";
import { type DeadlineName, type Deadlines, usualDeadlines } from "./deadlines.ts";

interface Limit {
  readonly deadlines: Deadlines;
  readonly signal: AbortSignal;
  readonly takeMoreTime: (ms: number) => void;
}

const limits = new AsyncLocalStorage<Limit>();

/**
 * Does something within a deadline: the calls to AWS and to API servers that it still makes then fail, with a cause that is
 * tried again. It ends by that, and is not left behind: what it has done so far it records itself.
 */
export async function withinDeadline<T>(name: DeadlineName, deadlines: Deadlines, act: () => Promise<T>): Promise<T> {
  const late = new AbortController();
  let withinMs: number = deadlines[name];
  const began = performance.now();
  const startTimer = () =>
    setTimeout(() => late.abort(new TookTooLong(name, withinMs)), began + withinMs - performance.now());
  let timer = startTimer();
  const takeMore = (ms: number) => {
    clearTimeout(timer);
    withinMs += ms;
    timer = startTimer();
  };
  const outer = limits.getStore()?.signal;
  const signal = outer ? AbortSignal.any([outer, late.signal]) : late.signal;
  try {
    return await limits.run({ deadlines, signal, takeMoreTime: takeMore }, act);
  } finally {
    clearTimeout(timer);
  }
}

/** How long one call of this kind may take now, in milliseconds. */
export function callWithinMs(name: DeadlineName): number {
  return (limits.getStore()?.deadlines ?? usualDeadlines)[name];
}

/** Moves the deadline of what runs now: it has found so much to do. */
export function takeMoreTime(ms: number): void {
  limits.getStore()?.takeMoreTime(ms);
}

/** Aborts when the deadline of what runs now has passed; undefined: it has none. */
export function deadlineSignal(): AbortSignal | undefined {
  return limits.getStore()?.signal;
}

/** Why a call was given up that had time of its own left. */
class TookTooLong extends Error {
  constructor(name: DeadlineName, ms: number) {
    super(`the total deadline of ${ms / 1000} s (${name}) has passed`);
    this.name = "TimeoutError";
  }
}
