import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { ClusterClient } from "../../src/kubernetes/cluster-client.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { type ScriptedServer, startScriptedServer } from "./api-server.ts";

let server: ScriptedServer;
let client: ClusterClient;

beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.received.length = 0;
  client = server.connect();
});
afterEach(() => {
  vi.restoreAllMocks();
  client.close();
});

interface Subjects {
  readonly bindings: number;
  readonly subjects: number;
  readonly name: (index: number) => string;
}

function bindingsOf({ bindings, subjects, name }: Subjects): object[] {
  return Array.from({ length: bindings }, (_, index) => ({
    metadata: { name: `binding-${index}`, namespace: "shop" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    subjects: Array.from({ length: subjects }, (_, at) => ({
      apiGroup: "rbac.authorization.k8s.io",
      kind: "Group",
      name: name(at),
    })),
  }));
}

/** The bindings of namespaces; there is none of the whole cluster. */
function answerWith(items: readonly object[], next = ""): void {
  const body = JSON.stringify({ metadata: { continue: next }, items });
  server.answer = ({ path }) => ({ status: 200, body: path.endsWith("/clusterrolebindings") ? { items: [] } : body });
}

test("an API server that always names another page is refused after a bounded number of pages", async () => {
  answerWith([], "more");

  await expect(client.roleBindings()).rejects.toMatchObject({
    code: "answer-too-large",
    message: expect.stringMatching(
      /^GET rolebindings of cluster payments goes on after \d+ pages\. Remove unneeded items there/,
    ),
  });
  expect(server.received.length).toBeLessThan(250);
});

test("a binding that names a group five thousand times is one binding of that group", async () => {
  answerWith(bindingsOf({ bindings: 2, subjects: 5_000, name: () => "viewers" }));

  const { groups: bindings } = await client.roleBindings();

  expect(bindings.get("viewers")).toHaveLength(2);
});

test.each(["system:masters", {}, [null], 1])("a binding with the subjects %j is no answer", async (subjects) => {
  answerWith([{ ...bindingsOf({ bindings: 1, subjects: 0, name: String })[0], subjects }]);

  await expect(client.roleBindings()).rejects.toMatchObject({ code: "cluster-unexpected" });
});

test("bindings with more subjects than are read are refused", async () => {
  answerWith(bindingsOf({ bindings: 4, subjects: 2_500, name: (at) => `g${at}` }), "more");

  await expect(client.roleBindings()).rejects.toMatchObject({
    code: "answer-too-large",
    what: expect.stringMatching(/has more than \d+ subjects$/),
  });
});

test("a role that gives each of many verbs on each of many resources is refused: listing all of it would fill the memory", async () => {
  const names = (of: string) => Array.from({ length: 200 }, (_, at) => `${of}${at}`);
  server.answer = () => ({
    status: 200,
    body: { kind: "ClusterRole", rules: [{ verbs: names("verb"), apiGroups: [""], resources: names("kind") }] },
  });

  await expect(client.roleRules({ kind: "ClusterRole", name: "huge" }, null)).rejects.toMatchObject({
    code: "answer-too-large",
    what: "GET ClusterRole huge of cluster payments has more than 10000 rights",
  });
});

test.each<[string, (client: ClusterClient) => Promise<unknown>]>([
  ["of leases", (client) => client.listLeaseBindings()],
  ["of groups", (client) => client.roleBindings()],
])("bindings %s with more text than a worker has room for are refused", async (_, list) => {
  const [binding] = bindingsOf({ bindings: 1, subjects: 1, name: () => "viewers" });
  const metadata = { name: "large", uid: "u", namespace: "shop", annotations: { note: "x".repeat(1.9 * 2 ** 20) } };
  answerWith([{ ...binding, metadata }], "more");
  // Sixty megabytes take a busy machine longer than one reading may take, which is another bound.
  vi.spyOn(AbortSignal, "timeout").mockReturnValue(new AbortController().signal);

  await expect(list(client)).rejects.toMatchObject({
    code: "answer-too-large",
    what: expect.stringMatching(/ has more than \d+ bytes$/),
  });
});

test.each<[string, (client: ClusterClient) => Promise<unknown>]>([
  ["pods", (client) => client.listPods("shop")],
  ["namespaces", (client) => client.namespaces()],
  ["bindings of leases", (client) => client.listLeaseBindings()],
])("a page of %s with more items than were asked for is refused before any item is looked at", async (_, list) => {
  server.answer = () => ({ status: 200, body: { items: Array.from({ length: 1_001 }, () => ({})) } });

  await expect(list(client)).rejects.toMatchObject({
    code: "answer-too-large",
    what: "A page of payments has more than 1000 items",
  });
});

test("an answer that is larger than any object of a cluster is refused, and not read to its end", async () => {
  server.answer = () => ({ status: 200, body: `{"data":{"mapRoles":"${"x".repeat(3 * 2 ** 20)}"}}` });

  await expect(client.readAwsAuth()).rejects.toMatchObject({
    code: "answer-too-large",
    what: expect.stringMatching(/^The API server at 127\.0\.0\.1:\d+ answers with more than 2097152 bytes$/),
  });
});

/** Two useless megabytes that take long to parse and would block a process. */
const hostile: ReadonlyMap<string, string> = new Map([
  ["values nested deeper than any object", `{"a":${"[".repeat(2 ** 19)}1${"]".repeat(2 ** 19)}}`],
  ["empty objects", `{"items":[{}${",{}".repeat(2 ** 19)}]}`],
  ["members of one object", `{"data":{"k":""${Array.from({ length: 150_000 }, (_, at) => `,"k${at}":""`).join("")}}}`],
]);

const calls: Readonly<Record<string, (client: ClusterClient) => Promise<unknown>>> = {
  "reading aws-auth": (client) => client.readAwsAuth(),
  "reading the kept documents": (client) => client.readKept(),
  "listing pods": (client) => client.listPods("shop", 1),
  "asking who we are": (client) => client.whoAmI(),
  "asking what we may do": (client) => client.mayI({ verb: "list", resource: "pods" }),
  "asking what somebody may do": (client) =>
    client.may({ username: "dev", groups: [] }, { verb: "list", resource: "pods" }),
  "reading bindings": (client) => client.roleBindings(),
  "reading bindings of leases": (client) => client.listLeaseBindings(),
  "reading namespaces": (client) => client.namespaces(),
  "reading a role": (client) => client.roleRules({ kind: "ClusterRole", name: "view" }, null),
};

test.each([...hostile.keys()].flatMap((shape) => Object.keys(calls).map((call) => ({ shape, call }))))(
  "$call refuses an answer of $shape before it parses it",
  async ({ shape, call }) => {
    server.answer = () => ({ status: 200, body: hostile.get(shape) ?? "" });

    const failure = calls[call]?.(client);

    await expect(failure).rejects.toMatchObject({
      code: "answer-too-large",
      what: expect.stringMatching(/^The API server at 127\.0\.0\.1:\d+ answers with /),
    });
  },
);

test.each([...hostile.keys()])("a refusal of %s is not parsed either", async (shape) => {
  server.answer = () => ({ status: 403, body: hostile.get(shape) ?? "" });

  await expect(client.readAwsAuth()).rejects.toMatchObject({ code: "answer-too-large" });
});

test("an answer that comes byte by byte fails at the call's one deadline", async () => {
  server.answer = () => ({ status: 200, body: "{", drip: true });
  const hasty = server.connect({ timeoutMs: 300 });

  await expect(hasty.readAwsAuth()).rejects.toMatchObject({
    code: "cluster-unreachable",
    what: expect.stringContaining("TimeoutError"),
  });
  hasty.close();
});

test.each([301, 302, 303, 307, 308])("a redirection with %i takes the token to no other server", async (status) => {
  const other = await startScriptedServer();
  server.answer = () => ({ status, headers: { location: `${other.endpoint}/api` } });

  const isFound = { code: "cluster-unreachable", remedy: "Check for a proxy or login page." };
  for (const ask of Object.values(calls)) await expect(ask(client)).rejects.toMatchObject(isFound);

  expect(other.connections()).toBe(0);
  await other.stop();
});

test("an answer that becomes megabytes when it is unpacked stays packed", async () => {
  const packed = gzipSync(Buffer.alloc(8 * 2 ** 20, " "));
  server.answer = () => ({ status: 200, body: packed, headers: { "content-encoding": "gzip" } });

  await expect(client.readAwsAuth()).rejects.toMatchObject({ code: "cluster-unexpected" });
});

test("calls that wait for a connection end with their run too, and Node.js has nothing to warn of", async () => {
  server.answer = () => "never";
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on("warning", note);
  const deadlines = { ...usualDeadlines, run: 300 };

  const calls = await withinDeadline("run", deadlines, () =>
    Promise.allSettled(Array.from({ length: 16 }, () => client.readAwsAuth())),
  );

  process.off("warning", note);
  const late = { code: "cluster-unreachable", what: expect.stringContaining("the total deadline of 0.3 s (run)") };
  expect(calls).toEqual(calls.map(() => ({ status: "rejected", reason: expect.objectContaining(late) })));
  expect(warnings).toEqual([]);
});

/** The rights of a group by these roles, each of the whole cluster. */
async function rightsBy(roles: readonly string[]) {
  const bound = roles.map((role) => ({ kind: "ClusterRole", role, namespace: null }));
  return (await client.groupRights(new Map([["dev", bound]]), ["dev"])).rights;
}

const everything = { kind: "ClusterRole", rules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] };

