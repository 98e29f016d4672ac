import type { SlackKeys } from "../../access/approval/seal.ts";
import type { Config } from "../../config/config.ts";
import type { ReadableLog } from "../../ledger/audit-log.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import type { Queues } from "../../ledger/queues.ts";
import type { WorkerQuestions } from "../../ledger/worker-questions.ts";
import type { Directory } from "../people/directory.ts";

/**
 * What the handlers of the Slack process use. It has no AWS right and reaches no cluster (law 1). A handler names the
 * part of the ledger that it uses: `SlackContext<LinkLedger>`.
 */
export interface SlackContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly queues: Queues;
  readonly auditLog: ReadableLog;
  readonly keys: SlackKeys;
  readonly workers: WorkerQuestions;
  readonly directory: Directory;
  readonly now: () => Date;
  readonly newRequestId: () => string;
}
