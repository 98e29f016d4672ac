import { expect, test } from "vitest";
import { type AssumeOptions, assumeRole, callerIdentity } from "../../src/aws/sts.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { account, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();

function optionsFor(change: Partial<AssumeOptions> = {}): AssumeOptions {
  return {
    roleArn: accountUnderTest().creatorArn,
    region,
    externalId: "eks-access-7f3d",
    sessionName: "eks-access-r1-U123",
    sourceIdentity: "eks-access-r1-U123",
    ...change,
  };
}

test("the session is the creator's, named after the request, for 15 minutes", async () => {
  const { worker } = accountUnderTest();

  const credentials = await assumeRole(worker, optionsFor());

  const { arn } = await callerIdentity(credentials, region);
  expect(arn).toBe(`arn:aws:sts::${account}:assumed-role/cluster-creator/eks-access-r1-U123`);
  const minutes = ((credentials.expiration?.getTime() ?? 0) - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(14);
  expect(minutes).toBeLessThanOrEqual(15);
});

test("source identity and tags arrive where CloudTrail reads them", async () => {
  const { worker, aws } = accountUnderTest();

  const credentials = await assumeRole(worker, optionsFor({ tags: { request: "r1", requester: "U123" } }));

  const session = aws.account.caller(credentials.accessKeyId)?.session;
  expect(session?.sourceIdentity).toBe("eks-access-r1-U123");
  expect(Object.fromEntries(session?.tags ?? [])).toEqual({ request: "r1", requester: "U123" });
});

test("no tags at all need no right to tag", async () => {
  const { worker, aws, workerArn } = accountUnderTest();
  const { arn } = aws.account.addRole({ name: "untagged", trust: { principals: [workerArn], allowTags: false } });

  const credentials = await assumeRole(worker, optionsFor({ roleArn: arn, externalId: undefined, tags: {} }));

  expect(credentials.sessionToken).toBeTruthy();
});

test("a wrong external id is refused with the action, the role and what to check", async () => {
  const { worker, creatorArn } = accountUnderTest();

  const failure = assumeRole(worker, optionsFor({ externalId: "somebody-else" }));

  await expect(failure).rejects.toMatchObject({ code: "aws-access-denied", retryable: false });
  await expect(failure).rejects.toThrow(`AWS refused sts:AssumeRole on ${creatorArn} (AccessDenied: `);
  await expect(failure).rejects.toThrow("external id");
});

test("a session name that STS does not take is the configuration's fault, not AWS's", async () => {
  const { worker } = accountUnderTest();

  const failure = assumeRole(worker, optionsFor({ sessionName: "no spaces here" }));

  await expect(failure).rejects.toMatchObject({ code: "aws-request-refused", retryable: false });
});

test("throttling is reported as worth another try", async () => {
  const { worker, aws } = accountUnderTest();
  const body =
    "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
  const headers = { "content-type": "text/xml" };
  aws.faults.plan("sts.AssumeRole", { type: "answer", status: 400, headers, body }, { times: 3 });

  const failure = assumeRole(worker, optionsFor());

  await expect(failure).rejects.toMatchObject({ code: "aws-throttled", retryable: true });
});

test("a deadline that passes while the SDK waits because AWS throttles says so, and not that AWS is out of reach", async () => {
  const { worker, aws } = accountUnderTest();
  const body = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
  const headers = { "content-type": "text/xml", "retry-after": "1" };
  aws.faults.plan("sts.AssumeRole", { type: "answer", status: 400, headers, body }, { times: 3 });

  const late = withinDeadline("run", { ...usualDeadlines, run: 500 }, () => assumeRole(worker, optionsFor()));

  await expect(late).rejects.toMatchObject({ code: "aws-throttled" });
  await expect(late).rejects.toThrow("the total deadline of 0.5 s (run) has passed");
});

test("a region that the account has not enabled is named", async () => {
  const { worker, aws } = accountUnderTest();
  aws.account.disabledRegions.add("ap-east-1");

  const failure = assumeRole(worker, optionsFor({ region: "ap-east-1" }));

  await expect(failure).rejects.toMatchObject({ code: "aws-region-disabled" });
});

test.each([
  [
    "with STS's own words",
    "<ErrorResponse><Error><Code>InternalFailure</Code><Message>oops</Message></Error></ErrorResponse>",
  ],
  ["without a word", ""],
  ["from what stands before STS", "<html><body>502 Bad Gateway</body></html>"],
])("a fault of STS's own is reported as one, %s", async (_, body) => {
  const { aws, worker, creatorArn } = accountUnderTest();
  const headers = { "content-type": body.startsWith("<html") ? "text/html" : "text/xml" };
  aws.faults.plan("sts.AssumeRole", { type: "answer", status: 500, headers, body }, { times: 3 });

  const failure = assumeRole(worker, { roleArn: creatorArn, region, sessionName: "eks-access" });

  await expect(failure).rejects.toMatchObject({ code: "aws-failing", retryable: true });
  await expect(failure).rejects.toThrow(/^AWS failed at sts:AssumeRole on .*.*If this lasts, see health/);
  await expect(failure).rejects.not.toThrow(/Unknown/);
});

const keys =
  "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken></Credentials>";

test("a session comes with the identity that AWS names when it is asked", async () => {
  const session = await assumeRole(accountUnderTest().worker, optionsFor());

  expect(session.identity).toEqual(await callerIdentity(session, region));
});

test.each([
  ["without an identity", ""],
  [
    "of an ARN with control characters",
    `<AssumedRoleUser><Arn>arn:aws:sts::${account}:assumed-role/&#x1b;[2J/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>`,
  ],
])("a session %s is none", async (_what, user) => {
  const { aws, worker } = accountUnderTest();
  const body = `<AssumeRoleResponse><AssumeRoleResult>${keys}${user}</AssumeRoleResult></AssumeRoleResponse>`;
  aws.faults.plan("sts.AssumeRole", { type: "answer", status: 200, headers: { "content-type": "text/xml" }, body });

  await expect(assumeRole(worker, optionsFor())).rejects.toMatchObject({
    code: "aws-unexpected",
    what: expect.stringMatching(/^AWS's answer to sts:AssumeRole on .* is incomplete$/),
  });
});
