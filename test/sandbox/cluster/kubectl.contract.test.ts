import { request } from "node:https";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { group } from "../../../sandbox/cluster/rbac.ts";
import { aClusterWithPeople, aToken, type ClusterWithPeople } from "./clients.ts";

// Copies: Kubernetes docs, "API discovery", "User impersonation". Tried with kubectl 1.32: get, edit, replace, apply, delete, auth whoami,
// --as and --as-group work; what kubectl sends as protobuf (create configmap, auth can-i) gets the 415 of a resource that knows only JSON.

let people: ClusterWithPeople;
let token: string;

beforeEach(async () => {
  people = await aClusterWithPeople({ rbac: { bindings: [group("viewers", "view", "viewers")] } });
  token = await aToken(people.aws.account.sessionFor(people.creator, "me"));
});
afterEach(() => people.stop());

async function call(path: string, options: { method?: string; headers?: object; body?: string; token?: string } = {}) {
  const ca = Buffer.from(people.cluster.certificateAuthority, "base64");
  const headers = { authorization: `Bearer ${options.token ?? token}`, ...options.headers };
  return new Promise<{ status: number | undefined; body: { [member: string]: unknown } }>((resolve, reject) => {
    const sent = request(
      `${people.cluster.endpoint}${path}`,
      { ca, headers, method: options.method ?? "GET" },
      async (answer) => {
        const body = Buffer.concat(await answer.toArray()).toString();
        resolve({ status: answer.statusCode, body: JSON.parse(body) });
      },
    );
    sent.on("error", reject);
    sent.end(options.body);
  });
}

describe("discovery", () => {
  it("names every group, and the resources of each", async () => {
    const { body } = await call("/apis");
    const core = await call("/api/v1");
    const rbac = await call("/apis/rbac.authorization.k8s.io/v1");

    expect((body.groups as { name: string }[]).map(({ name }) => name)).toEqual([
      "authentication.k8s.io",
      "authorization.k8s.io",
      "rbac.authorization.k8s.io",
    ]);
    expect(core.body.resources).toContainEqual(
      expect.objectContaining({ name: "configmaps", kind: "ConfigMap", singularName: "configmap", shortNames: ["cm"] }),
    );
    expect(rbac.body.resources).toContainEqual(expect.objectContaining({ name: "clusterroles", namespaced: false }));
  });

  it("does not know other paths", async () => {
    const { status, body } = await call("/apis/apps/v1");

    expect(status).toBe(404);
    expect(body).toMatchObject({ kind: "Status", reason: "NotFound" });
  });
});

describe("impersonation", () => {
  const pods = "/api/v1/namespaces/default/pods";

  it("acts with the groups that it names and with nothing of its own", async () => {
    const without = await call(pods, { headers: { "impersonate-user": "dev" } });
    const within = await call(pods, {
      headers: { "impersonate-user": "dev", "impersonate-group": ["others", "viewers"] },
    });

    expect(without.body.message).toMatch(/^pods is forbidden: User "dev" cannot list/);
    expect(within.status).toBe(200);
  });

  it("is for those who may impersonate", async () => {
    people.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      data: { mapUsers: JSON.stringify([{ userarn: people.dev, username: "dev", groups: ["viewers"] }]) },
    }));
    const devToken = await people.tokenOf(people.dev);

    const { status, body } = await call(pods, { token: devToken, headers: { "impersonate-user": "kubernetes-admin" } });

    expect(status).toBe(403);
    expect(body.message).toBe(
      'users "kubernetes-admin" is forbidden: User "dev" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });
});

describe("a body", () => {
  it("that is not JSON is refused by its media type", async () => {
    const headers = { "content-type": "application/vnd.kubernetes.protobuf" };

    const { status, body } = await call("/api/v1/namespaces/default/configmaps", {
      method: "POST",
      headers,
      body: "k8s\u0000",
    });

    expect(status).toBe(415);
    expect(body.reason).toBe("UnsupportedMediaType");
  });
});

describe("server-side apply", () => {
  it("is the one kind of patch that the stand-in does not take", async () => {
    const headers = { "content-type": "application/apply-patch+yaml" };
    const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "aws-auth" } });

    const { status } = await call("/api/v1/namespaces/kube-system/configmaps/aws-auth", {
      method: "PATCH",
      headers,
      body,
    });

    expect(status).toBe(415);
  });
});
