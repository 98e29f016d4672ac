import type { SlackKeys } from "../../access/approval/seal.ts";
import type { Config } from "../../config/config.ts";
import type { RecordContext } from "../../ledger/record-change.ts";
import type { WorkerQuestions } from "../../ledger/worker-questions.ts";
import type { Directory } from "../people/directory.ts";

/** What the handlers of the slack process are given. It holds no AWS right and no way to a cluster (law 1). */
export interface SlackContext extends RecordContext {
  readonly config: Config;
  readonly keys: SlackKeys;
  readonly workers: WorkerQuestions;
  readonly directory: Directory;
  readonly now: () => Date;
  /** Makes an id for a new request. */
  readonly newRequestId: () => string;
}
