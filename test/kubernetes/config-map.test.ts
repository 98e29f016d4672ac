import { createServer } from "node:https";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { aStatus, type CannedAnswer, type ScriptedServer, startScriptedServer, token } from "./api-server.ts";

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.stop());

const path = "/api/v1/namespaces/kube-system/configmaps/aws-auth";

/** Every field that a ConfigMap can have. */
const full = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: "aws-auth",
    namespace: "kube-system",
    uid: "0b7c1f0e-8a1e-4b55-9a37-1a2b3c4d5e6f",
    resourceVersion: "4711",
    creationTimestamp: "2026-01-02T03:04:05.000Z",
    generation: 3,
    labels: { "app.kubernetes.io/managed-by": "terraform" },
    annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    finalizers: ["example.com/keep"],
    ownerReferences: [
      { apiVersion: "v1", kind: "Node", name: "n", uid: "u", controller: true, blockOwnerDeletion: true },
    ],
    managedFields: [
      {
        manager: "terraform",
        operation: "Update",
        apiVersion: "v1",
        time: "2026-01-02T03:04:05.000Z",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:data": { ".": {}, "f:mapRoles": {} }, "f:metadata": { "f:labels": {} } },
      },
    ],
  },
  immutable: false,
  binaryData: { blob: "AAEC" },
  // Kubernetes takes this key too.
  data: { mapRoles: "- rolearn: a\n", "unknown.key": "kept", ["__proto__"]: "kept" },
};

async function readFull() {
  server.answer = () => ({ status: 200, body: full });
  const client = server.connect();
  const before = (await client.readAwsAuth()) ?? expect.unreachable("the ConfigMap is there");
  return { client, before };
}

test("a map is read with its text, its version and the owner of each part", async () => {
  const { client, before } = await readFull();

  expect(before).toMatchObject({
    data: full.data,
    annotations: full.metadata.annotations,
    resourceVersion: "4711",
    immutable: false,
    managers: [{ manager: "terraform", time: "2026-01-02T03:04:05.000Z", dataKeys: ["mapRoles"] }],
  });
  client.close();
});

test("a deleted map that its finalizers keep is read as being deleted", async () => {
  const { client, before } = await readFull();
  const metadata = { ...full.metadata, deletionTimestamp: "2026-01-03T00:00:00.000Z" };
  server.answer = () => ({ status: 200, body: { ...full, metadata } });

  const deleted = await client.readAwsAuth();

  expect(before.deletion).toBeNull();
  expect(deleted?.deletion).toEqual({ since: "2026-01-03T00:00:00.000Z", finalizers: ["example.com/keep"] });
  client.close();
});

test("a write sends back every field as it was read, but for the data and annotations that change", async () => {
  const { client, before } = await readFull();
  const data = { ...before.data, mapUsers: "- userarn: b\n" };
  const annotations = { ...before.annotations, "eks-access/leases": "{}" };

  await client.writeAwsAuth(before, { data, annotations });

  const put = server.received.at(-1);
  expect(put).toMatchObject({ method: "PUT", path, query: { fieldManager: "eks-access" } });
  expect(put?.query).not.toHaveProperty("dryRun");
  const sent = JSON.parse(put?.body ?? "");
  expect(sent).toEqual({ ...full, data, metadata: { ...full.metadata, annotations } });
  expect(Object.entries(sent.data)).toContainEqual(["__proto__", "kept"]);
  client.close();
});

test("a dry run is the same PUT with dryRun=All", async () => {
  const { client, before } = await readFull();

  await client.rehearseWrite(before, before);

  expect(server.received.at(-1)).toMatchObject({ method: "PUT", path, query: { dryRun: "All" } });
  client.close();
});

