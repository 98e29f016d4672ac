import { afterEach, expect, test } from "vitest";
import { arns, externalId, initialAwsAuth } from "../../../sandbox/scene.ts";
import { clusterArnOf } from "../../../src/access/policy/cluster.ts";
import { gatherMigration } from "../../../src/worker/migration/gather-migration.ts";
import { reportMigration } from "../../../src/worker/migration/look-at-migration.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();

function report() {
  const { cluster, context } = workerSide();
  return reportMigration(context(), cluster, { user: "U0APPROVER", givenArns: [] });
}

const write = (data: Readonly<Record<string, string>>) =>
  workerSide().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...data } }));

afterEach(() => {
  workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
  write(initialAwsAuth);
});

test("a migration is planned from the cluster's state, and nothing is written", async () => {
  const before = workerSide().sandbox.cluster.awsAuth();

  expect(await report()).toMatchObject({
    type: "planned",
    mode: "CONFIG_MAP",
    items: [
      { place: "mapRoles line 2", arn: arns.node, outcome: "nodes" },
      { place: "mapRoles line 8", arn: arns.admins, outcome: "moves" },
    ],
    steps: [
      { undo: expect.stringContaining("can't switch back") },
      { does: expect.stringContaining("AmazonEKSClusterAdminPolicy") },
      { does: expect.stringContaining("Remove this item from aws-auth") },
    ],
    before: ["arn:aws:iam::111122223333:role/eks-node"],
  });
  expect(workerSide().sandbox.cluster.awsAuth()).toEqual(before);
});

test("an unreadable document can't be migrated", async () => {
  write({ mapRoles: "- rolearn: [" });

  expect(await report()).toMatchObject({ type: "refused", message: expect.stringContaining("mapRoles, line 2") });
});

test("what keeps the worker from looking is reported in one sentence", async () => {
  workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

  expect(await report()).toMatchObject({
    type: "failed",
    message: expect.stringContaining("Check the role's policies, trust policy"),
  });
});

test("a look includes access entries as soon as the mode has them", async () => {
  const { sandbox, cluster, context } = workerSide();
  sandbox.aws.updateCluster(clusterArnOf(cluster), { authenticationMode: "API_AND_CONFIG_MAP" });

  const asked = { id: "migrate", requester: "U0APPROVER", givenArns: [] };
  const { mode, presentEntries } = await gatherMigration(context(), cluster, asked);

  expect(mode).toBe("API_AND_CONFIG_MAP");
  expect(presentEntries).toMatchObject([
    { principalArn: arns.creator, policies: [{ name: "AmazonEKSClusterAdminPolicy", namespaces: null }] },
  ]);
});
