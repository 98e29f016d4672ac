import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type ClusterClient, connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { requestIds } from "../../src/operations/announcements.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { aStatus, type CannedAnswer, type ScriptedServer, startScriptedServer, token } from "./api-server.ts";

// What the sandbox's API server answers is in test/sandbox/cluster/lease-bindings.contract.test.ts.

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
afterEach(() => client.close());

const api = "/apis/rbac.authorization.k8s.io/v1";
const place = { name: "eks-access-r-7f3k", namespace: "shop", uid: "0b7c1f0e-8a1e-4b55-9a37-1a2b3c4d5e6f" };
const labels = { "app.kubernetes.io/managed-by": "eks-access" };

const stored = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { ...place, resourceVersion: "4711", labels, annotations: { "eks-access/lease": "sealed" } },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "dev:alice@example.com" }],
};

const aBinding = {
  ...{ name: place.name, namespace: "shop" as string | null, labels, annotations: { "eks-access/lease": "sealed" } },
  ...{ role: { kind: "ClusterRole" as const, name: "edit" }, user: "dev:alice@example.com" },
};

/** The last request, its body read. */
function lastReceived() {
  const { method, path, query, body } = server.received.at(-1) ?? expect.unreachable("a call was made");
  return { method, path, query, body: JSON.parse(body) as unknown };
}

test("a binding is created with its labels and annotations, for exactly one user", async () => {
  server.answer = () => ({ status: 201, body: stored });

  await client.createBinding(aBinding);

  expect(lastReceived()).toEqual({
    method: "POST",
    path: `${api}/namespaces/shop/rolebindings`,
    query: { fieldManager: "eks-access" },
    body: {
      apiVersion: stored.apiVersion,
      kind: "RoleBinding",
      metadata: { name: place.name, namespace: "shop", labels, annotations: aBinding.annotations },
      roleRef: stored.roleRef,
      subjects: stored.subjects,
    },
  });
});

test("a binding is read with its labels and annotations, its role and its user", async () => {
  server.answer = () => ({ status: 200, body: stored });

  expect(await client.findBinding(place)).toEqual({
    ...place,
    labels,
    annotations: aBinding.annotations,
    role: { kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "User", name: "dev:alice@example.com" }],
    deletedAt: null,
  });
});

test("a binding of the whole cluster names no namespace", async () => {
  server.answer = () => ({ status: 201, body: stored });

  await client.createBinding({ ...aBinding, namespace: null });

  expect(lastReceived()).toMatchObject({
    path: `${api}/clusterrolebindings`,
    query: { fieldManager: "eks-access" },
    body: { kind: "ClusterRoleBinding", metadata: { name: place.name, labels, annotations: aBinding.annotations } },
  });
});

test("a creation returns what the API server made, and fails where something else answers: the next read shows more", async () => {
  const bob = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "dev:bob@example.com" };
  server.answer = () => ({ status: 201, body: { ...stored, subjects: [...stored.subjects, bob] } });
  const made = await client.createBinding(aBinding);
  server.answer = () => ({ status: 201, body: { ...stored, subjects: Array.from({ length: 60_000 }, () => bob) } });
  const endless = await client.createBinding(aBinding);
  server.answer = () => ({ status: 201, body: "a proxy's own words" });

  expect(endless).toMatchObject({ name: place.name, namespace: "shop", uid: null, subjects: [] });
  expect(made).toMatchObject({ uid: place.uid, subjects: [{ name: aBinding.user }, { name: bob.name }] });
  await expect(client.createBinding(aBinding)).rejects.toMatchObject({ code: "cluster-unexpected", retryable: true });
});

test("a binding that says little is read with nothing in its place", async () => {
  server.answer = () => ({ status: 200, body: { ...stored, metadata: { name: "x", uid: "u" }, subjects: null } });

  const found = await client.findBinding({ name: "x", namespace: null });

  expect(found).toMatchObject({ name: "x", namespace: null, subjects: [], labels: {}, annotations: {} });
});

test("a deletion demands the uid, and waits for no dependents", async () => {
  server.answer = () => ({ status: 200, body: { kind: "Status", apiVersion: "v1", status: "Success" } });

  const deleted = await client.deleteBinding(place);

  expect(deleted).toBe("deleted");
  expect(lastReceived()).toMatchObject({
    method: "DELETE",
    path: `${api}/namespaces/shop/rolebindings/${place.name}`,
    body: { kind: "DeleteOptions", preconditions: { uid: place.uid }, propagationPolicy: "Background" },
  });
});

