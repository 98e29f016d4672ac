import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { group } from "../../../sandbox/cluster/default-roles.ts";
import { failure, statusAnswer } from "../../../sandbox/cluster/status.ts";
import type { SandboxCall } from "../../../sandbox/http-server.ts";
import { aClusterWithPeople, type ClusterWithPeople, statusOf } from "./clients.ts";
import { implementations } from "./implementations.ts";

// Copies: Kubernetes docs, "Using RBAC Authorization", "Authorization" (SubjectAccessReview); kubernetes, apiserver
// responsewriters (the words of a 403) and plugin/pkg/auth/authorizer/rbac (the reason of an answer).

describe.each(implementations)("%s", (_name, start) => {
  let people: ClusterWithPeople;
  let calls: SandboxCall[];

  beforeAll(async () => {
    people = await aClusterWithPeople(
      {
        rbac: { bindings: [group("viewers", "view", "viewers"), group("shop", "edit", "shop-team", "default")] },
        onCall: (call) => calls.push(call),
      },
      start,
    );
  });
  beforeEach(async () => {
    await give();
    calls = [];
  });
  afterAll(() => people.stop());

  async function give(...groups: string[]) {
    const entry = { userarn: people.dev, username: "dev", groups };
    await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapUsers: JSON.stringify([entry]) } }));
  }

  describe("a person who is signed in", () => {
    it("is forbidden what no binding gives, in the words of a real API server", async () => {
      await give();
      const { core, rbac } = await people.as(people.dev);

      const pods = await statusOf(core.listNamespacedPod({ namespace: "default" }));
      const everywhere = await statusOf(core.listPodForAllNamespaces());
      const one = await statusOf(core.readNamespacedConfigMap({ name: "aws-auth", namespace: "kube-system" }));
      const bindings = await statusOf(rbac.listClusterRoleBinding());

      expect(pods).toEqual({
        ...failure(
          403,
          "Forbidden",
          'pods is forbidden: User "dev" cannot list resource "pods" in API group "" in the namespace "default"',
        ),
        details: { kind: "pods" },
      });
      expect(everywhere.message).toBe(
        'pods is forbidden: User "dev" cannot list resource "pods" in API group "" at the cluster scope',
      );
      expect(one.message).toBe(
        'configmaps "aws-auth" is forbidden: User "dev" cannot get resource "configmaps" in API group "" in the namespace "kube-system"',
      );
      expect(bindings.message).toBe(
        'clusterrolebindings.rbac.authorization.k8s.io is forbidden: User "dev" cannot list resource "clusterrolebindings" in API group "rbac.authorization.k8s.io" at the cluster scope',
      );
    });

    it("can do exactly what a cluster-wide binding gives", async () => {
      await give("viewers");
      const { core } = await people.as(people.dev);

      const pods = await core.listPodForAllNamespaces();
      const write = await statusOf(
        core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: "x" } } }),
      );

      expect(pods.items.length).toBeGreaterThan(2);
      expect(write.message).toContain('cannot create resource "configmaps"');
    });

    it("may do in one namespace what a RoleBinding gives there", async () => {
      await give("shop-team");
      const { core } = await people.as(people.dev);

      const here = await core.listNamespacedPod({ namespace: "default" });
      const elsewhere = await statusOf(core.listNamespacedPod({ namespace: "kube-system" }));

      expect(here.items.map(({ status }) => status?.phase)).toEqual(["Running", "Running"]);
      expect(elsewhere.code).toBe(403);
    });

    it("may do everything in system:masters", async () => {
      await give("system:masters");
      const { core, rbac } = await people.as(people.dev);

      expect((await core.listPodForAllNamespaces({ limit: 1 })).metadata?.remainingItemCount).toBeGreaterThan(0);
      expect((await rbac.listClusterRoleBinding()).items.map(({ metadata }) => metadata?.name)).toContain("viewers");
      const bindings = (await rbac.listRoleBindingForAllNamespaces()).items;
      expect(bindings.find(({ metadata }) => metadata?.name === "shop")).toMatchObject({
        metadata: { name: "shop", namespace: "default" },
        roleRef: { kind: "ClusterRole", name: "edit" },
        subjects: [{ kind: "Group", name: "shop-team" }],
      });
      expect((await rbac.listClusterRole()).items.map(({ metadata }) => metadata?.name)).toEqual(
        expect.arrayContaining(["view", "edit", "cluster-admin"]),
      );
    });

    it("reads one role by its name, and learns which one is absent", async () => {
      const { rbac } = await people.as(people.creator);

      const view = await rbac.readClusterRole({ name: "view" });
      const absent = await statusOf(rbac.readNamespacedRole({ name: "ghost", namespace: "default" }));

      expect(view.rules?.some(({ resources }) => resources?.includes("pods"))).toBe(true);
      expect(absent).toMatchObject({
        code: 404,
        reason: "NotFound",
        message: 'roles.rbac.authorization.k8s.io "ghost" not found',
        details: { name: "ghost", group: "rbac.authorization.k8s.io", kind: "roles" },
      });
    });
  });

  describe("SubjectAccessReview", () => {
    const review = async (spec: object) => {
      const { authorization } = await people.as(people.creator);
      return authorization.createSubjectAccessReview({ body: { spec } });
    };
    const listPods = { verb: "list", resource: "pods", namespace: "default" };

    it("names the binding that gives it", async () => {
      const { status } = await review({ user: "dev", groups: ["viewers"], resourceAttributes: listPods });

      expect(status).toEqual({
        allowed: true,
        reason: 'RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to Group "viewers"',
      });
    });

    it("names the namespace of a RoleBinding", async () => {
      const { status } = await review({ user: "dev", groups: ["shop-team"], resourceAttributes: listPods });

      expect(status?.reason).toBe(
        'RBAC: allowed by RoleBinding "shop/default" of ClusterRole "edit" to Group "shop-team"',
      );
    });

    it("says no without a reason, also for all namespaces where one is given", async () => {
      const nobody = await review({ user: "dev", groups: ["system:authenticated"], resourceAttributes: listPods });
      const everywhere = await review({
        user: "dev",
        groups: ["shop-team"],
        resourceAttributes: { verb: "list", resource: "pods" },
      });

      expect(nobody.status).toEqual({ allowed: false });
      expect(everywhere.status).toEqual({ allowed: false });
    });

    it("adds no group by itself, not even system:authenticated", async () => {
      const path = { verb: "get", path: "/version" };

      const without = await review({ user: "dev", nonResourceAttributes: path });
      const withGroup = await review({ user: "dev", groups: ["system:authenticated"], nonResourceAttributes: path });

      expect(without.status?.allowed).toBe(false);
      expect(withGroup.status?.allowed).toBe(true);
    });

    it.each([
      ["nobody", { resourceAttributes: listPods }, "at least one of user or group must be specified"],
      ["nothing", { user: "dev" }, "exactly one of nonResourceAttributes or resourceAttributes must be specified"],
    ])("is refused about %s", async (_what, spec, message) => {
      const status = await statusOf(review(spec));

      expect(status.code).toBe(422);
      expect(status.message).toContain(message);
    });

    it("is for those who can ask about others", async () => {
      await give("viewers");
      const { authorization } = await people.as(people.dev);

      const status = await statusOf(
        authorization.createSubjectAccessReview({ body: { spec: { user: "x", resourceAttributes: listPods } } }),
      );

      expect(status).toMatchObject({
        code: 403,
        message: expect.stringContaining('cannot create resource "subjectaccessreviews"'),
      });
    });
  });

  describe("SelfSubjectAccessReview", () => {
    it("answers each caller about the caller", async () => {
      await give("viewers");
      const { authorization } = await people.as(people.dev);
      const ask = (verb: string) =>
        authorization.createSelfSubjectAccessReview({
          body: { spec: { resourceAttributes: { verb, resource: "pods", namespace: "default" } } },
        });

      expect((await ask("list")).status?.allowed).toBe(true);
      expect((await ask("delete")).status?.allowed).toBe(false);
    });
  });

  describe("what surrounds the calls", () => {
    it("shows each call and its caller, a dry run by its own name", async () => {
      const { core } = await people.as(people.creator);
      const body = await core.readNamespacedConfigMap({ name: "aws-auth", namespace: "kube-system" });
      await core.replaceNamespacedConfigMap({ name: "aws-auth", namespace: "kube-system", body, dryRun: "All" });
      await core.replaceNamespacedConfigMap({ name: "aws-auth", namespace: "kube-system", body });

      expect(calls.map(({ call, status, by }) => ({ call, status, by }))).toEqual([
        { call: "kubernetes.get-configmap", status: 200, by: "kubernetes-admin" },
        { call: "kubernetes.dry-run-configmap", status: 200, by: "kubernetes-admin" },
        { call: "kubernetes.replace-configmap", status: 200, by: "kubernetes-admin" },
      ]);
    });

    it("can cut a write off after it took effect", async () => {
      const { core } = await people.as(people.creator);
      people.cluster.faults.plan("kubernetes.replace-configmap", { type: "cut-after" });
      const body = await core.readNamespacedConfigMap({ name: "aws-auth", namespace: "kube-system" });

      const write = core.replaceNamespacedConfigMap({
        name: "aws-auth",
        namespace: "kube-system",
        body: { ...body, data: { mapUsers: "[]" } },
      });

      await expect(write).rejects.toThrow();
      expect(people.cluster.awsAuth()?.data).toEqual({ mapUsers: "[]" });
    });

    it("can answer one call with any refusal", async () => {
      const { core } = await people.as(people.creator);
      const busy = statusAnswer(
        failure(429, "TooManyRequests", "too many requests, please try again later", { retryAfterSeconds: 1 }),
        { "retry-after": "1" },
      );
      people.cluster.faults.plan("kubernetes.list-pods", { type: "answer", ...busy });

      const status = await statusOf(core.listNamespacedPod({ namespace: "default" }));

      expect(status).toMatchObject({ code: 429, reason: "TooManyRequests", details: { retryAfterSeconds: 1 } });
    });
  });
});