test("a role that is too large to read hides no other role of the group", async () => {
  server.answer = ({ path }) => ({
    status: 200,
    body: path.endsWith("/large")
      ? { kind: "ClusterRole", rules: [{ verbs: Array(20_000).fill("get"), resources: ["pods"] }] }
      : everything,
  });

  expect((await rightsBy(["large", "owner"])).map(({ role, allows }) => `${role}: ${allows}`)).toEqual([
    "ClusterRole large: unknown, because it is too large to read",
    "ClusterRole owner: everything",
  ]);
});

test("many roles in one namespace hide none of the whole cluster or of kube-system", async () => {
  server.answer = () => ({ status: 200, body: { kind: "ClusterRole", rules: [] } });
  const many = Array.from({ length: 20 }, (_, index) => ({ kind: "Role", role: `${index}`, namespace: "theirs" }));
  const last = [
    { kind: "ClusterRole", role: "tuner", namespace: "kube-system" },
    { kind: "ClusterRole", role: "edit", namespace: null },
  ];

  const { rights } = await client.groupRights(new Map([["dev", [...many, ...last]]]), ["dev"]);

  expect(rights.slice(0, 2).map(({ role }) => role)).toEqual(["ClusterRole edit", "ClusterRole tuner"]);
});

test("many roles of a group hide none of the next twenty, and the rest is counted", async () => {
  server.answer = ({ path }) => ({
    status: 200,
    body: path.endsWith("/owner") ? everything : { kind: "ClusterRole", rules: [] },
  });
  const many = Array.from({ length: 19 }, (_, index) => `role-${index}`);

  const rights = await rightsBy([...many, "owner", "another", "one more"]);

  expect(rights.slice(19)).toEqual([
    { group: "dev", role: "ClusterRole owner", where: "in every namespace", allows: "everything" },
    { group: "dev", role: "2 more roles", where: "in every namespace", allows: "unknown, because they are too many" },
  ]);
});
