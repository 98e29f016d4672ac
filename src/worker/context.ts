import type { WorkerKeys } from "../access/seal.ts";
import type { Config } from "../config/config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { RecordContext } from "../ledger/lifecycle.ts";
import type { RequestIds } from "../operations/announcements.ts";
import type { FailureLog } from "../operations/log.ts";
import type { WorkerMetrics } from "../operations/metrics.ts";
import type { OpenedCluster, openCluster } from "./open-cluster.ts";
import type { openEksToManage } from "./open-eks.ts";

/** The context of a worker's jobs. A function that uses a part of the ledger names it: `WorkerContext<TurnLedger>`. */
export interface WorkerContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly keys: WorkerKeys;
  readonly now: () => Date;
  readonly failures: FailureLog;
  /** Absent in a command that ends by itself. */
  readonly metrics?: WorkerMetrics;
  /** Opens a cluster; absent: as its creator, over the network. */
  readonly openCluster?: (...args: Parameters<typeof openCluster>) => Promise<OpenedCluster>;
  /** Opens EKS to find and end rescues; absent: over the network. */
  readonly openRescuer?: typeof openEksToManage;
  /** The ids of this run's calls to AWS, for the audit log; absent outside of a run that changes a cluster. */
  readonly awsRequests?: RequestIds;
  readonly auditIds?: RequestIds;
  /** Waits between two tries of one run, in milliseconds; absent: by the clock. */
  readonly pause?: (ms: number) => Promise<void>;
}
