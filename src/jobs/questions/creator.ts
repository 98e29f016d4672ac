import { explain } from "../../failure/access-error.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { isOfCluster } from "../../policy/creation.ts";
import type { WorkerContext } from "../context.ts";
import { askCloudTrail, rememberedCreation } from "../open/discover-creator.ts";
import { openCluster } from "../open/open-cluster.ts";
import type { CreatorReport } from "./creator-report.ts";

/** Asks CloudTrail who created the cluster, and tries to become the creator that the configuration names, or CloudTrail. */
export async function reportCreator(context: WorkerContext, cluster: Cluster): Promise<CreatorReport> {
  let createdAt: Date | null = null;
  let becomes: CreatorReport["becomes"];
  try {
    const open = await openCluster(context, cluster, []);
    ({ createdAt } = open.description);
    becomes = { ok: true, message: "", arn: open.creatorArn };
    open.close();
  } catch (error) {
    becomes = { ok: false, message: explain(error), arn: null };
  }
  const memory = await rememberedCreation(context, cluster);
  const remembered = memory && isOfCluster(memory, createdAt) ? memory : null;
  try {
    const record = await askCloudTrail(context, cluster, createdAt);
    return { becomes, record: record ?? remembered, isRemembered: !record && remembered !== null, trouble: null };
  } catch (error) {
    return { becomes, record: remembered, isRemembered: remembered !== null, trouble: explain(error) };
  }
}
