import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { explainFailure } from "../../src/access/access-error.ts";
import { connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { compiledModule } from "../product.ts";
import { aStatus, type CannedAnswer, type ScriptedServer, startScriptedServer, token } from "./api-server.ts";

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.stop());

/** The failure of a read that is answered so. */
async function failureOf(answer: CannedAnswer | "never", options: { timeoutMs?: number } = {}) {
  server.answer = () => answer;
  const client = server.connect(options);
  return client
    .readAwsAuth()
    .then(
      () => expect.unreachable("the call should have failed"),
      (error: unknown) => error,
    )
    .finally(() => client.close());
}

const denied = 'admission webhook "aws-auth.example.com" denied the request: mapRoles is not YAML';

test.each([
  [401, "Unauthorized", "Unauthorized", "cluster-unauthorized"],
  [403, "Forbidden", 'configmaps "aws-auth" is forbidden', "cluster-forbidden"],
  [403, "Forbidden", denied, "cluster-refused-write"],
  [400, "BadRequest", denied, "cluster-refused-write"],
  [409, "Conflict", "the object has been modified", "cluster-conflict"],
  [422, "Invalid", "field is immutable when `immutable` is set", "cluster-refused-write"],
  [413, "RequestEntityTooLarge", "limit is 3145728", "cluster-refused-write"],
  [500, "InternalError", 'failed calling webhook "w": failed to call admission webhook', "cluster-unexpected"],
  [503, "ServiceUnavailable", "apiserver is shutting down", "cluster-unexpected"],
])("%i %s (%s) is reported as %s", async (status, reason, message, code) => {
  const failure = await failureOf({ status, body: aStatus(status, reason, message) });

  expect(failure).toMatchObject({ code });
});

test.each<[string, object, object]>([
  [
    "a policy that denies",
    aStatus(401, "Unauthorized", denied),
    { code: "cluster-refused-write", what: expect.stringContaining(denied) },
  ],
  ["a proxy that answers", { message: "Unauthorized" }, { code: "cluster-unreachable" }],
])("%s with 401 is no doubt about who asks", async (_, body, expected) => {
  const { endpoint, certificateAuthority } = server;
  const as = {
    arn: "arn:aws:iam::111122223333:role/creator",
    lastAcceptedAt: async () => new Date(),
    noteAccepted: async () => {},
  };
  const client = connectCluster({ name: "payments", endpoint, certificateAuthority, token, as });
  server.answer = () => ({ status: 401, body });

  const failure = client.createAwsAuth({ data: {}, annotations: {} }).finally(() => client.close());

  await expect(failure).rejects.toMatchObject(expected);
});

test.each([
  [denied, "Let that webhook or policy allow this."],
  [
    'ConfigMap "aws-auth" is invalid: data[mapUsers]: duplicate of key present in binaryData',
    "Fix that, then ask again.",
  ],
])("a write that is refused with %s names who can change that", async (message, remedy) => {
  const failure = await failureOf({ status: 422, body: aStatus(422, "Invalid", message) });

  expect(failure).toMatchObject({ code: "cluster-refused-write", remedy });
});

test.each([
  ["exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=9", "Raise that quota."],
  ["status unknown for quota: few, resources: count/configmaps", "Try again."],
])("a quota (%s) is no right that the worker lacks", async (why, remedy) => {
  const body = aStatus(403, "Forbidden", `configmaps "aws-auth" is forbidden: ${why}`);

  expect(await failureOf({ status: 403, body })).toMatchObject({ code: "cluster-forbidden", remedy });
});

test("the sentence names the call, the cluster and the API server's own words", async () => {
  const failure = await failureOf({ status: 403, body: aStatus(403, "Forbidden", 'User "x" cannot get configmaps.') });

  expect(failure).toMatchObject({
    what: 'The API server answered 403 to GET configmap aws-auth of cluster payments: User "x" cannot get configmaps',
  });
});

const refused = (what: string) => aStatus(403, "Forbidden", `User "eks-access" cannot get ${what}`);

const maybeUnready = { code: "cluster-unexpected", remedy: expect.stringContaining("If this lasts, check ") };
const forbidden = { code: "cluster-forbidden" };

test.each<[string, CannedAnswer, object]>([
  ["has no roles yet", { status: 403, body: refused('path "/readyz"') }, maybeUnready],
  ["waits for others of its parts", { status: 500, body: "[-]informer-sync failed" }, maybeUnready],
  ["is ready", { status: 200, body: "ok" }, forbidden],
  ["does not know whether it is ready", { status: 404, body: aStatus(404, "NotFound", "") }, forbidden],
])("a refusal by an API server that %s", async (_, readiness, expected) => {
  server.answer = ({ path }) => (path === "/readyz" ? readiness : { status: 403, body: refused("configmaps") });
  const client = server.connect();

  const failure = client.readAwsAuth().finally(() => client.close());

  await expect(failure).rejects.toMatchObject({ ...expected, what: expect.stringContaining("cannot get configmaps") });
});

