import type { Cluster } from "../access/policy/cluster.ts";
import { creatorArnOf } from "../access/policy/creator.ts";
import type { ClusterDescription, EksCluster } from "../aws/eks-cluster.ts";
import type { Purpose } from "../aws/session-policy.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import { becomeCreator } from "./become-creator.ts";
import type { WorkerContext } from "./context.ts";
import { identityOfRun } from "./discover-creator.ts";
import { connectAs, creatorArnFor } from "./open-cluster.ts";
import { openEksOfRun } from "./open-eks.ts";

/** A cluster to look at only, in any authentication mode. */
export interface ReachedCluster {
  readonly eks: EksCluster;
  /** Null: only CloudTrail knows it, and no look needs it. */
  readonly creatorArn: string | null;
  readonly description: ClusterDescription;
  readonly client: ClusterClient;
}

/** Opens a cluster for a person's question, looks, and closes it. @throws AccessError */
export async function reachCluster<T>(
  context: WorkerContext,
  cluster: Cluster,
  purpose: Purpose,
  look: (reached: ReachedCluster) => Promise<T>,
): Promise<T> {
  const identity = await identityOfRun(context, cluster);
  const { credentials } = await becomeCreator(cluster, identity, [purpose]);
  const eks = await openEksOfRun(credentials, cluster);
  const { description } = eks;
  const creatorArn = await creatorArnFor(context, cluster, identity);
  const options = { as: creatorArnOf(identity), ledger: context.ledger };
  const client = await connectAs(credentials, cluster, description, context.now(), [purpose], options);
  try {
    return await look({ eks, creatorArn, description, client });
  } finally {
    client.close();
  }
}
