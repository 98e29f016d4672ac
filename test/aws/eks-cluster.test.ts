import { expect, test } from "vitest";
import { account, describeCluster, partition, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const createdAt = new Date("2026-01-02T03:04:05.000Z");

function addCluster(
  name: string,
  change: { endpoint?: string; authenticationMode?: "API" | "CONFIG_MAP" } = {},
): string {
  const { aws, creatorArn } = accountUnderTest();
  const endpoint = "https://ABCDEF.gr7.eu-central-1.eks.amazonaws.com";
  return aws.addCluster({ name, region, creatorArn, endpoint, certificateAuthority: "Q0E=", createdAt, ...change });
}

test("a cluster of a mode that is newer than this program asks for an update, and blames no outage of AWS", async () => {
  const arn = addCluster("newer");
  const cluster = { ...{ name: "newer", arn, endpoint: "https://127.0.0.1:1", status: "ACTIVE" } };
  const of = { certificateAuthority: { data: "Q0E=" }, accessConfig: { authenticationMode: "API_AND_MORE" } };
  const body = JSON.stringify({ cluster: { ...cluster, ...of } });
  accountUnderTest().aws.faults.plan("eks.DescribeCluster", { type: "answer", status: 200, body });

  const asked = describeCluster(accountUnderTest().worker, { eksName: "newer", region, account, partition });

  await expect(asked).rejects.toMatchObject({
    what: expect.stringContaining("says that cluster newer in eu-central-1 of account 111122223333 is API_AND_MORE"),
    remedy: "See Upgrade in docs/operating.md.",
  });
});

test("a cluster has its endpoint, its authority and its authentication mode", async () => {
  const arn = addCluster("payments", { authenticationMode: "API" });

  const cluster = await describeCluster(accountUnderTest().worker, { eksName: "payments", region, account, partition });

  expect(cluster).toMatchObject({
    name: "payments",
    arn,
    endpoint: "https://ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
    certificateAuthority: "Q0E=",
    status: "ACTIVE",
    authenticationMode: "API",
    createdAt,
    version: expect.stringMatching(/^1\.\d+$/),
  });
});

test("a name that EKS does not know is reported with region and account", async () => {
  const failure = describeCluster(accountUnderTest().worker, { eksName: "absent", region, account, partition });

  await expect(failure).rejects.toMatchObject({
    code: "cluster-not-found",
    what: `EKS knows no cluster absent in ${region} of account ${account}`,
  });
});

test("a cluster of the same name in another account is not the one meant", async () => {
  addCluster("twin");

  const failure = describeCluster(accountUnderTest().worker, {
    eksName: "twin",
    region,
    account: "999988887777",
    partition,
  });

  await expect(failure).rejects.toMatchObject({ code: "cluster-mismatch", retryable: false });
});

test("a cluster of another partition, however like it is, is not the one meant", async () => {
  addCluster("elsewhere");

  const failure = describeCluster(accountUnderTest().worker, {
    eksName: "elsewhere",
    region,
    account,
    partition: "aws-cn",
  });

  await expect(failure).rejects.toMatchObject({ code: "cluster-mismatch" });
});

test.each([
  ["CREATING", "Wait until EKS reports ACTIVE."],
  ["DELETING", "Once gone, run eks-access retire."],
  ["FAILED", "Recreate it."],
] as const)("a cluster that is %s is not touched: %s", async (status, remedy) => {
  accountUnderTest().aws.updateCluster(addCluster(`cluster-${status}`), { status });

  const failure = describeCluster(accountUnderTest().worker, {
    eksName: `cluster-${status}`,
    region,
    account,
    partition,
  });

  await expect(failure).rejects.toMatchObject({ code: "cluster-not-active", retryable: true, remedy });
});

test("a cluster that is being updated keeps serving", async () => {
  accountUnderTest().aws.updateCluster(addCluster("updating"), { status: "UPDATING" });

  const cluster = await describeCluster(accountUnderTest().worker, { eksName: "updating", region, account, partition });

  expect(cluster.status).toBe("UPDATING");
});

test("a token is never sent to an endpoint without TLS", async () => {
  addCluster("plain", { endpoint: "http://127.0.0.1:8080" });

  const failure = describeCluster(accountUnderTest().worker, { eksName: "plain", region, account, partition });

  await expect(failure).rejects.toMatchObject({ code: "cluster-mismatch" });
});

test("a worker without the right to look learns which right it lacks", async () => {
  const { aws } = accountUnderTest();
  addCluster("forbidden");
  const { arn } = aws.account.addRole({ name: "nobody" });
  const nobody = aws.account.sessionFor(arn, "s");

  const failure = describeCluster(nobody, { eksName: "forbidden", region, account, partition });

  await expect(failure).rejects.toMatchObject({ code: "aws-access-denied" });
  await expect(failure).rejects.toThrow("eks:DescribeCluster");
});

test.each<[what: string, change: object, code: string]>([
  ["an endpoint that is no address", { endpoint: "https://" }, "cluster-mismatch"],
  ["an endpoint with a line break", { endpoint: "https://a\r\nx: y" }, "cluster-mismatch"],
  [
    "an endpoint with another host behind a name",
    { endpoint: "https://eks.amazonaws.com@127.0.0.1" },
    "cluster-mismatch",
  ],
  ["an endpoint that is a number", { endpoint: 7 }, "aws-unexpected"],
  ["an ARN that is an object", { arn: { a: 1 } }, "aws-unexpected"],
  ["a status that is an object", { status: { a: 1 } }, "aws-unexpected"],
  ["a version that is an object", { version: { a: 1 } }, "aws-unexpected"],
  ["a tag that is an object", { tags: { a: {} } }, "aws-unexpected"],
  ["no ARN", { arn: null }, "cluster-mismatch"],
  [
    "what EKS does not know while it creates it",
    { status: "CREATING", certificateAuthority: null },
    "cluster-not-active",
  ],
  ["an authority that is a number", { certificateAuthority: { data: 5 } }, "aws-unexpected"],
  ["an authority that is missing", { certificateAuthority: {} }, "aws-unexpected"],
  ["no endpoint", { endpoint: null }, "aws-unexpected"],
  ["no status", { status: null }, "aws-unexpected"],
  ["a mode that no one knows", { accessConfig: { authenticationMode: "MORE" } }, "aws-unexpected"],
  ["a status of a megabyte", { status: "\u001b[2JX".repeat(100_000) }, "cluster-not-active"],
  ["an ARN of a megabyte", { arn: "\u202ex".repeat(100_000) }, "cluster-mismatch"],
])("a description with %s is refused in some words", async (_what, change, code) => {
  const { faults } = accountUnderTest().aws;
  const arn = addCluster("hostile");
  const honest = {
    name: "hostile",
    arn,
    endpoint: "https://127.0.0.1:1",
    status: "ACTIVE",
    certificateAuthority: { data: "Q0E=" },
  };
  const body = JSON.stringify({ cluster: { ...honest, ...change } });
  const { cancel } = faults.plan("eks.DescribeCluster", { type: "answer", status: 200, body });

  const failure = await describeCluster(accountUnderTest().worker, {
    eksName: "hostile",
    region,
    account,
    partition,
  }).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

  cancel();
  expect(failure).toMatchObject({ code, message: expect.stringMatching(/^[^\p{Cc}\p{Cf}]{1,600}$/u) });
});
