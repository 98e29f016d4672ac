import { setImmediate as nextTurn } from "node:timers/promises";

/** How long one turn of the event loop works on one thing. */
const turnMs = 10;

/** Works through all steps, and gives way to other work in between. */
export async function inTurns<T>(steps: Generator<void, T, void>): Promise<T> {
  let began = performance.now();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - began < turnMs) continue;
    await nextTurn();
    began = performance.now();
  }
}

/** How many calls to Redis or to one API server a run makes at once. */
const width = 16;
/**
 * The same while people wait for their leases: an API server is some milliseconds away, and a burst of 250 leases makes 250 calls of
 * each kind. Each call has a connection of its own, so few calls open few. Not for calls to AWS, which throttles them.
 */
export const burstWidth = 128;

/** Asks equal questions once, and an unanswered one again. */
export function once<Question extends readonly unknown[], Answer>(ask: (...question: Question) => Promise<Answer>) {
  const asked = new Map<string, Promise<Answer>>();
  return async (...question: Question): Promise<Answer> => {
    const key = JSON.stringify(question);
    const answer = asked.get(key) ?? ask(...question);
    asked.set(key, answer);
    try {
      return await answer;
    } catch (error) {
      asked.delete(key);
      throw error;
    }
  };
}

/** Runs `act` for each item, a bounded number at a time. It throws a failure after the other lanes end. */
export async function inParallel<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
  atOnce = width,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await act(item);
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  const failed = lanes.find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
  return results;
}

/** A new connection costs as much processor time as the calls of a run, so one makes so many calls before another one is opened. */
const callsOfConnection = 8;
/** An answer that takes so long must not hold up the others. */
const joinMs = 500;

/** Over few connections: no one waits for these calls. It tries all items, and then throws the first failure. */
export async function callInParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const queue = items.values();
  const lane = async () => {
    for (const item of queue) await act(item).catch((error: unknown) => failures.push(error));
  };
  const lanes = Array.from({ length: Math.min(width, Math.ceil(items.length / callsOfConnection)) }, lane);
  const joining = setInterval(() => lanes.length < width && lanes.push(lane()), joinMs);
  // Lanes that join are waited for too.
  for (const each of lanes) await each;
  clearInterval(joining);
  if (failures.length > 0) throw failures[0];
}
