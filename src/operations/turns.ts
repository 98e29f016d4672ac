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
