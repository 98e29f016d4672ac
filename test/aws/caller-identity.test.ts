import { expect, test, vi } from "vitest";
import { callerIdentity } from "../../src/aws/sts.ts";
import { account, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();

test("a role's session is reported as an assumed role", async () => {
  const { worker } = accountUnderTest();

  const identity = await callerIdentity(worker, region);

  expect(identity).toEqual({
    arn: `arn:aws:sts::${account}:assumed-role/eks-access-worker/worker-pod`,
    account,
  });
});

test("without credentials of our own the SDK's chain finds those of the environment", async () => {
  const user = accountUnderTest().aws.account.addUser({ name: "operator" });
  vi.stubEnv("AWS_ACCESS_KEY_ID", user.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", user.secretAccessKey);

  const identity = await callerIdentity("default", region);

  expect(identity.arn).toBe(user.arn);
});

test("a key that AWS does not know is reported as invalid, without its secret", async () => {
  const stranger = { accessKeyId: "AKIAABCDEFGHIJKLMNOP", secretAccessKey: "wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY0" };

  const failure = callerIdentity(stranger, region);

  await expect(failure).rejects.toMatchObject({ code: "aws-credentials-invalid", retryable: false });
  await expect(failure).rejects.not.toThrow(/wJalr|AKIAABCDEFGHIJKLMNOP/);
});

test.each(["AKIAABCDEFGHIJKLMNOP\n", "AKIAABCDEFGHIJKLMNOP\r"])(
  "a key with the end of a line, %j, is reported as invalid, though nothing is sent",
  async (accessKeyId) => {
    const failure = callerIdentity(
      { accessKeyId, secretAccessKey: "wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY0" },
      region,
    );

    await expect(failure).rejects.toMatchObject({ code: "aws-credentials-invalid", retryable: false });
    await expect(failure).rejects.toThrow(/^Can't send .*Check the worker's AWS credentials and clock\.$/);
    await expect(failure).rejects.not.toThrow(/AKIAABCDEFGHIJKLMNOP|TypeError/);
  },
);

test("a session that is over is reported as expired", async () => {
  const { aws, workerArn } = accountUnderTest();
  const over = aws.account.sessionFor(workerArn, "worker-pod", { seconds: -1 });

  const failure = callerIdentity(over, region);

  await expect(failure).rejects.toMatchObject({ code: "aws-credentials-expired", retryable: true });
});

test("a call that loses its connection is tried again", async () => {
  const { aws, worker } = accountUnderTest();
  aws.faults.plan("sts.GetCallerIdentity", { type: "cut-before" });

  const identity = await callerIdentity(worker, region);

  expect(identity.account).toBe(account);
});

test("an unreachable AWS is reported as such", async () => {
  const { worker } = accountUnderTest();
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");

  const failure = callerIdentity(worker, region).finally(() => vi.stubEnv("AWS_ENDPOINT_URL_STS", undefined));

  await expect(failure).rejects.toMatchObject({
    code: "aws-unreachable",
    retryable: true,
    what: "Can't reach AWS for sts:GetCallerIdentity (ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:9)",
  });
});

test.each([
  ["control characters", `arn:aws:sts::${account}:assumed-role/&#x1b;[2J/x`, account],
  ["tens of kilobytes", `arn:aws:sts::${account}:assumed-role/${"x".repeat(30_000)}/x`, account],
  ["no ARN", "me", account],
  ["no account", `arn:aws:sts::${account}:assumed-role/a/x`, "all"],
])("an identity of %s is none", async (_what, arn, of) => {
  const { aws, worker } = accountUnderTest();
  const result = `<Arn>${arn}</Arn><UserId>A:x</UserId><Account>${of}</Account>`;
  const body = `<GetCallerIdentityResponse><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`;
  aws.faults.plan("sts.GetCallerIdentity", { type: "answer", status: 200, body });

  await expect(callerIdentity(worker, region)).rejects.toMatchObject({ code: "aws-unexpected" });
});
