import { expect, test, vi } from "vitest";
import { mintToken, stsHost } from "../../src/aws/sts.ts";
import { region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const now = new Date("2026-01-02T03:04:05.000Z");

function urlIn(token: string): URL {
  return new URL(Buffer.from(token.replace(/^k8s-aws-v1\./, ""), "base64url").toString("utf8"));
}

test("the token is a presigned GetCallerIdentity, signed for this one cluster", async () => {
  const { worker } = accountUnderTest();

  const token = await mintToken(worker, { eksName: "payments", region }, now);

  expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
  const url = urlIn(token);
  expect(url.origin + url.pathname).toBe("https://sts.eu-central-1.amazonaws.com/");
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    Action: "GetCallerIdentity",
    Version: "2011-06-15",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${worker.accessKeyId}/20260102/eu-central-1/sts/aws4_request`,
    "X-Amz-Date": "20260102T030405Z",
    "X-Amz-Expires": "60",
    "X-Amz-Security-Token": worker.sessionToken,
    "X-Amz-SignedHeaders": "host;x-k8s-aws-id",
  });
});

test("two tokens of one second differ if one is valid for longer", async () => {
  const { worker } = accountUnderTest();
  const mint = (seconds: number) => mintToken(worker, { eksName: "payments", region }, now, seconds);

  expect(new Set([await mint(60), await mint(61), await mint(60)]).size).toBe(2);
});

test("the host is the real one although our own STS calls go elsewhere", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");

  const token = await mintToken(accountUnderTest().worker, { eksName: "payments", region }, now);

  expect(urlIn(token).hostname).toBe("sts.eu-central-1.amazonaws.com");
  vi.stubEnv("AWS_ENDPOINT_URL_STS", undefined);
});

test("STS accepts what was signed, together with the cluster's name", async () => {
  const { aws, worker, workerArn } = accountUnderTest();
  const url = urlIn(await mintToken(worker, { eksName: "payments", region }, new Date()));

  const answer = await askSts(aws.url, url, "payments");

  expect(answer.status).toBe(200);
  expect(answer.body).toContain(workerArn.split("/").at(-1));
});

test("a token for one cluster is refused at another", async () => {
  const { aws, worker } = accountUnderTest();
  const url = urlIn(await mintToken(worker, { eksName: "payments", region }, new Date()));

  const answer = await askSts(aws.url, url, "another");

  expect(answer.status).toBe(403);
  expect(answer.body).toContain("SignatureDoesNotMatch");
});

// Hosts: AWS General Reference, service endpoints of STS.
test.each([
  ["us-east-1", "sts.us-east-1.amazonaws.com"],
  ["us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"],
  ["cn-north-1", "sts.cn-north-1.amazonaws.com.cn"],
  ["us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"],
  ["us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"],
  ["eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"],
  ["us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov"],
  ["eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"],
])("STS of %s is at %s", (name, host) => {
  expect(stsHost(name)).toBe(host);
});

/** As the authenticator of a cluster does it. */
async function askSts(endpoint: string, url: URL, cluster: string): Promise<{ status: number; body: string }> {
  const { request } = await import("node:http");
  return new Promise((resolve, reject) => {
    const headers = { host: url.host, "x-k8s-aws-id": cluster };
    request(`${endpoint}${url.pathname}${url.search}`, { headers }, async (response) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
    })
      .on("error", reject)
      .end();
  });
}
