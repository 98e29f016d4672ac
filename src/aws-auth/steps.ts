/**
 * Work that pauses where others may have a turn: a document of 1 MiB takes longer than the event loop may be blocked. Its caller
 * decides what happens in a pause.
 */
export type Steps<T> = Generator<void, T, void>;

/** Works through all steps without a pause. */
export function finish<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}