test("its words reach a terminal on one line and without control characters", async () => {
  const failure = await failureOf({ status: 403, body: aStatus(403, "Forbidden", "no\u001b[2J\u202e\r\nway\u0007!") });

  expect(failure).toMatchObject({
    what: "The API server answered 403 to GET configmap aws-auth of cluster payments: no [2J way !",
  });
});

test("a busy API server says how long to wait", async () => {
  const headers = { "retry-after": "7" };
  const failure = await failureOf({ status: 429, headers, body: aStatus(429, "TooManyRequests", "slow down") });

  expect(failure).toMatchObject({ code: "cluster-throttled", retryAfterMs: 7_000, retryable: true });
});

test("a call that a busy API server wants a second later is sent again, and the server's own refusal is the answer at the end of the run", async () => {
  const busy = {
    status: 429,
    headers: { "retry-after": "1", "content-type": "text/plain" },
    body: "Too many requests",
  };
  server.received.length = 0;
  server.answer = () => (server.received.length < 2 ? busy : { status: 404, body: aStatus(404, "NotFound", "none") });
  const client = server.connect();
  const found = await client.readAwsAuth();
  server.answer = () => busy;
  const late = withinDeadline("run", { ...usualDeadlines, run: 200 }, () => client.readAwsAuth());

  await expect(late).rejects.toMatchObject({ code: "cluster-throttled", retryAfterMs: 1_000 });
  expect(found).toBeNull();
  expect(server.received).toHaveLength(3);
  client.close();
});

test("of many calls that meet an API server with room for one, each is answered", async () => {
  let running = 0;
  server.answer = async () => {
    if (running > 0) return { status: 429, headers: { "retry-after": "1" }, body: "Too many requests" };
    running += 1;
    await pause(50);
    running -= 1;
    return { status: 404, body: aStatus(404, "NotFound", "none") };
  };
  const client = server.connect();

  const found = await Promise.allSettled(Array.from({ length: 20 }, () => client.readAwsAuth()));

  expect(found).toEqual(Array.from({ length: 20 }, () => ({ status: "fulfilled", value: null })));
  client.close();
});

test.each([200, 401, 403, 404, 502])("a page of a proxy with %i says nothing about the cluster", async (status) => {
  const body = `<html>login; you sent Authorization: Bearer ${token}</html>`;
  const failure = await failureOf({ status, headers: { "content-type": "text/html; charset=utf-8" }, body });

  expect(failure).toMatchObject({ code: "cluster-unreachable", remedy: expect.stringContaining("proxy") });
  expect(`${failure} ${String((failure as Error).cause)}`).not.toContain(token);
});

test.each([400, 401, 403, 413, 415, 422])(
  "%i without the API server's own Status is a proxy's: it refuses no request, and blames no right of ours",
  async (status) => {
    const headers = { "content-type": "text/plain" };
    const failures = [
      await failureOf({ status, body: { message: "Forbidden" } }),
      await failureOf({ status, headers, body: "no" }),
      await failureOf({ status, headers: {}, body: "" }),
    ];

    const isForeign = { code: "cluster-unreachable", remedy: "Check for a proxy or login page." };
    expect(failures).toMatchObject([isForeign, isForeign, isForeign]);
  },
);

test("a server that does not know the resource does not say that the object is absent", async () => {
  const message = "the server could not find the requested resource";
  const failure = await failureOf({ status: 404, body: aStatus(404, "NotFound", message) });

  expect(failure).toMatchObject({ code: "cluster-unexpected", what: expect.stringContaining(message) });
});

test("half an answer is not read as a document", async () => {
  const failure = await failureOf({ status: 200, body: '{"kind":"ConfigMap","met' });

  expect(failure).toMatchObject({ code: "cluster-unexpected" });
});

test("an object without resourceVersion is refused", async () => {
  const failure = await failureOf({ status: 200, body: { kind: "ConfigMap", apiVersion: "v1", metadata: {} } });

  expect(failure).toMatchObject({
    code: "cluster-unexpected",
    what: "The answer to GET aws-auth of payments is not readable",
  });
});

test("an API server that never answers fails after the time-out", async () => {
  const failure = await failureOf("never", { timeoutMs: 50 });

  expect(failure).toMatchObject({ code: "cluster-unreachable", what: expect.stringContaining("TimeoutError") });
});

test("an endpoint with a certificate of another authority gets no token", async () => {
  // What the test before gave up can still arrive at its server.
  const own = await startScriptedServer();
  const other = Buffer.from(issueCertificates(new Date()).authority).toString("base64");
  const client = own.connect({ certificateAuthority: other });

  const reading = client.readAwsAuth();

  await expect(reading).rejects.toMatchObject({
    code: "cluster-unreachable",
    what: expect.stringContaining("no trusted certificate"),
    remedy: expect.stringContaining("certificateAuthority"),
  });
  expect(own.received).toEqual([]);
  client.close();
  await own.stop();
});

