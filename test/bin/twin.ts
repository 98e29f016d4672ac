import { type SandboxCluster, startSandboxCluster } from "../../sandbox/cluster/cluster.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { arns, clusterName, externalId, initialAwsAuth, region } from "../../sandbox/scene.ts";

/** The account that the worker is in, where that is not the account of the cluster. */
const workerAccount = "999988887777";
const iam = (rest: string) => `arn:aws:iam::${workerAccount}:${rest}`;

const twinArns = {
  worker: iam("role/eks-access-worker"),
  creator: iam("role/twin-creator"),
  cluster: `arn:aws:eks:${region}:${workerAccount}:cluster/${clusterName}`,
} as const;

/** A cluster in the worker's own account, with the name and the region of the one that `eks-access.yml` names. */
export interface Twin {
  readonly arn: string;
  readonly cluster: SandboxCluster;
  /** Everything that could change in it, and its API server's calls. */
  readonly seen: () => string;
  /** The worker's credentials, for its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/**
 * Puts the worker into a second AWS account, in which it may do everything with EKS and a cluster has the name of the one that it
 * looks after. The creator of the first account's cluster trusts it, and does all that deploy/iam gives for this.
 */
export async function startTwin({ aws }: Pick<Sandbox, "aws">): Promise<Twin> {
  const { account: identities } = aws;
  const assumes = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
  const allow = [...assumes, "eks:*", "cloudtrail:LookupEvents"];
  identities.addRole({ name: "eks-access-worker", account: workerAccount, allow });
  identities.addRole({ name: "twin-creator", account: workerAccount });
  identities.setTrust(arns.creator, { principals: [twinArns.worker], externalId });
  identities.setAllowed(arns.creator, ["eks:*", "cloudtrail:LookupEvents"]);
  const own = { name: clusterName, region, creatorArn: twinArns.creator };
  const access = () => aws.accessOf(twinArns.cluster);
  const cluster = await startSandboxCluster({ ...own, stsUrl: aws.url, awsAuth: initialAwsAuth, access });
  aws.addCluster({ ...cluster, ...own, account: workerAccount });
  const keys = identities.sessionFor(twinArns.worker, "eks-access-worker-0", { seconds: 12 * 3600 });
  return {
    arn: twinArns.cluster,
    cluster,
    seen: () => JSON.stringify([aws.cluster(twinArns.cluster), cluster.awsAuth(), cluster.auditLog()]),
    environment: {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken,
    },
    stop: cluster.stop,
  };
}
