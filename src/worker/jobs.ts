import { AccessError, explainFailure } from "../access/access-error.ts";
import { isCurrentList, readNamespaceList, sealNamespaces } from "../access/approval/shared-lists.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { creatorArnOf, isRecordOfCluster } from "../access/policy/creator.ts";
import { callerIdentity } from "../aws/sts.ts";
import type { CreatorReport, NamespacesReport } from "../diagnosis/reports.ts";
import type { JobHandlers, workerJobs } from "../ledger/jobs.ts";
import type { WorkerContext } from "./context.ts";
import { lookAtMigration, reportMigration } from "./migration/look-at-migration.ts";
import { becomeCreator } from "./open/become-creator.ts";
import { askCloudTrail, identityOfRun, rememberedCreation } from "./open/discover-creator.ts";
import { openCluster } from "./open/open-cluster.ts";
import { reachCluster } from "./open/reach-cluster.ts";
import { previewCluster } from "./preview.ts";
import { reportChain } from "./questions/chain.ts";
import { reportCheck } from "./questions/check.ts";
import { reportIdentities } from "./questions/identities.ts";
import { reportWhy } from "./questions/why.ts";
import { adoptByTheClock } from "./reconcile/adopt.ts";
import { type ReconcileReason, reconcileCluster } from "./reconcile/reconcile.ts";
import { signInToCluster } from "./sign-in/sign-in-cluster.ts";

export interface JobContext extends WorkerContext {
  /** An earlier start of this job did not end. */
  readonly isBegunBefore: boolean;
}

/** What a worker does in each job. The return value of a question's run is its answer. */
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

const purpose = { id: "namespaces", requester: "eks-access" };

/** Lists a cluster's namespaces for the form, seals the list, and publishes it for the next search. */
export async function reportNamespaces(context: WorkerContext, cluster: Cluster): Promise<NamespacesReport> {
  const { ledger, keys, now, log } = context;
  const known = readNamespaceList(await ledger.namespacesOf(cluster.name), cluster, keys.preview, now());
  if (known && isCurrentList(known, now())) return { type: "found", list: known };
  try {
    const names = await reachCluster(context, cluster, purpose, ({ client }) => client.namespaces());
    const list = sealNamespaces(cluster, names, now(), keys.preview);
    await ledger.rememberNamespaces(list);
    return { type: "found", list };
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not list the namespaces");
    return { type: "failed", message: explainFailure(error) };
  }
}

/** Asks CloudTrail for the creator, and tries to act as a run does: as the operator, the configured creator, or CloudTrail's. */
export async function reportCreator(context: WorkerContext, cluster: Cluster): Promise<CreatorReport> {
  let createdAt: Date | null = null;
  let becomes: CreatorReport["becomes"];
  try {
    const open = await openCluster(context, cluster, []);
    ({ createdAt } = open.description);
    becomes = { ok: true, message: "", arn: cluster.operator?.roleArn ?? open.creatorArn, isMissing: false };
    open.close();
  } catch (error) {
    const arn = await becomesAnyway(context, cluster);
    const isMissing = arn !== null && error instanceof AccessError && error.code === "cluster-not-found";
    becomes = { ok: arn !== null, message: explainFailure(error), arn, isMissing };
  }
  const memory = await rememberedCreation(context, cluster);
  const remembered = memory && isRecordOfCluster(memory, createdAt) ? memory : null;
  try {
    const record = await askCloudTrail(context, cluster, createdAt);
    return { becomes, record: record ?? remembered, isRemembered: !record && remembered !== null, trouble: null };
  } catch (error) {
    return { becomes, record: remembered, isRemembered: remembered !== null, trouble: explainFailure(error) };
  }
}

/** The identity that the worker can become although the cluster is unusable, for example during its creation; null: none. */
async function becomesAnyway(context: WorkerContext, cluster: Cluster): Promise<string | null> {
  try {
    const identity = await identityOfRun(context, cluster);
    await becomeCreator(cluster, identity, []);
    return creatorArnOf(identity);
  } catch (error) {
    if (error instanceof AccessError) return null;
    throw error;
  }
}
