import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessEntriesOf, entryFailure, entryFor } from "../../src/aws/access-entries.ts";
import { EksCluster } from "../../src/aws/eks-cluster.ts";
import { account, partition, region, useAccount } from "./aws-account.ts";

describe("the entry of a principal", () => {
  const accountUnderTest = useAccount();
  const address = { eksName: "payments", region, account, partition };
  const developers = `arn:aws:iam::${account}:role/developers`;
  const entry = (principalArn: string) => ({
    principalArn,
    username: "dev",
    groups: ["readers"],
    policies: ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"],
  });
  let arn: string;

  beforeEach(() => {
    const { aws, creatorArn } = accountUnderTest();
    const cluster = {
      name: "payments",
      region,
      creatorArn,
      endpoint: "https://127.0.0.1:1",
      certificateAuthority: "UEVN",
    };
    arn = aws.addCluster({ ...cluster, authenticationMode: "API_AND_CONFIG_MAP" });
    aws.account.setAllowed(creatorArn, ["eks:*"]);
  });
  afterEach(() => accountUnderTest().aws.removeCluster(arn));

  /** The creator's answer about the role. */
  async function find(...principals: readonly string[]) {
    const { aws, creatorArn } = accountUnderTest();
    aws.updateCluster(arn, { accessEntries: principals.map(entry) });
    const eks = await EksCluster.open(aws.account.sessionFor(creatorArn, "me"), address);
    return (await entryFor(accessEntriesOf(eks), developers)).entry;
  }

  test("an access entry is found, with its policies and where they hold", async () => {
    expect(await find(developers)).toMatchObject({
      principalArn: developers,
      type: "STANDARD",
      username: "dev",
      groups: ["readers"],
      policies: [{ name: "AmazonEKSViewPolicy", namespaces: null }],
    });
  });

  test.each([{ type: "label", namespaces: ["shop"] }, { type: "namespace", namespaces: [] }, {}])(
    "an access policy with the scope %j is read as one of every namespace, and not as of the whole cluster",
    async (accessScope) => {
      const policyArn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
      const body = JSON.stringify({ associatedAccessPolicies: [{ policyArn, accessScope }] });
      const answer = { type: "answer" as const, status: 200, body };
      accountUnderTest().aws.faults.plan("eks.ListAssociatedAccessPolicies", answer);

      expect(await find(developers)).toMatchObject({ policies: [{ name: "AmazonEKSViewPolicy", namespaces: ["**"] }] });
    },
  );

  test("an access entry that names the role with its path is found for the role", async () => {
    const withPath = `arn:aws:iam::${account}:role/team/developers`;

    expect(await find(withPath)).toMatchObject({ principalArn: withPath });
  });

  test("an access entry is found behind hundreds of others", async () => {
    const others = Array.from({ length: 250 }, (_, index) => `arn:aws:iam::${account}:role/other-${index}`);

    expect(await find(...others, developers)).toMatchObject({ principalArn: developers });
  });

  test("a principal without an access entry has none", async () => {
    expect(await find(`arn:aws:iam::${account}:user/developers`)).toBeNull();
  });

  test("a caller without the right learns the name of the refused action", async () => {
    accountUnderTest().aws.account.setAllowed(accountUnderTest().creatorArn, ["eks:DescribeCluster"]);

    await expect(find(developers)).rejects.toMatchObject({ code: "access-entry-denied", retryable: false });
  });
});

describe("a failing call about an entry", () => {
  const address = { eksName: "payments", region: "eu-central-1", account: "111122223333", partition: "aws" };
  const engineer = "arn:aws:iam::111122223333:user/engineer";

  function failureOf(name: string, message: string, status = 400) {
    const error = Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
    return entryFailure(error, "CreateAccessEntry", engineer, address);
  }

  test.each([
    ["ResourceInUseException", "access-entry-conflict", true],
    ["ResourceNotFoundException", "access-entry-conflict", true],
    ["ResourceLimitExceededException", "access-entry-limit", false],
    ["InvalidParameterException", "access-entry-refused", false],
    ["InvalidRequestException", "access-entry-mode", true],
    ["AccessDeniedException", "access-entry-denied", false],
    ["ThrottlingException", "aws-throttled", true],
    ["ServerException", "aws-failing", true],
    ["ServiceUnavailableException", "aws-failing", true],
  ])("%s of an access entry is reported as %s, with a remedy", (name, code, retryable) => {
    const failure = failureOf(name, "AWS's own words.");

    expect(failure).toMatchObject({ code, retryable });
    expect(failure.message).toMatch(
      /^AWS \w+( at)? eks:CreateAccessEntry on arn:\S+ in cluster payments in eu-central-1 of account 111122223333 \(\w+: AWS's own words\)\. [A-Z].+\.$/,
    );
  });

  test.each([
    ["ListAccessEntries", null],
    ["ListAssociatedAccessPolicies", engineer],
    ["DescribeAccessEntry", engineer],
  ])("eks:%s that EKS refuses, as a page that it no longer has, is read again and fails no lease", (action, about) => {
    const error = Object.assign(new Error("The nextToken is not valid"), { name: "InvalidParameterException" });

    const failure = entryFailure(error, action, about, address);

    expect(failure).toMatchObject({
      ...{ code: "aws-unexpected", isFinal: false },
      what: expect.stringContaining("nextToken"),
    });
  });

  test("a cluster that is not there is no access entry that is not there", () => {
    const failure = failureOf("ResourceNotFoundException", "No cluster found for name: payments.", 404);

    expect(failure).toMatchObject({ code: "cluster-not-found", retryable: false });
  });
});
