import { afterAll, beforeAll, vi } from "vitest";
import type { AwsCredentials } from "../../src/aws/client-settings.ts";
import { type ClusterDescription, EksCluster } from "../../src/aws/eks-cluster.ts";
import { anAccount } from "../sandbox/aws/clients.ts";

export const region = "eu-central-1";
export const account = "111122223333";
export const partition = "aws";

/** EKS's description of a cluster. */
export async function describeCluster(...asked: Parameters<typeof EksCluster.open>): Promise<ClusterDescription> {
  return (await EksCluster.open(...asked)).description;
}

/** An AWS account for the tests of one file: a worker that may assume the cluster's creator, as the README sets it up. */
export interface AccountUnderTest {
  readonly aws: Awaited<ReturnType<typeof anAccount>>;
  readonly worker: AwsCredentials;
  readonly workerArn: string;
  readonly creatorArn: string;
}

/** Starts an account before the file's tests; the SDK finds it by its own endpoint settings. */
export function useAccount(): () => AccountUnderTest {
  let started: AccountUnderTest | undefined;
  beforeAll(async () => {
    const aws = await anAccount({ account, region });
    vi.stubEnv("AWS_ENDPOINT_URL", aws.url);
    const { arn: workerArn } = aws.account.addRole({ name: "eks-access-worker", allow: ["sts:*", "eks:*"] });
    const { arn: creatorArn } = aws.account.addRole({
      name: "cluster-creator",
      allow: ["eks:DescribeCluster"],
      trust: { principals: [workerArn], externalId: "eks-access-7f3d", requireSourceIdentity: true },
    });
    started = { aws, workerArn, creatorArn, worker: aws.account.sessionFor(workerArn, "worker-pod") };
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await started?.aws.stop();
  });
  return () => {
    if (!started) throw new Error("the account is there only while the tests run");
    return started;
  };
}
