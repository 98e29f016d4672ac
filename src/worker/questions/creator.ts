import { AccessError, explainFailure, hasCode } from "../../access/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { creatorArnOf, isRecordOfCluster } from "../../access/policy/creator.ts";
import { ClusterNotActive } from "../../aws/eks-cluster.ts";
import type { CreatorReport } from "../../diagnosis/reports.ts";
import { becomeCreator } from "../become-creator.ts";
import type { WorkerContext } from "../context.ts";
import { askCloudTrail, identityOfRun, rememberedCreation } from "../discover-creator.ts";
import { openCluster } from "../open-cluster.ts";
import { openEksOfRun } from "../open-eks.ts";

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
    const { arn, ...known } = await becomesAnyway(context, cluster);
    ({ createdAt } = known);
    const isMissing = arn !== null && hasCode(error, "cluster-not-found");
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
async function becomesAnyway(context: WorkerContext, cluster: Cluster) {
  const anyway: { arn: string | null; createdAt: Date | null } = { arn: null, createdAt: null };
  try {
    const identity = await identityOfRun(context, cluster);
    const { credentials } = await becomeCreator(cluster, identity, []);
    anyway.arn = creatorArnOf(identity);
    // Without it, CloudTrail's record can be that of a deleted cluster of this name.
    anyway.createdAt = (await openEksOfRun(credentials, cluster)).description.createdAt;
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    if (error instanceof ClusterNotActive) anyway.createdAt = error.createdAt;
  }
  return anyway;
}
