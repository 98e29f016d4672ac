import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { OperatorObject } from "../../src/access/policy/operator-rights.ts";
import { type ScriptedServer, startScriptedServer } from "./api-server.ts";

const rules = [{ apiGroups: [""], resources: ["namespaces"], verbs: ["list"] }];
const role: OperatorObject = { kind: "ClusterRole", name: "eks-access:operator", namespace: null, content: { rules } };
const metadata = { name: role.name, uid: "u-1", resourceVersion: "7", labels: { theirs: "yes" } };

let server: ScriptedServer;
let found: object | null;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  found = { metadata, rules };
  server.received.length = 0;
  server.answer = ({ method }) => {
    if (method !== "GET") return { status: 200, body: {} };
    if (found) return { status: 200, body: found };
    return { status: 404, body: { kind: "Status", reason: "NotFound", message: "not found" } };
  };
});

const writes = () => server.received.filter(({ method }) => method !== "GET");

test.each([
  ["as wanted", "as wanted", { metadata, rules: [{ verbs: ["list"], apiGroups: [""], resources: ["namespaces"] }] }],
  ["with other rules", "different", { metadata, rules: [] }],
  ["that a controller fills with other roles' rights", "different", { metadata, rules, aggregationRule: {} }],
  ["that is not there", "absent", null],
])("a role %s is %s", async (_, state, object) => {
  found = object;
  const client = server.connect();

  expect(await client.objectState(role)).toBe(state);

  client.close();
});

test("a role that is different becomes as wanted, by the version that was read; its labels stay, and no other rights come in", async () => {
  found = { metadata, rules: [], aggregationRule: { clusterRoleSelectors: [] } };
  const client = server.connect();

  await client.writeObject(role);

  const [write] = writes();
  expect(write).toMatchObject({
    method: "PUT",
    path: expect.stringMatching(/clusterroles\/eks-access(?::|%3A)operator$/),
  });
  expect(JSON.parse(write?.body ?? "")).toEqual({
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata, rules },
  });
  client.close();
});

test("an object that is as wanted is not written", async () => {
  const client = server.connect();

  await client.writeObject(role);

  expect(writes()).toEqual([]);
  client.close();
});

test("an absent ConfigMap is created empty, in its namespace", async () => {
  found = null;
  const client = server.connect();

  await client.writeObject({ kind: "ConfigMap", name: "ours", namespace: "kube-system", content: {} });

  expect(writes()).toMatchObject([{ method: "POST", path: "/api/v1/namespaces/kube-system/configmaps" }]);
  client.close();
});