test("an endpoint with a certificate that is not valid yet names this machine's clock", async () => {
  const early = await startScriptedServer(issueCertificates(new Date(Date.now() + 10 * 86_400_000)));
  const client = early.connect();

  const reading = client.readAwsAuth();

  await expect(reading).rejects.toThrow(
    /no trusted certificate .* \(CERT_NOT_YET_VALID\)\. Set this machine's clock by NTP, or renew the certificate\./,
  );
  client.close();
  await early.stop();
});

test("an empty authority trusts no certificate, not every one that Node.js trusts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "eks-access-authority-"));
  const trusted = join(folder, "trusted.pem");
  await writeFile(trusted, Buffer.from(server.certificateAuthority, "base64"));
  server.answer = () => ({ status: 200 });
  const before = server.received.length;
  const client = await compiledModule("src/kubernetes/cluster-client.ts");
  const script = `
    import { connectCluster } from ${JSON.stringify(client.script)};
    const at = { name: "payments", endpoint: "${server.endpoint}", certificateAuthority: "=", token: "secret" };
    await connectCluster(at, { timeoutMs: 5_000 }).readAwsAuth().catch(({ code }) => console.log(code));`;
  const run = promisify(execFile);

  const options = ["--input-type=module", "--eval", script];
  const { stdout } = await run(process.execPath, options, { env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted } });

  expect(stdout.trim()).toBe("cluster-unreachable");
  expect(server.received).toHaveLength(before);
  await rm(folder, { recursive: true });
});

test("a token in the API server's answer is removed from the message and the cause", async () => {
  const failure = await failureOf({ status: 400, body: aStatus(400, "BadRequest", `bad header Bearer ${token}`) });

  expect(`${failure} ${String((failure as Error).cause)} ${JSON.stringify(failure)}`).not.toContain(token);
});

const asked = { verb: "get", resource: "pods" };

const askedAs = { user: "dev", groups: ["system:authenticated"], resourceAttributes: asked };

const undecided = { allowed: false, evaluationError: "the webhook authorizer did not answer" };

test.each([
  {},
  { status: {} },
  { status: { reason: "no opinion" } },
  { status: undecided },
  { status: { allowed: true, denied: true } },
  { status: { allowed: true }, spec: { ...askedAs, user: "somebody" } },
  { status: { allowed: true }, spec: { ...askedAs, user: undefined, groups: ["system:masters"] } },
  { status: { allowed: true }, spec: { ...askedAs, groups: ["system:masters", "system:authenticated"] } },
  { status: { allowed: false }, spec: { ...askedAs, groups: [] } },
  { status: { allowed: false }, spec: { ...askedAs, resourceAttributes: { ...asked, namespace: "elsewhere" } } },
  { status: { allowed: false }, spec: { ...askedAs, resourceAttributes: null, nonResourceAttributes: { path: "/" } } },
])("a review that decides nothing about them proves neither access nor an end: %j", async (body) => {
  server.answer = () => ({ status: 201, body });
  const client = server.connect();

  const answer = client.may({ username: "dev", groups: [] }, asked).finally(() => client.close());

  await expect(answer).rejects.toMatchObject({ code: "cluster-unexpected" });
});

test("a review whose question comes back as asked counts, although the API server leaves out what is empty", async () => {
  server.answer = () => ({ status: 201, body: { status: { allowed: true }, spec: askedAs } });
  const client = server.connect();

  const { allowed } = await client.may({ username: "dev", groups: [] }, asked).finally(() => client.close());

  expect(allowed).toBe(true);
});

test("a review that an authorizer could not evaluate says why, and counts where another one allows or denies", async () => {
  const client = server.connect();
  const reviews = [undecided, { ...undecided, allowed: true }, { ...undecided, denied: true }];

  const answers = [];
  for (const status of reviews) {
    server.answer = () => ({ status: 201, body: { status } });
    const said = client.may({ username: "dev", groups: [] }, asked);
    answers.push(await said.then(({ allowed }) => allowed, explainFailure));
  }
  client.close();

  expect(answers).toEqual([expect.stringContaining("did not answer POST subjectaccessreview"), true, false]);
  expect(answers[0]).toContain(undecided.evaluationError);
});

test("the reasons of an API server are bounded: a message and the log have room for them", async () => {
  const long = "x".repeat(1_500_000);
  const failure = await failureOf({ status: 403, body: aStatus(403, long, "forbidden") });
  server.answer = () => ({ status: 201, body: { status: { allowed: true, reason: long } } });
  const client = server.connect();

  const { reason } = await client.may({ username: "dev", groups: [] }, asked).finally(() => client.close());

  expect(String((failure as Error).cause).length).toBeLessThan(5_000);
  expect(reason).toHaveLength(1_000);
});
