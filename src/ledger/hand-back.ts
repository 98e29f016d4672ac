import { type Job, WaitingError } from "bullmq";

/** Work that takes its end from outside. */
export interface Stoppable {
  /**
   * Takes no more work and waits for what is under way; what is not done when `deadline` aborts is handed back or left.
   * Resolves with what that was, in words for the log.
   */
  stop: (deadline: AbortSignal) => Promise<readonly string[]>;
}

/**
 * Jobs that a process has to end before it is done with them. Each goes back to the head of its queue, where another
 * process takes it up at once: one that is only left waits until its lock lapses.
 */
export class HandBack {
  /** What lets go of each job that is under way. */
  readonly #underWay = new Set<() => void>();
  readonly #handedBack: string[] = [];

  /** Does a job's work unless the job is handed back first. The work may then still run: a job can run twice. */
  async run<T>(job: Job, token: string | undefined, work: Promise<T>): Promise<T> {
    let letGo = () => {};
    const due = new Promise<"due">((resolve) => {
      letGo = () => resolve("due");
    });
    this.#underWay.add(letGo);
    const outcome = await Promise.race([work.then((value) => ({ value })), due]).finally(() =>
      this.#underWay.delete(letGo),
    );
    if (outcome !== "due") return outcome.value;
    work.catch(() => {});
    await job.moveToWait(token);
    this.#handedBack.push(nameOf(job));
    throw new WaitingError();
  }

  /** Closes a worker, and hands back what it still does at the deadline. Resolves with the names of those jobs. */
  async close(worker: { close: () => Promise<void> }, deadline: AbortSignal): Promise<readonly string[]> {
    const closed = worker.close();
    if ((await Promise.race([closed, aborted(deadline)])) === "aborted") for (const letGo of this.#underWay) letGo();
    await closed;
    return this.#handedBack;
  }
}

/** Whether an earlier start of this job came to no end: its process died, or had to hand it back. */
export function wasBegunBefore({ attemptsStarted, attemptsMade }: Job): boolean {
  return attemptsStarted > attemptsMade + 1;
}

/** Waits for work that ends by itself, until the deadline. */
export async function endedBy(work: Promise<unknown>, name: string, deadline: AbortSignal): Promise<readonly string[]> {
  return (await Promise.race([work, aborted(deadline)])) === "aborted" ? [name] : [];
}

/** `reconcile staging`, `show r-7k2m9x4q` */
function nameOf({ name, data }: Job): string {
  const [subject = ""] = Object.entries(data ?? {}).flatMap(([key, value]) => (key === "type" ? [] : [String(value)]));
  return `${name} ${subject}`.trim();
}

function aborted(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    else signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}
