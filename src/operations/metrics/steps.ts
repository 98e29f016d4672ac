import { traced, type Work } from "../tracing/traced.ts";
import { finishedSteps, type RunStep } from "./announcements.ts";

/** Does one step of a run on a cluster, measures its time and shows it in the trace. */
export function step<T>(name: RunStep, act: () => Promise<T>, place: Omit<Work, "name"> = {}): Promise<T> {
  return traced({ name, ...place }, async () => {
    const startedAt = performance.now();
    try {
      return await act();
    } finally {
      finishedSteps.tell({ step: name, seconds: (performance.now() - startedAt) / 1000 });
    }
  });
}
