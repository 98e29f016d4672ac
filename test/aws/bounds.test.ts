import { afterEach, beforeEach, expect, test } from "vitest";
import { accessEntriesOf } from "../../src/aws/access-entries.ts";
import { EksCluster } from "../../src/aws/eks-cluster.ts";
import { findCreation } from "../../src/aws/find-creation.ts";
import { fleetRegion } from "../../src/aws/fleet-clusters.ts";
import { managedNodes } from "../../src/aws/node-roles.ts";
import { callerIdentity } from "../../src/aws/sts.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { account, partition, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const address = { eksName: "payments", region, account, partition };
let arn: string;
let cancel: () => void;

beforeEach(() => {
  const { aws, creatorArn, workerArn } = accountUnderTest();
  const cluster = {
    name: "payments",
    region,
    creatorArn,
    endpoint: "https://127.0.0.1:1",
    certificateAuthority: "UEVN",
  };
  arn = aws.addCluster({ ...cluster, authenticationMode: "API_AND_CONFIG_MAP" });
  aws.account.setAllowed(creatorArn, ["eks:*"]);
  aws.account.setAllowed(workerArn, ["cloudtrail:LookupEvents"]);
});
afterEach(() => {
  cancel();
  accountUnderTest().aws.removeCluster(arn);
});

/** Has AWS answer this call always with this body. Returns how often it was called since. */
function always(call: string, body: object): () => number {
  const { faults } = accountUnderTest().aws;
  const before = faults.calls(call);
  const answer = { type: "answer" as const, status: 200, body: JSON.stringify(body) };
  cancel = faults.plan(call, answer, { times: 1_000 }).cancel;
  return () => faults.calls(call) - before;
}

function asCreator() {
  const { aws, creatorArn } = accountUnderTest();
  return aws.account.sessionFor(creatorArn, "me");
}

/** The cluster, as its creator reaches it. */
function opened(): Promise<EksCluster> {
  return EksCluster.open(asCreator(), address);
}

test("access entries that never end are refused after a bounded number of pages, and not cut off", async () => {
  const calls = always("eks.ListAccessEntries", { accessEntries: [], nextToken: "more" });
  const entries = accessEntriesOf(await opened());

  await expect(entries.list()).rejects.toMatchObject({
    code: "answer-too-large",
    what: "eks:ListAccessEntries of cluster payments goes on after 50 pages",
  });
  expect(calls()).toBe(50);
});

test.each([
  ["eks.ListClusters", async () => fleetRegion(asCreator(), account, region).names()],
  ["eks.ListNodegroups", async () => managedNodes(await opened())],
  ["eks.ListFargateProfiles", async () => managedNodes(await opened())],
])("an answer to %s without its list does not say that there is none", async (call, list) => {
  always(call, {});

  await expect(list()).rejects.toMatchObject({
    code: "aws-unexpected",
    what: expect.stringContaining("is incomplete"),
  });
});

test("access policies of an entry that never end are refused after a bounded number of pages", async () => {
  const principalArn = `arn:aws:iam::${account}:role/developers`;
  accountUnderTest().aws.updateCluster(arn, {
    accessEntries: [{ principalArn, username: "dev", groups: [], policies: [] }],
  });
  const calls = always("eks.ListAssociatedAccessPolicies", { associatedAccessPolicies: [], nextToken: "more" });
  const entries = accessEntriesOf(await opened());

  await expect(entries.describe(principalArn)).rejects.toMatchObject({ code: "answer-too-large" });
  expect(calls()).toBe(50);
});

test("node groups that never end are refused after a bounded number of pages, and not cut off", async () => {
  const calls = always("eks.ListNodegroups", { nodegroups: [], nextToken: "more" });

  await expect(managedNodes(await opened())).rejects.toMatchObject({ code: "answer-too-large" });
  expect(calls()).toBe(10);
});

test("a history of CloudTrail that never ends is refused after a bounded number of pages", async () => {
  const calls = always("cloudtrail.LookupEvents", { Events: [], NextToken: "more" });
  const cluster = { arn, createdAt: new Date() };

  const finding = findCreation(accountUnderTest().worker, region, cluster, new Date(), async () => {});

  await expect(finding).rejects.toMatchObject({ code: "answer-too-large" });
  expect(calls()).toBe(100);
});

test.each([
  ["DescribeCluster", () => opened()],
  ["ListAccessEntries", async () => accessEntriesOf(await opened()).list()],
  ["DescribeAccessEntry", async () => accessEntriesOf(await opened()).describe(accountUnderTest().workerArn)],
])("an answer to eks:%s without what it is about does not say that there is none", async (call, ask) => {
  always(`eks.${call}`, {});

  await expect(ask()).rejects.toMatchObject({ code: "aws-unexpected", what: expect.stringContaining(`eks:${call} `) });
});

test.each([
  ["DescribeNodegroup", { nodegroups: ["workers"] }, "ListNodegroups", { nodegroup: { amiType: "CUSTOM" } }],
  ["DescribeFargateProfile", { fargateProfileNames: ["pods"] }, "ListFargateProfiles", {}],
])("an answer to eks:%s without a role does not say that no nodes have it", async (call, listed, list, described) => {
  always(`eks.${list}`, listed);
  const ofList = cancel;
  always(`eks.${call}`, described);

  await expect(opened().then(managedNodes)).rejects.toMatchObject({ code: "aws-unexpected" });
  ofList();
});

