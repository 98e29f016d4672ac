import type { Cluster } from "./cluster.ts";
import { partitionOf } from "./may-request.ts";

/** A cluster's ARN, as EKS and CloudTrail write it. */
export function clusterArnOf(cluster: Cluster): string {
  const { region, account, eksName } = cluster;
  return `arn:${partitionOf(cluster)}:eks:${region}:${account}:cluster/${eksName}`;
}
