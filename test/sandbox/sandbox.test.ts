import { CreateAccessEntryCommand, EKSClient, ListAccessEntriesCommand } from "@aws-sdk/client-eks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, principals, region } from "../../sandbox/scene.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ everyMode: true });
});
afterAll(() => sandbox.stop());

test("everyone of the workspace is a principal in AWS", () => {
  expect(sandbox.slack.people.filter(({ id }) => !sandbox.aws.account.identity(principals[id] ?? ""))).toEqual([]);
});

test("kubectl admits exactly the people in the document", async () => {
  const getsIn: Record<string, boolean> = {};

  for (const { id } of sandbox.slack.people) getsIn[id] = (await sandbox.getPods(id)).ok;

  expect(getsIn).toEqual({ U0ENGINEER: false, U0APPROVER: true, U0APPROVER2: true, U0ONCALL: false });
});

/** A client that may do in EKS what the creator of the clusters may. */
function asCreator(): EKSClient {
  const credentials = sandbox.aws.account.sessionFor(arns.creator, "me");
  return new EKSClient({ endpoint: sandbox.aws.url, region, credentials, maxAttempts: 1 });
}

describe("the clusters that take access entries", () => {
  test.each(["checkout", "analytics"])(
    "%s lets the platform team in, and the engineer by an entry alone",
    async (name) => {
      const team = await sandbox.getPods("U0APPROVER", name);
      const before = await sandbox.getPods("U0ENGINEER", name);
      const entry = { clusterName: name, principalArn: arns.engineer, kubernetesGroups: ["eks-access:viewers"] };
      await asCreator().send(new CreateAccessEntryCommand(entry));

      await expect.poll(async () => (await sandbox.getPods("U0ENGINEER", name)).ok).toBe(true);
      expect([team.ok, before.ok]).toEqual([true, false]);
      expect((await sandbox.getPods("U0ENGINEER")).ok).toBe(false);
    },
  );

  test.each([
    ["checkout", [arns.creator, arns.node]],
    ["analytics", [arns.creator, arns.node, arns.admins]],
  ])("%s has the entries that EKS made, and the engineer's", async (clusterName, own) => {
    const { accessEntries } = await asCreator().send(new ListAccessEntriesCommand({ clusterName }));

    expect(accessEntries).toEqual([...own, arns.engineer]);
  });

  test("checkout has a document, analytics never had one", () => {
    expect(sandbox.clusters.get("checkout")?.awsAuth()?.data?.mapRoles).toContain(arns.admins);
    expect(sandbox.clusters.get("analytics")?.awsAuth()).toBeNull();
  });
});