describe("a large map", () => {
  const large = { ...full, data: { mapRoles: `[] # ${"x".repeat(10_000)}` } };
  const asTable = (resourceVersion: string) => ({ kind: "Table", metadata: { resourceVersion } });

  async function readLarge() {
    server.answer = () => ({ status: 200, body: large });
    const client = server.connect();
    const before = (await client.readAwsAuth()) ?? expect.unreachable("the ConfigMap is there");
    server.received.length = 0;
    return { client, before };
  }

  test("is not sent again while its version is the same", async () => {
    const { client, before } = await readLarge();
    server.answer = () => ({ status: 200, body: asTable("4711") });

    const again = await client.readAwsAuth();

    expect(again?.object).toBe(before.object);
    expect(server.received).toMatchObject([{ method: "GET", path, query: { includeObject: "None" } }]);
    expect(server.received[0]?.headers.accept).toContain("as=Table");
    client.close();
  });

  test.each([
    ["has another version", asTable("4712")],
    ["comes from an API server without tables", large],
  ])("is read in whole if the answer %s", async (_, answer) => {
    const { client } = await readLarge();
    const changed = { ...large, metadata: { ...large.metadata, resourceVersion: "4712" } };
    server.answer = ({ query }) => ({ status: 200, body: query.includeObject ? answer : changed });

    const again = await client.readAwsAuth();

    expect(again?.resourceVersion).toBe("4712");
    expect(server.received).toHaveLength(2);
    client.close();
  });

  test("is read in whole after a while: an etcd that was restored from a backup counts versions again", async () => {
    const { client } = await readLarge();
    const restored = { ...large, data: { mapRoles: `[] # ${"y".repeat(10_000)}` } };
    server.answer = ({ query }) => ({ status: 200, body: query.includeObject ? asTable("4711") : restored });
    const now = performance.now();
    // It begins at zero.
    vi.useFakeTimers({ toFake: ["performance"] });
    vi.advanceTimersByTime(now + 6_000);

    const again = await client.readAwsAuth();
    vi.useRealTimers();

    expect(again?.data).toEqual(restored.data);
    client.close();
  });

  test.each([
    ["large", large],
    ["short", { ...full, metadata: { ...full.metadata, resourceVersion: "4712" } }],
  ])("is read as it is after a write that the API server only confirms: it was %s", async (_, kept) => {
    const { client } = await readLarge();
    server.answer = ({ method, body, query }) => {
      if (method === "PUT") return { status: 200, body };
      return { status: 200, body: query.includeObject ? asTable(kept.metadata.resourceVersion) : kept };
    };
    const before = (await client.readAwsAuth()) ?? expect.unreachable("the ConfigMap is there");
    const after = { data: { mapRoles: `[] # ${"y".repeat(10_000)}` }, annotations: before.annotations };

    const answered = await client.writeAwsAuth(before, after);

    expect(answered.data).toEqual(after.data);
    expect((await client.readAwsAuth())?.data).toEqual(before.data);
    client.close();
  });

  test("is absent once the API server says so", async () => {
    const { client } = await readLarge();
    server.answer = () => ({ status: 404, body: aStatus(404, "NotFound", 'configmaps "aws-auth" not found') });

    const again = await client.readAwsAuth();

    expect(again).toBeNull();
    client.close();
  });
});

const theirs = "- rolearn: arn:aws:iam::111122223333:role/theirs\n  username: theirs\n  groups: [a]\n";

test.each([
  ["takes an entry of others away", { mapRoles: "[]\n" }],
  ["adds an entry", { mapRoles: `${theirs}${theirs.replaceAll("theirs", "more")}` }],
  ["gives an entry other groups", { mapRoles: theirs.replace("[a]", "[b]") }],
  ["makes a section unreadable", { mapRoles: `${theirs}\t- x: [` }],
  ["adds an account", { mapRoles: theirs, mapAccounts: '- "444455556666"\n' }],
])("a dry run is refused where a webhook %s: the write would give other access than planned", async (_, changed) => {
  const { client, before } = await readFull();
  server.answer = () => ({ status: 200, body: { ...full, data: changed } });

  const rehearsal = client.rehearseWrite(before, { data: { mapRoles: theirs }, annotations: {} });

  await expect(rehearsal).rejects.toMatchObject({
    code: "cluster-refused-write",
    what: "An admission webhook changes aws-auth of payments",
  });
  client.close();
});