const conflict = (message: string) => aStatus(409, "Conflict", message);

test.each<[string, CannedAnswer, string]>([
  ["that finalizers keep", { status: 200, body: stored }, "kept"],
  ["that is gone", { status: 404, body: aStatus(404, "NotFound", "not found") }, "absent"],
  [
    "whose name has another one now",
    {
      status: 409,
      body: conflict(
        "Operation cannot be fulfilled: the UID in the precondition (a) does not match the UID in record (b)",
      ),
    },
    "other",
  ],
  [
    "whose name got another one during the call",
    { status: 409, body: conflict("Precondition failed: UID in precondition: a, UID in object meta: b") },
    "other",
  ],
])("of a binding %s the answer is a value", async (_, answer, outcome) => {
  server.answer = () => answer;

  expect(await client.deleteBinding(place)).toBe(outcome);
});

const escalation = `rolebindings.rbac.authorization.k8s.io "x" is forbidden: user "w" (groups=["g"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`;
const ending = `rolebindings.rbac.authorization.k8s.io "x" is forbidden: unable to create new content in namespace shop because it is being terminated`;
const full = `rolebindings.rbac.authorization.k8s.io "x" is forbidden: exceeded quota: few, requested: count/rolebindings.rbac.authorization.k8s.io=1, used: count/rolebindings.rbac.authorization.k8s.io=9, limited: count/rolebindings.rbac.authorization.k8s.io=9`;
const fresh = `rolebindings.rbac.authorization.k8s.io "x" is forbidden: status unknown for quota: few, resources: count/rolebindings.rbac.authorization.k8s.io`;
const denial = 'admission webhook "policy.example.com" denied the request: no';
const notFound = (kind: string) => ({ ...aStatus(404, "NotFound", `${kind} "shop" not found`), details: { kind } });

test.each<[string, CannedAnswer, string, string?]>([
  [
    "a right that we lack",
    { status: 403, body: aStatus(403, "Forbidden", escalation) },
    "binding-forbidden",
    "Let the worker create and delete bindings, and bind the role.",
  ],
  ["a quota", { status: 403, body: aStatus(403, "Forbidden", full) }, "binding-forbidden", "Raise that quota."],
  ["a new quota", { status: 403, body: aStatus(403, "Forbidden", fresh) }, "binding-forbidden", "Try again."],
  [
    "a namespace that ends",
    { status: 403, body: aStatus(403, "Forbidden", ending) },
    "namespace-absent",
    "Ask for another one.",
  ],
  ["a webhook", { status: 403, body: aStatus(403, "Forbidden", denial) }, "cluster-refused-write"],
  ["a webhook with a 404", { status: 404, body: aStatus(404, "NotFound", denial) }, "cluster-refused-write"],
  ["a name that is taken", { status: 409, body: aStatus(409, "AlreadyExists", "already exists") }, "binding-exists"],
  ["any other conflict", { status: 409, body: conflict("try again") }, "cluster-conflict"],
  ["no such namespace", { status: 404, body: notFound("namespaces") }, "namespace-absent"],
  ["no such role", { status: 404, body: notFound("clusterroles") }, "role-absent"],
  ["a page of a proxy", { status: 404, headers: { "content-type": "text/html" } }, "cluster-unreachable"],
  ["a proxy's own refusal", { status: 403, body: { message: "Forbidden" } }, "cluster-unreachable"],
  [
    "a server without this resource",
    { status: 404, body: aStatus(404, "NotFound", "the server could not find the requested resource") },
    "cluster-unexpected",
  ],
  [
    "a server that has had enough",
    { status: 429, body: aStatus(429, "TooManyRequests", "later") },
    "cluster-throttled",
  ],
])("a creation that fails by %s says so", async (_, answer, code, remedy) => {
  server.answer = () => answer;

  const failure = client.createBinding(aBinding);

  await expect(failure).rejects.toMatchObject({ code, ...(remedy && { remedy }) });
  await expect(failure).rejects.toThrow("POST rolebinding eks-access-r-7f3k in shop of cluster payments");
});

