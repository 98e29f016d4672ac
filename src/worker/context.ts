import type { WorkerKeys } from "../access/approval/seal.ts";
import type { RequestIds } from "../access/audit/event.ts";
import type { Config } from "../config/config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { RecordContext } from "../ledger/lifecycle.ts";
import type { FailureLog } from "../operations/failure-log.ts";
import type { WorkerMetrics } from "../operations/worker-metrics.ts";
import type { OpenedCluster, openCluster } from "./open/open-cluster.ts";
import type { openEksToManage } from "./open/open-eks.ts";

/** What the worker's jobs are given. A function that uses a part of the ledger names it: `WorkerContext<TurnLedger>`. */
export interface WorkerContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly keys: WorkerKeys;
  readonly now: () => Date;
  readonly failures: FailureLog;
  /** Absent in a command that ends by itself. */
  readonly metrics?: WorkerMetrics;
  /** How a cluster is opened; absent: as its creator, over the network. */
  readonly openCluster?: (...args: Parameters<typeof openCluster>) => Promise<OpenedCluster>;
  /** How EKS is opened to look for rescues and to end them; absent: over the network. */
  readonly openRescuer?: typeof openEksToManage;
  /** What AWS was asked in this run, for the audit log; absent outside of a run that changes a cluster. */
  readonly awsRequests?: RequestIds;
  /** Under which ids the API server's audit log has this run's writes; absent as above. */
  readonly auditIds?: RequestIds;
  /** Waits between two tries of one run, in milliseconds; absent: by the clock. */
  readonly pause?: (ms: number) => Promise<void>;
}
