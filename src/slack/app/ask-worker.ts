import type { z } from "zod";
import type { WorkerQuestion } from "../../ledger/jobs.ts";
import type { SlackContext } from "./context.ts";

/**
 * Asks a worker: only workers read clusters (law 1). Null: no worker answered in time, or one of another version did.
 * The second question quickly shows whether any worker runs.
 */
export async function askWorker<T>(
  context: SlackContext,
  question: WorkerQuestion,
  form: z.ZodType<T>,
): Promise<T | null> {
  const { workers, log, config } = context;
  const { deadlines } = config.timing;
  const answering = workers.ask(question, deadlines.question).catch((error: unknown) => {
    log.warn({ question: question.type, err: error }, "no worker answered");
    return null;
  });
  const cluster = "cluster" in question ? question.cluster : undefined;
  const isThere = workers.ask({ type: "alive" }, deadlines.workerAnswer, cluster).then(
    () => true,
    () => false,
  );
  const answer = await Promise.race([answering, isThere.then((there) => (there ? answering : null))]);
  const read = form.safeParse(answer);
  return read.success ? read.data : null;
}
