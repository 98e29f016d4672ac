import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findCreation } from "../../src/aws/find-creation.ts";
import { assumeRole, callerIdentity, credentialsOfProfile } from "../../src/aws/sts.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { account, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
let folder: string;
let profiles: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eks-access-own-"));
  profiles = join(folder, "credentials");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", profiles);
  vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeProfile(name: string, keys: { accessKeyId: string; secretAccessKey: string }): void {
  const { accessKeyId, secretAccessKey } = keys;
  writeFileSync(
    profiles,
    `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
}

function forgetKeys(): void {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]) {
    vi.stubEnv(name, undefined);
  }
}

/** Runs with short deadlines of its calls. */
const soon = <T>(act: () => Promise<T>) =>
  withinDeadline("run", { ...usualDeadlines, awsCall: 100, run: 600_000 }, act);

test("with IRSA all of a run's calls take one call for the worker's own identity", async () => {
  const { aws, workerArn, creatorArn } = accountUnderTest();
  const subject = "system:serviceaccount:eks-access:worker";
  const token = join(folder, "token");
  writeFileSync(token, aws.webIdentities.project({ roleArn: workerArn, subject }, new Date(Date.now() + 3_600_000)));
  forgetKeys();
  vi.stubEnv("AWS_ROLE_ARN", workerArn);
  vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", token);
  aws.account.setAllowed(workerArn, ["sts:*", "cloudtrail:LookupEvents"]);
  const cluster = { arn: `arn:aws:eks:${region}:${account}:cluster/absent`, createdAt: null };

  const { arn } = await callerIdentity("default", region);
  const sourceIdentity = "U0ENGINEER";
  const externalId = "eks-access-7f3d";
  await assumeRole("default", { roleArn: creatorArn, region, externalId, sessionName: "run", sourceIdentity });
  await findCreation("default", region, cluster, new Date(), async () => {});

  vi.stubEnv("AWS_ROLE_ARN", undefined);
  vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", undefined);
  expect(arn).toContain(":assumed-role/eks-access-worker/");
  expect(aws.faults.calls("sts.AssumeRoleWithWebIdentity")).toBe(1);
  expect(aws.faults.calls("sts.AssumeRole")).toBe(1);
});

test("an agent of the node that does not answer keeps no call waiting, and none after it answers again", async () => {
  const { aws, workerArn } = accountUnderTest();
  const answers: ((response: ServerResponse) => void)[] = [];
  const agent = createServer((_, response) => void answers.shift()?.(response));
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  forgetKeys();
  vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `http://127.0.0.1:${(agent.address() as AddressInfo).port}/`);
  const { accessKeyId, secretAccessKey, sessionToken } = aws.account.sessionFor(workerArn, "pod");
  const session = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken };
  const whoAmI = () => soon(() => callerIdentity("default", "eu-north-1"));

  answers.push(() => {});
  const silent = await whoAmI().catch((error: unknown) => error);
  answers.push((response) => {
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    response.setHeader("content-type", "application/json").end(JSON.stringify({ ...session, Expiration }));
  });
  const after = await whoAmI();

  vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", undefined);
  agent.closeAllConnections();
  agent.close();
  expect(silent).toMatchObject({
    code: "aws-unreachable",
    message: "No AWS identity came in time. Check its source, such as the EKS Pod Identity agent.",
  });
  expect(after.arn).toContain(":assumed-role/eks-access-worker/");
});

test("after the deadline of its run nothing is said about the identity: calls before this one took the time", async () => {
  const deadlines = { ...usualDeadlines, run: 1 };
  const late = withinDeadline("run", deadlines, async () => {
    await pause(5);
    return callerIdentity("default", "eu-south-1");
  });

  await expect(late).rejects.toMatchObject({
    code: "aws-unreachable",
    what: "Can't reach AWS for sts:GetCallerIdentity (TimeoutError: the total deadline of 0.001 s (run) has passed)",
  });
});

