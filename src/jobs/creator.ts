import { findCreation } from "../aws/find-creation.ts";
import { explain } from "../failure/access-error.ts";
import type { Cluster } from "../policy/cluster.ts";
import { partitionOf } from "../policy/may-request.ts";
import type { WorkerContext } from "./context.ts";
import type { CreatorReport } from "./creator-report.ts";
import { openCluster } from "./open-cluster.ts";

/** Asks CloudTrail who created the cluster, and tries to become the creator that the configuration names. */
export async function reportCreator(context: WorkerContext, cluster: Cluster): Promise<CreatorReport> {
  const { region, account, eksName } = cluster;
  let arn = `arn:${partitionOf(cluster)}:eks:${region}:${account}:cluster/${eksName}`;
  let createdAt: Date | null = null;
  let becomes = { ok: true, message: "" };
  try {
    const open = await openCluster(cluster, [], context.now);
    ({ arn, createdAt } = open.description);
    open.close();
  } catch (error) {
    becomes = { ok: false, message: explain(error) };
  }
  try {
    const record = await findCreation("default", region, { arn, createdAt }, context.now());
    return { becomes, record, trouble: null };
  } catch (error) {
    return { becomes, record: null, trouble: explain(error) };
  }
}