test.each([
  ["the change", "Let that webhook or policy allow this."],
  ["aws-auth even unchanged", "It refuses aws-auth even unchanged: an operator must correct one of them."],
])("the refusal of a dry run names the policy, and says where it refuses %s", async (refused, remedy) => {
  const { client, before } = await readFull();
  const message = "ValidatingAdmissionPolicy 'nodes' with binding 'all' denied request: mapRoles lacks the nodes";
  server.answer = ({ body }) =>
    refused !== "the change" || body.includes("theirs")
      ? { status: 422, body: aStatus(422, "Invalid", message) }
      : { status: 200, body: full };

  const rehearsal = client.rehearseWrite(before, { data: { mapRoles: theirs }, annotations: {} });

  await expect(rehearsal).rejects.toMatchObject({ what: expect.stringContaining(message), remedy });
  client.close();
});

test.each([
  ["its layout", { mapRoles: theirs.replace("[a]", '\n    - "a"') }],
  ["another key", { mapRoles: theirs, more: "x" }],
])("a dry run is fine where a webhook changes %s alone", async (_, changed) => {
  const { client, before } = await readFull();
  server.answer = () => ({ status: 200, body: { ...full, data: changed } });

  await client.rehearseWrite(before, { data: { mapRoles: theirs }, annotations: {} });

  expect(server.received.at(-1)?.query).toMatchObject({ dryRun: "All" });
  client.close();
});

test.each([{}, { kind: "Status", status: "Success" }])(
  "a dry run that another server answers with %j blames no webhook",
  async (body) => {
    const { client, before } = await readFull();
    server.answer = () => ({ status: 200, body });

    const rehearsal = client.rehearseWrite(before, { data: { mapRoles: theirs }, annotations: {} });

    await expect(rehearsal).rejects.toMatchObject({
      code: "cluster-unexpected",
      remedy: "Check for a proxy or login page.",
    });
    client.close();
  },
);

test.each([{ name: "kube-root-ca.crt" }, { namespace: "default" }])(
  "a map of another place (%j) than the one that was asked for is no answer",
  async (place) => {
    server.answer = () => ({ status: 200, body: { ...full, metadata: { ...full.metadata, ...place } } });
    const client = server.connect();

    const reading = client.readAwsAuth().finally(() => client.close());

    await expect(reading).rejects.toMatchObject({
      code: "cluster-unexpected",
      remedy: expect.stringContaining("proxy"),
    });
  },
);

test("an absent map is null only where the API server says so", async () => {
  server.answer = () => ({ status: 404, body: aStatus(404, "NotFound", 'configmaps "aws-auth" not found') });
  const client = server.connect();

  const absent = await client.readAwsAuth();

  expect(absent).toBeNull();
  server.answer = () => ({ status: 404, body: { message: "no such route" } });
  await expect(client.readAwsAuth()).rejects.toMatchObject({ code: "cluster-unexpected" });
  client.close();
});

test.each([
  [409, "Conflict", 'Operation cannot be fulfilled on configmaps "aws-auth": the object has been modified'],
  [404, "NotFound", 'configmaps "aws-auth" not found'],
])("a write that meets %i is a conflict: read and plan again", async (status, reason, message) => {
  const { client, before } = await readFull();
  server.answer = () => ({ status, body: aStatus(status, reason, message) });

  const write = client.writeAwsAuth(before, before);

  await expect(write).rejects.toMatchObject({ code: "cluster-conflict", retryable: true });
  client.close();
});

test("a new map is created under our name", async () => {
  server.answer = () => ({ status: 201, body: full });
  const client = server.connect();

  await client.createAwsAuth({ data: { mapUsers: "x" }, annotations: {} });

  const post = server.received.at(-1);
  expect(post).toMatchObject({
    method: "POST",
    path: path.replace("/aws-auth", ""),
    query: { fieldManager: "eks-access" },
  });
  expect(JSON.parse(post?.body ?? "")).toMatchObject({
    kind: "ConfigMap",
    metadata: { name: "aws-auth" },
    data: { mapUsers: "x" },
  });
  client.close();
});