test("a broken answer of the node's agent is a missing identity, and no part of a key in it reaches the failure", async () => {
  const secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
  const answer = `{"AccessKeyId":"ASIAABCDEFGHIJKLMNOP","SecretAccessKey": ${secret}}`;
  const agent = createServer((_, response) => void response.setHeader("content-type", "application/json").end(answer));
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  forgetKeys();
  vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `http://127.0.0.1:${(agent.address() as AddressInfo).port}/`);

  const failure = await callerIdentity("default", "eu-west-1").catch((error: unknown) => error);

  vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", undefined);
  agent.closeAllConnections();
  agent.close();
  expect(failure).toMatchObject({
    code: "aws-credentials-missing",
    what: "The worker has no AWS credentials for sts:GetCallerIdentity (CredentialsProviderError: what gives them answers with no JSON)",
  });
  const { message, cause } = failure as Error;
  expect(`${message} ${String(cause)}`).not.toContain(secret.slice(0, 5));
});

test("a token of IRSA that the process can't read is named, and one that AWS refuses is the worker's own", async () => {
  const { workerArn } = accountUnderTest();
  const token = join(folder, "token");
  forgetKeys();
  vi.stubEnv("AWS_ROLE_ARN", workerArn);
  vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", token);
  const failed = () => callerIdentity("default", "eu-west-2").catch((error: unknown) => error);

  const absent = await failed();
  writeFileSync(token, "cut off");
  const refused = await failed();

  vi.stubEnv("AWS_ROLE_ARN", undefined);
  vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", undefined);
  expect(absent).toMatchObject({
    code: "aws-credentials-missing",
    what: `The worker has no AWS credentials for sts:GetCallerIdentity (CredentialsProviderError: ENOENT: no such file or directory, open '${token}')`,
  });
  expect(refused).toMatchObject({ code: "aws-credentials-invalid" });
});

test("a named profile gives its user's keys, and new ones as soon as they are rotated", async () => {
  const { aws } = accountUnderTest();
  const founder = aws.account.addUser({ name: "founder" });
  writeProfile("founder", founder);
  const before = await credentialsOfProfile("founder", region);
  const rotated = aws.account.addAccessKey(founder.arn);
  writeProfile("founder", rotated);

  const after = await credentialsOfProfile("founder", region);

  expect(before.accessKeyId).toBe(founder.accessKeyId);
  expect(after.accessKeyId).toBe(rotated.accessKeyId);
  expect((await callerIdentity(after, region)).arn).toBe(founder.arn);
});

test("a profile whose program does not end keeps no call waiting", async () => {
  writeFileSync(join(folder, "config"), "[profile founder]\ncredential_process = sleep 3\n");

  const failure = soon(() => credentialsOfProfile("founder", region));

  await expect(failure).rejects.toMatchObject({ code: "aws-unreachable" });
});

test("a profile whose program fails shows neither its arguments nor its output", async () => {
  const failing = "credential_process = sh -c 'echo canary-of-stderr >&2; exit 3' --key=canary-of-command";
  writeFileSync(join(folder, "config"), `[profile founder]\n${failing}\n`);

  const failure: unknown = await credentialsOfProfile("founder", region).catch((error: unknown) => error);

  const { message, cause } = failure as Error;
  expect(`${message} ${String(cause)}`).not.toContain("canary");
  expect(String(cause)).toContain("the program that gives them failed");
});

test("a profile that is not there is named, with where to put it", async () => {
  writeProfile("somebody-else", { accessKeyId: "AKIAABCDEFGHIJKLMNOP", secretAccessKey: "canary-of-the-file" });

  const failure = credentialsOfProfile("founder", region);

  await expect(failure).rejects.toMatchObject({
    code: "aws-credentials-missing",
    message:
      "The worker has no AWS credentials in its profile founder. Put them into [founder] of AWS_SHARED_CREDENTIALS_FILE.",
  });
  await expect(failure).rejects.not.toThrow("canary");
});
