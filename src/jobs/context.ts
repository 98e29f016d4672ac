import type { SealKeys } from "../approval/seal.ts";
import type { Config } from "../config/config.ts";
import type { RecordContext } from "./record-change.ts";

/** What the worker's jobs are given. */
export interface WorkerContext extends RecordContext {
  readonly config: Config;
  readonly sealKeys: SealKeys;
  readonly now: () => Date;
}