test("an access entry of another principal than the one that was asked about is no answer", async () => {
  const principalArn = `arn:aws:iam::${account}:role/others`;
  always("eks.DescribeAccessEntry", {
    accessEntry: { principalArn, username: "others", kubernetesGroups: ["others"] },
  });
  const entries = accessEntriesOf(await opened());

  await expect(entries.identityOf(accountUnderTest().workerArn)).rejects.toMatchObject({ code: "aws-unexpected" });
});

test.each([
  { principalArn: 5 },
  { username: 5 },
  { kubernetesGroups: "viewers" },
  { kubernetesGroups: [5] },
  { tags: "x" },
])("an access entry with %j is no answer, and fails by that and not by our code", async (change) => {
  const principalArn = accountUnderTest().workerArn;
  always("eks.DescribeAccessEntry", { accessEntry: { principalArn, username: "w", kubernetesGroups: [], ...change } });
  const entries = accessEntriesOf(await opened());

  await expect(entries.describe(principalArn)).rejects.toMatchObject({ code: "aws-unexpected" });
});

test.each([
  ["another cluster of the place", { arn: `arn:aws:eks:${region}:${account}:cluster/others` }],
  ["no text as its ARN", { arn: 5 }],
])("a fleet takes no tags of %s", async (_what, change) => {
  always("eks.DescribeCluster", { cluster: { status: "ACTIVE", tags: { env: "dev" }, ...change } });

  const looking = fleetRegion(asCreator(), account, region).lookAt("payments");

  await expect(looking).rejects.toMatchObject({ code: "cluster-mismatch" });
});

test.each([[{ env: 5 }], ["x"]])(
  "a fleet takes no tags such as %j, with which no process reads its list",
  async (tags) => {
    always("eks.DescribeCluster", { cluster: { arn, status: "ACTIVE", tags } });

    const looking = fleetRegion(asCreator(), account, region).lookAt("payments");

    await expect(looking).rejects.toMatchObject({ code: "aws-unexpected" });
  },
);

test("a list of access entries with anything but ARNs is no answer", async () => {
  always("eks.ListAccessEntries", { accessEntries: [5] });
  const entries = accessEntriesOf(await opened());

  await expect(entries.list()).rejects.toMatchObject({ code: "aws-unexpected" });
});

test("an access policy without an ARN is no answer: it could be the one of a lease", async () => {
  const principalArn = `arn:aws:iam::${account}:role/developers`;
  accountUnderTest().aws.updateCluster(arn, {
    accessEntries: [{ principalArn, username: "dev", groups: [], policies: [] }],
  });
  always("eks.ListAssociatedAccessPolicies", { associatedAccessPolicies: [{ accessScope: { type: "cluster" } }] });
  const entries = accessEntriesOf(await opened());

  await expect(entries.describe(principalArn)).rejects.toMatchObject({ code: "aws-unexpected" });
});

test("an answer of AWS that is larger than any page is refused", async () => {
  const calls = always("eks.ListAccessEntries", { accessEntries: ["x".repeat(5 * 2 ** 20)] });
  const entries = accessEntriesOf(await opened());

  await expect(entries.list()).rejects.toMatchObject({
    code: "answer-too-large",
    what: expect.stringMatching(/^.+ answers with more than 4194304 bytes$/),
  });
  expect(calls()).toBe(1);
});

test.each([
  ["more values than any page", { accessEntries: [], more: Array.from({ length: 20_001 }, () => 1) }],
  ["values nested deeper than any answer", JSON.parse(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`)],
])("an answer of AWS with %s is refused before it is parsed", async (_what, body: object) => {
  always("eks.ListAccessEntries", body);
  const entries = accessEntriesOf(await opened());

  await expect(entries.list()).rejects.toMatchObject({ code: "answer-too-large" });
});

test("an answer of STS that is larger than any session is refused", async () => {
  const { faults } = accountUnderTest().aws;
  const body = `<GetCallerIdentityResponse>${"<a>".repeat(2 ** 15)}</GetCallerIdentityResponse>`;
  cancel = faults.plan("sts.GetCallerIdentity", { type: "answer", status: 200, body }, { times: 10 }).cancel;

  const asking = callerIdentity(accountUnderTest().worker, region);

  await expect(asking).rejects.toMatchObject({ code: "answer-too-large" });
});

test("an answer of AWS that comes byte by byte fails at the call's one deadline", async () => {
  const eks = await opened();
  cancel = accountUnderTest().aws.faults.plan("eks.DescribeCluster", { type: "drip" }, { times: 10 }).cancel;

  // Only the call's own deadline can end it: that of the work around it is longer than a test.
  const asking = withinDeadline("migration", { ...usualDeadlines, awsCall: 200 }, () => eks.describe());

  await expect(asking).rejects.toMatchObject({ code: "aws-unreachable" });
});
