import type { z } from "zod";
import type { SlackKeys } from "../../access/seal.ts";
import type { Config } from "../../config/config.ts";
import type { ReadableLog } from "../../ledger/audit-log.ts";
import type { WorkerQuestion } from "../../ledger/jobs.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import type { Queues } from "../../ledger/queues.ts";
import type { WorkerQuestions } from "../../ledger/worker-questions.ts";
import { succeeds } from "../../operations/deadlines.ts";
import type { Directory } from "./directory.ts";

/** No AWS right, and no cluster (law 1). A handler names the part of the ledger that it uses: `SlackContext<LinkLedger>`. */
export interface SlackContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly queues: Queues;
  readonly auditLog: ReadableLog;
  readonly keys: SlackKeys;
  readonly workers: WorkerQuestions;
  readonly directory: Directory;
  readonly now: () => Date;
  readonly newRequestId: () => string;
  /** Counts one more form of this person. True: it is too many. */
  readonly opensTooMany: (user: string) => boolean;
}

/** Only workers read clusters (law 1). Null: none answered in time. The second question shows whether any worker runs. */
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
  const isThere = succeeds(workers.ask({ type: "alive" }, deadlines.workerAnswer, cluster));
  const answer = await Promise.race([answering, isThere.then((there) => (there ? answering : null))]);
  const read = form.safeParse(answer);
  return read.success ? read.data : null;
}
