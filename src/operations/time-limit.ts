import { AsyncLocalStorage } from "node:async_hooks";
import { type DeadlineName, type Deadlines, usualDeadlines } from "./deadlines.ts";

interface Limit {
  readonly deadlines: Deadlines;
  readonly signal: AbortSignal;
}

const limits = new AsyncLocalStorage<Limit>();

/**
 * Does something within a deadline: the calls to AWS and to API servers that it still makes then fail, with a cause that is
 * tried again. It ends by that, and is not left behind: what it has done so far it records itself.
 */
export async function withinDeadline<T>(name: DeadlineName, deadlines: Deadlines, act: () => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new TookTooLong(name, deadlines[name])), deadlines[name]);
  const outer = limits.getStore()?.signal;
  const signal = outer ? AbortSignal.any([outer, late.signal]) : late.signal;
  try {
    return await limits.run({ deadlines, signal }, act);
  } finally {
    clearTimeout(timer);
  }
}

/** How long one call of this kind may take now, in milliseconds. */
export function callWithinMs(name: DeadlineName): number {
  return (limits.getStore()?.deadlines ?? usualDeadlines)[name];
}

/** Aborts when the deadline of what runs now has passed; undefined: it has none. */
export function deadlineSignal(): AbortSignal | undefined {
  return limits.getStore()?.signal;
}

/** Why a call was given up that had time of its own left. */
class TookTooLong extends Error {
  constructor(name: DeadlineName, ms: number) {
    super(`the deadline of ${ms / 1000} s for all of it (${name}) has passed`);
    this.name = "TimeoutError";
  }
}