test("a deletion that is forbidden says which right is missing, and one that a webhook refuses that it did", async () => {
  server.answer = () => ({ status: 403, body: aStatus(403, "Forbidden", 'cannot delete resource "rolebindings"') });
  const forbidden = client.deleteBinding({ ...place, namespace: null });
  await expect(forbidden).rejects.toMatchObject({ code: "binding-forbidden" });
  await expect(forbidden).rejects.toThrow("DELETE clusterrolebinding eks-access-r-7f3k of cluster payments");

  server.answer = () => ({ status: 409, body: conflict(`${denial}, Precondition failed: UID in precondition`) });
  const refused = client.deleteBinding(place);

  await expect(refused).rejects.toMatchObject({ code: "cluster-refused-write" });
});

test("bindings of leases are asked for by their labels, page by page, and an endless list is refused", async () => {
  server.answer = () => ({ status: 200, body: { items: [stored], metadata: { continue: "more" } } });

  await expect(client.listLeaseBindings()).rejects.toMatchObject({
    code: "answer-too-large",
    // Whichever bound a busy machine meets first.
    what: expect.stringMatching(
      /^GET rolebindings of leases of cluster payments (goes on after 100 pages|takes too long)/,
    ),
  });
  expect(server.received[0]?.query).toEqual({ limit: "250", labelSelector: "app.kubernetes.io/managed-by=eks-access" });
  expect(server.received[1]?.query).toMatchObject({ continue: "more" });
});

test("where only bindings of namespaces can be meant, those of the whole cluster are not read, and the reverse", async () => {
  server.answer = () => ({ status: 200, body: { items: [] } });

  await client.listLeaseBindings([{ namespace: "shop" }, { namespace: "payments" }]);
  await client.listLeaseBindings([{ namespace: null }]);
  await client.listLeaseBindings();

  const api = "/apis/rbac.authorization.k8s.io/v1";
  expect(server.received.map(({ path }) => path)).toEqual([
    `${api}/rolebindings`,
    `${api}/clusterrolebindings`,
    `${api}/clusterrolebindings`,
    `${api}/rolebindings`,
  ]);
});

test("a list that is forbidden, or not readable, is a failure of the cluster", async () => {
  server.answer = () => ({ status: 403, body: aStatus(403, "Forbidden", "cannot list") });
  await expect(client.listLeaseBindings()).rejects.toMatchObject({ code: "cluster-forbidden" });
  await expect(client.namespaces()).rejects.toMatchObject({ code: "cluster-forbidden" });

  server.answer = () => ({ status: 200, body: { items: [{ metadata: {} }] } });

  await expect(client.listLeaseBindings()).rejects.toMatchObject({ code: "cluster-unexpected" });
});

test.each([{}, { kind: "Status", status: "Success" }])(
  "an answer of %j is no role that allows nothing",
  async (body) => {
    server.answer = () => ({ status: 200, body });

    await expect(client.roleRules({ kind: "ClusterRole", name: "view" }, null)).rejects.toMatchObject({
      code: "cluster-unexpected",
    });
  },
);

test("a Role of no namespace is none, without a call", async () => {
  expect(await client.roleRules({ kind: "Role", name: "deployer" }, null)).toBeNull();

  expect(server.received).toEqual([]);
});

test("a binding is given the time of a write, which admission webhooks need", async () => {
  server.answer = () => "never";
  const patient = connectCluster({ ...server, name: "payments", token });
  const deadlines = { ...usualDeadlines, clusterCall: 60_000, clusterWrite: 50 };

  const writes = await withinDeadline("longRun", deadlines, () =>
    Promise.allSettled([patient.createBinding(aBinding), patient.deleteBinding(place)]),
  );

  for (const write of writes) {
    expect(write).toMatchObject({
      reason: { code: "cluster-unreachable", what: expect.stringContaining("TimeoutError") },
    });
  }
  patient.close();
});

test("the audit log of the API server has our writes of bindings under ids that we keep", async () => {
  const auditIds = requestIds();
  const noting = connectCluster({ ...server, name: "payments", token, auditIds });
  server.answer = ({ method }) => ({
    status: 200,
    headers: { "audit-id": method },
    body: method === "GET" ? { items: [] } : stored,
  });

  await noting.listLeaseBindings();
  await noting.createBinding(aBinding);
  await noting.createBinding({ ...aBinding, namespace: null });
  await noting.deleteBinding(place);

  expect(auditIds.byCall()).toEqual({
    "POST rolebindings": ["POST"],
    "POST clusterrolebindings": ["POST"],
    "DELETE rolebindings": ["DELETE"],
  });
  noting.close();
});
