import { setTimeout as pause } from "node:timers/promises";
import { tracedQuestion } from "../operations/traced.ts";
import type { WorkerQuestion } from "./jobs.ts";
import type { Queues } from "./queues.ts";

export interface WorkerQuestions {
  /** `cluster`: asks its workers a question about no cluster. Resolves with a worker's answer; rejects if it failed, or did not answer within `withinMs`. */
  ask: (question: WorkerQuestion, withinMs: number, cluster?: string) => Promise<unknown>;
}

const lookEveryMs = 100;

/** Asks any worker, and polls for its answer: BullMQ's events can be lost, as its listener begins after its own first read. */
export function workerQuestions(queues: Pick<Queues, "of">): WorkerQuestions {
  return {
    ask: (question, withinMs, cluster) =>
      tracedQuestion(question.type, async (askedIn) => {
        const deadline = performance.now() + withinMs;
        const queue = queues.of(question, cluster);
        const { id = "" } = await queue.add(question.type, question, askedIn);
        while (performance.now() < deadline) {
          await pause(lookEveryMs);
          const job = await queue.getJob(id);
          if (job?.finishedOn === undefined) continue;
          if (job.failedReason) throw new Error(job.failedReason);
          return job.returnvalue;
        }
        throw new Error(`no worker answered within ${withinMs} ms`);
      }),
  };
}

/** A worker takes 16 jobs at once: questions about a silent cluster must not block its work. */
const maxAtOnce = 4;

/** The same, with a few questions about clusters at a time. The wait for a turn counts in `withinMs`. */
export function limitQuestions({ ask }: WorkerQuestions, most = maxAtOnce): WorkerQuestions {
  const waiting: (() => void)[] = [];
  let running = 0;
  // Passes the place on, so that no other question takes it.
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
  return {
    ask: async (question, withinMs, cluster) => {
      if (question.type === "alive") return ask(question, withinMs, cluster);
      const start = performance.now();
      if (running >= most) await new Promise<void>((resolve) => void waiting.push(resolve));
      else running += 1;
      return ask(question, withinMs - (performance.now() - start)).finally(leave);
    },
  };
}
