import { DisassociateAccessPolicyCommand } from "@aws-sdk/client-eks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { aClusterWithEntries, type ClusterWithEntries, clusterName, policyArn } from "./a-cluster-with-entries.ts";
import { statusOf } from "./clients.ts";
import { implementations } from "./implementations.ts";

// Copies: EKS User Guide, "Associate access policies with access entries", "Review access policy permissions".

describe.each(implementations)("%s", (_name, start) => {
  let on: ClusterWithEntries;
  beforeAll(async () => {
    on = await aClusterWithEntries(start);
  });
  beforeEach(() => on.reset());
  afterAll(() => on.people.stop());

  describe("an access policy", () => {
    it("allows exactly what its table says", async () => {
      await on.give();
      await on.associate("AmazonEKSViewPolicy");
      const { core, rbac } = await on.dev();

      const pods = await core.listPodForAllNamespaces();
      const refusals = [
        await statusOf(core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: "x" } } })),
        await statusOf(rbac.listNamespacedRole({ namespace: "default" })),
      ];

      expect(pods.items.length).toBeGreaterThan(2);
      expect(refusals.map(({ code }) => code)).toEqual([403, 403]);
    });

    it("allows it in its namespaces alone, with wildcards", async () => {
      await on.give();
      await on.associate("AmazonEKSEditPolicy", "kube-*");
      const { core } = await on.dev();

      const there = await core.listNamespacedPod({ namespace: "kube-system" });
      const refusals = [
        await statusOf(core.listNamespacedPod({ namespace: "default" })),
        await statusOf(core.listPodForAllNamespaces()),
      ];

      expect(there.items.length).toBeGreaterThan(1);
      expect(refusals.map(({ code }) => code)).toEqual([403, 403]);
    });

    it("has no effect once it is removed, with the same token", async () => {
      await on.give();
      await on.associate("AmazonEKSAdminViewPolicy");
      const { core } = await on.dev();
      const before = await core.listPodForAllNamespaces();
      const association = {
        clusterName,
        principalArn: on.people.dev,
        policyArn: policyArn("AmazonEKSAdminViewPolicy"),
      };
      await on.eks.send(new DisassociateAccessPolicyCommand(association));

      expect(before.items.length).toBeGreaterThan(2);
      expect((await statusOf(core.listPodForAllNamespaces())).code).toBe(403);
    });

    it("adds to what the groups of the entry give", async () => {
      await on.give({ kubernetesGroups: ["viewers"] });
      await on.associate("AmazonEKSEditPolicy", "default");
      const { core } = await on.dev();

      const body = { metadata: { name: "beside" } };
      const created = await core.createNamespacedConfigMap({ namespace: "default", body });
      await core.deleteNamespacedConfigMap({ namespace: "default", name: "beside" });

      expect(created.metadata?.name).toBe("beside");
      expect((await core.listPodForAllNamespaces()).items.length).toBeGreaterThan(2);
    });

    it("counts in a caller's own review, and in no review of a username", async () => {
      await on.give({ username: "dev" });
      await on.associate("AmazonEKSViewPolicy");
      await on.map("unused");
      const spec = { resourceAttributes: { verb: "list", resource: "pods", namespace: "default" } };

      const { authorization } = await on.dev();
      const own = await authorization.createSelfSubjectAccessReview({ body: { spec } });
      const creator = await on.people.as(on.people.creator);
      const ofUser = await creator.authorization.createSubjectAccessReview({
        body: { spec: { ...spec, user: "dev" } },
      });

      expect(own.status?.allowed).toBe(true);
      expect(own.status?.reason).toBe(
        `EKS Access Policy: allowed by ClusterRoleBinding "${on.people.dev}+${policyArn("AmazonEKSViewPolicy")}" of ClusterRole "${policyArn("AmazonEKSViewPolicy")}" to User "${on.people.aws.account.identity(on.people.dev)?.id}"`,
      );
      expect(ofUser.status?.allowed).toBe(false);
    });
  });
});
