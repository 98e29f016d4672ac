import type { Cluster } from "../access/policy/cluster.ts";
import { callerIdentity } from "../aws/sts.ts";
import type { JobHandlers, workerJobs } from "../ledger/jobs.ts";
import type { WorkerContext } from "./context.ts";
import { lookAtMigration, reportMigration } from "./migration/look-at-migration.ts";
import { previewCluster } from "./preview.ts";
import { reportChain } from "./questions/chain.ts";
import { reportCheck } from "./questions/check.ts";
import { reportCreator } from "./questions/creator.ts";
import { reportIdentities } from "./questions/identities.ts";
import { reportNamespaces } from "./questions/namespaces.ts";
import { reportWhy } from "./questions/why.ts";
import { adoptByTheClock } from "./reconcile/adopt.ts";
import { type ReconcileReason, reconcileCluster } from "./reconcile/reconcile.ts";
import { signInToCluster } from "./sign-in/sign-in-cluster.ts";

export interface JobContext extends WorkerContext {
  /** An earlier start of this job did not end. */
  readonly isBegunBefore: boolean;
}

/** The run of each job of a worker. The return value of a question's run is its answer. */
export const workerRuns: JobHandlers<typeof workerJobs, [JobContext]> = {
  preview: onCluster(previewCluster),
  reconcile: onCluster(reconcileFor("due")),
  end: onCluster(reconcileFor("end")),
  inspect: onCluster(reconcileFor("inspect")),
  adopt: onCluster(adoptByTheClock),
  "sign-in": onCluster(signInToCluster),
  migration: onCluster(lookAtMigration),
  alive: async () => true,
  identity: (_, context) => publishIdentity(context),
  identities: onCluster(reportIdentities),
  namespaces: onCluster(reportNamespaces),
  creator: onCluster(reportCreator),
  whoami: onCluster(reportChain),
  check: onCluster(reportCheck),
  why: onCluster(reportWhy),
  migrate: onCluster(reportMigration),
};

function onCluster<Asked>(
  run: (context: JobContext, cluster: Cluster, asked: Asked) => Promise<unknown>,
): (job: Asked & { readonly cluster: string }, context: JobContext) => Promise<unknown> {
  return async (job, context) => {
    const cluster = context.config.clusters.get(job.cluster);
    if (cluster) return run(context, cluster, job);
    context.log.error({ cluster: job.cluster }, "a request names a cluster that is not configured");
  };
}

/** A job that started before inspects the cluster: it can have left something half done. */
function reconcileFor(reason: ReconcileReason) {
  return (context: JobContext, cluster: Cluster) =>
    reconcileCluster(context, cluster, context.isBegunBefore ? "adopt" : reason);
}

export async function publishIdentity({ config, ledger, now }: WorkerContext): Promise<void> {
  const [first] = config.clusters.values();
  const { arn, account } = await callerIdentity("default", first?.region ?? "us-east-1");
  await ledger.setWorkerIdentity({ arn, account, at: now().toISOString() });
}
