import { expect, test, vi } from "vitest";
import { assumeRole, callerIdentity } from "../../src/aws/sts.ts";
import { requestIds } from "../../src/operations/announcements.ts";
import { account, describeCluster, partition, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const id = expect.stringMatching(/^[0-9a-f-]{36}$/);

test("each call's request id is logged under its action, in order, and is the one in CloudTrail", async () => {
  const { worker, creatorArn, aws } = accountUnderTest();
  const log = requestIds();
  const role = {
    roleArn: creatorArn,
    region,
    externalId: "eks-access-7f3d",
    sessionName: "run",
    sourceIdentity: "U123",
  };
  const place = { region, endpoint: "https://eks", certificateAuthority: "Q0E=", createdAt: new Date() };
  aws.addCluster({ ...place, name: "payments", creatorArn });

  await callerIdentity(worker, region, log);
  await assumeRole(worker, role, log);
  const creator = await assumeRole(worker, role, log);
  await describeCluster(creator, { eksName: "payments", region, account, partition }, log);

  const asked = log.byCall();
  expect(asked).toEqual({
    "sts:GetCallerIdentity": [id],
    "sts:AssumeRole": [id, id],
    "eks:DescribeCluster": [id],
  });
  const recorded = aws.cloudTrail.events.filter(({ name }) => name === "AssumeRole");
  expect(asked["sts:AssumeRole"]).toEqual(recorded.map(({ record }) => record.requestID));
});

test("a call that AWS refuses is logged as well, and fails as it did", async () => {
  const { worker, creatorArn, aws } = accountUnderTest();
  const log = requestIds();
  const role = { roleArn: creatorArn, region, externalId: "wrong", sessionName: "run", sourceIdentity: "U123" };
  const absent = { eksName: "absent", region, account, partition };

  await expect(assumeRole(worker, role, log)).rejects.toMatchObject({ code: "aws-access-denied" });
  await expect(describeCluster(worker, absent, log)).rejects.toMatchObject({ code: "cluster-not-found" });

  const refused = aws.cloudTrail.events.find(({ record }) => record.errorCode === "AccessDenied");
  expect(log.byCall()).toEqual({ "sts:AssumeRole": [refused?.record.requestID], "eks:DescribeCluster": [id] });
});

test("a call without an answer has no request id", async () => {
  const log = requestIds();
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");

  const call = callerIdentity(accountUnderTest().worker, region, log);

  await expect(call.finally(() => vi.stubEnv("AWS_ENDPOINT_URL_STS", undefined))).rejects.toThrow("ECONNREFUSED");
  expect(log.byCall()).toEqual({});
});
