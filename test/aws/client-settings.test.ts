import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { EKSClient } from "@aws-sdk/client-eks";
import { STSClient } from "@aws-sdk/client-sts";
import { afterEach, expect, test, vi } from "vitest";
import { startSandboxAws } from "../../sandbox/aws/account.ts";
import { clientSettings } from "../../src/aws/client-settings.ts";
import { assumeRole, callerIdentity } from "../../src/aws/sts.ts";
import { describeCluster } from "./aws-account.ts";

const keys = { accessKeyId: "AKIAABCDEFGHIJKLMNOP", secretAccessKey: "secret" };

afterEach(() => vi.unstubAllEnvs());

test.each([
  ["eu-central-1", "amazonaws.com"],
  ["cn-northwest-1", "amazonaws.com.cn"],
  ["us-gov-east-1", "amazonaws.com"],
  ["us-iso-east-1", "c2s.ic.gov"],
  ["eusc-de-east-1", "amazonaws.eu"],
])("a client for %s goes to that region and its partition, whatever the environment says", async (region, suffix) => {
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_DEFAULT_REGION", "us-east-1");
  const settings = clientSettings(keys, region);
  const clients = {
    sts: new STSClient(settings),
    eks: new EKSClient(settings),
    cloudtrail: new CloudTrailClient(settings),
  };

  for (const [service, { config }] of Object.entries(clients)) {
    const { url } = config.endpointProvider({ Region: await config.region(), UseFIPS: false, UseDualStack: false });

    expect(url.hostname).toMatch(new RegExp(`^${service}[.-](?:.*\\.)?${region}\\.${suffix.replaceAll(".", "\\.")}$`));
  }
});

test("in China the whole way is of its partition", async () => {
  const region = "cn-north-1";
  const aws = await startSandboxAws({ account: "111122223333", region });
  vi.stubEnv("AWS_ENDPOINT_URL", aws.url);
  const worker = aws.account.addRole({ name: "worker", allow: ["sts:SetSourceIdentity"] });
  const creator = aws.account.addRole({
    name: "creator",
    allow: ["eks:DescribeCluster"],
    trust: { principals: [worker.arn] },
  });
  aws.addCluster({
    name: "main",
    region,
    creatorArn: creator.arn,
    endpoint: "https://main.cn-north-1.eks.amazonaws.com.cn",
    certificateAuthority: "Q0E=",
  });
  const session = aws.account.sessionFor(worker.arn, "pod");

  const credentials = await assumeRole(session, { roleArn: creator.arn, region, sessionName: "eks-access-r-1" });
  const identity = await callerIdentity(credentials, region);
  const address = { eksName: "main", region, account: "111122223333" };
  const cluster = await describeCluster(credentials, { ...address, partition: "aws-cn" });
  const meant = describeCluster(credentials, { ...address, partition: "aws" });

  expect(identity.arn).toBe("arn:aws-cn:sts::111122223333:assumed-role/creator/eks-access-r-1");
  expect(cluster.arn).toBe("arn:aws-cn:eks:cn-north-1:111122223333:cluster/main");
  await expect(meant).rejects.toMatchObject({ code: "cluster-mismatch" });
  await aws.stop();
});
