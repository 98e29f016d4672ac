import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { assumeRole, callerIdentity } from "../../src/aws/sts.ts";
import { account, region } from "./aws-account.ts";

const creator = { accessKeyId: "ASIACREATOR", secretAccessKey: "secret", sessionToken: "token" };

let sts: Server;
let connections = 0;
/** The access keys that the calls were signed with. */
let keys: string[] = [];
let refused = new Set<string>();

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "eks-access-sts-"));
  connections = 0;
  keys = [];
  refused = new Set();
  sts = createServer((request, response) => {
    const [, key = ""] = /Credential=(\w+)/.exec(request.headers.authorization ?? "") ?? [];
    keys.push(key);
    request.resume();
    response.writeHead(refused.has(key) ? 403 : 200, { "content-type": "text/xml" });
    response.end(refused.has(key) ? refusal : identity);
  });
  sts.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => sts.listen(0, "127.0.0.1", resolve));
  // The client of each region finds its endpoint once: a region of its own for each test.
  vi.stubEnv("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${(sts.address() as AddressInfo).port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAOLD");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  sts.closeAllConnections();
  await new Promise((resolve) => sts.close(resolve));
  rmSync(folder, { recursive: true });
});

/** As the only key that the worker has: in its AWS credentials file. */
function writeKey(key: string): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
  writeFileSync(join(folder, "credentials"), `[default]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`);
}

const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::${account}:user/a</Arn>
  <UserId>AIDA</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const refusal = `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>no</Message></Error>
  </ErrorResponse>`;

test("calls with whatever credentials come over one connection, each with its own", async () => {
  await callerIdentity("default", region);
  await callerIdentity(creator, region);
  await callerIdentity("default", region);

  expect(connections).toBe(1);
  expect(keys).toEqual(["AKIAOLD", "ASIACREATOR", "AKIAOLD"]);
});

test("a kept connection that STS has closed meanwhile costs no failure", async () => {
  await callerIdentity("default", "eu-west-1");
  sts.closeAllConnections();

  const again = await callerIdentity("default", "eu-west-1");

  expect(again.account).toBe(account);
});

test("our own rotated credentials are looked up again, without a failure", async () => {
  writeKey("AKIAOLD");
  await callerIdentity("default", "eu-west-2");
  refused.add("AKIAOLD");
  writeKey("AKIANEW");

  await callerIdentity("default", "eu-west-2");

  expect(keys).toEqual(["AKIAOLD", "AKIAOLD", "AKIANEW"]);
});

test("credentials that AWS refuses as they are now are a failure, after one more look for them", async () => {
  await callerIdentity("default", "eu-north-1");
  refused.add("AKIAOLD");

  const failure = callerIdentity("default", "eu-north-1");

  await expect(failure).rejects.toMatchObject({ code: "aws-credentials-invalid" });
  expect(keys).toEqual(["AKIAOLD", "AKIAOLD", "AKIAOLD"]);
});

test("a failure to assume a role names the role", async () => {
  refused.add("AKIAOLD");

  const failure = assumeRole("default", { roleArn: "arn:aws:iam::1:role/r", region: "eu-west-3", sessionName: "s" });

  await expect(failure).rejects.toMatchObject({
    what: expect.stringContaining("sts:AssumeRole on arn:aws:iam::1:role/r"),
  });
});