test.each([
  ["under another name", { metadata: { name: "theirs" }, data: { leases: "x" } }],
  ["with another text", { metadata: { name: "eks-access-withdrawals" }, data: { leases: "y" } }],
])("a map of our own that is stored %s is no success", async (_, stored) => {
  server.answer = () => ({ status: 201, body: { kind: "ConfigMap", ...stored } });
  const client = server.connect();

  const written = client.writeWithdrawals({ data: {}, object: null }, { leases: "x" });

  await expect(written).rejects.toThrow("eks-access-withdrawals was changed by an admission webhook");
  client.close();
});

test("each call carries the token, over one connection, and none is made after close()", async () => {
  const { client } = await readFull();
  const before = server.connections();

  for (let i = 0; i < 20; i++) await client.readAwsAuth();

  expect(server.connections()).toBe(before);
  expect(server.received.at(-1)?.headers).toMatchObject({
    authorization: `Bearer ${token}`,
    "user-agent": "eks-access",
  });
  client.close();
  await expect(client.readAwsAuth()).rejects.toMatchObject({ code: "cluster-unreachable" });
});

test("the next client of a cluster sends its own token over the connection of the one before", async () => {
  const { client } = await readFull();
  client.close();
  const before = server.connections();

  const next = connectCluster({ ...server, name: "payments", token: "k8s-aws-v1.next" });
  await next.readAwsAuth();
  next.close();

  expect(server.connections()).toBe(before);
  expect(server.received.at(-1)?.headers).toMatchObject({ authorization: "Bearer k8s-aws-v1.next" });
});

test("a client that trusts another authority gets none of the connections that are open", async () => {
  const { client } = await readFull();
  const other = issueCertificates(new Date()).authority;

  const distrusting = server.connect({ certificateAuthority: Buffer.from(other).toString("base64") });

  await expect(distrusting.readAwsAuth()).rejects.toMatchObject({ code: "cluster-unreachable" });
  for (const each of [client, distrusting]) each.close();
});

test("an unused connection is closed after a while", async () => {
  const { client } = await readFull();
  const before = server.connections();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  client.close();

  vi.advanceTimersByTime(20_000);
  vi.useRealTimers();
  const { client: next } = await readFull();

  expect(server.connections()).toBe(before + 1);
  next.close();
});

describe("a later connection", () => {
  async function afterIdleConnection(): Promise<void> {
    const { client } = await readFull();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    client.close();
    vi.advanceTimersByTime(20_000);
    vi.useRealTimers();
  }

  test("resumes the session of the last one", async () => {
    await afterIdleConnection();
    const before = server.resumed();

    const { client } = await readFull();

    expect(server.resumed()).toBe(before + 1);
    client.close();
  });

  test("to another server at the same address is refused as before", async () => {
    await afterIdleConnection();
    const port = Number(new URL(server.endpoint).port);
    await server.stop();
    const { key, cert } = issueCertificates(new Date());
    const impostor = createServer({ key, cert }, (_, response) => response.end("{}"));
    await new Promise<void>((resolve) => impostor.listen(port, "127.0.0.1", resolve));

    const client = server.connect();

    await expect(client.readAwsAuth()).rejects.toMatchObject({ code: "cluster-unreachable" });
    client.close();
    await new Promise((resolve) => impostor.close(resolve));
    server = await startScriptedServer();
  });
});

test("two hundred calls at once open a hundred and twenty-eight connections", async () => {
  const own = await startScriptedServer();
  let answer = (_: CannedAnswer): void => {};
  const held = new Promise<CannedAnswer>((resolve) => {
    answer = resolve;
  });
  own.answer = () => held;
  const client = own.connect();

  const calls: Promise<unknown>[] = [];
  while (calls.length < 200) {
    calls.push(client.readAwsAuth());
    // One after the other: each handshake costs milliseconds, and all at once take a busy machine longer than a connection may.
    if (calls.length <= 128)
      await vi.waitUntil(() => own.received.length === calls.length, { interval: 1, timeout: 60_000 });
  }
  answer({ status: 404, body: aStatus(404, "NotFound", "none") });
  await Promise.all(calls);

  expect(own.connections()).toBe(128);
  client.close();
  await own.stop();
});
