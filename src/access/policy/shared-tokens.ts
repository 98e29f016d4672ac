import type { Cluster } from "./cluster.ts";
import { creatorArnOf, isSameCreator } from "./creator.ts";

/**
 * One sentence for each two clusters at which the same token of their creator is good. What is signed names the cluster by its
 * name alone (aws-iam-authenticator, pkg/token: `x-k8s-aws-id`). Clusters of one account whose creator CloudTrail names count as
 * well: nobody knows yet that it is another one.
 */
export function sharedTokenWarnings(clusters: readonly Cluster[]): readonly string[] {
  return clusters.flatMap((one, index) =>
    clusters.slice(index + 1).flatMap((other) => {
      const creator = one.eksName === other.eksName ? sharedCreator(one, other) : null;
      if (creator === null) return [];
      return [
        `${one.name} and ${other.name} have the name ${one.eksName} in EKS and ${creator}. An EKS token is bound to a cluster's name, not to its account or region: a token for one is good at the other. Whoever runs one of their API servers can use it at the other. Give each a creator of its own.`,
      ];
    }),
  );
}

/** What they share, as a clause; null: their creators are two. */
function sharedCreator(one: Cluster, other: Cluster): string | null {
  if (one.account !== other.account) return null;
  const [arn, otherArn] = [creatorArnOf(one.creator), creatorArnOf(other.creator)];
  if (arn === null || otherArn === null) return "perhaps one creator: CloudTrail names it";
  return isSameCreator(arn, otherArn) ? `the creator ${arn}` : null;
}
