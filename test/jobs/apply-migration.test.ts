import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { approveMigration, decisionDetail, migrationName } from "../../src/approval/migration-approval.ts";
import { accessEntriesOf } from "../../src/aws/access-entries.ts";
import { applyMigration } from "../../src/jobs/apply-migration.ts";
import type { WorkerContext } from "../../src/jobs/context.ts";
import { gatherMigration } from "../../src/jobs/gather-migration.ts";
import { addressOf } from "../../src/jobs/open-cluster.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { planMigration } from "../../src/migration/plan.ts";
import { clusterArnOf } from "../../src/policy/cluster-arn.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { arns, initialAwsAuth } from "../../src/sandbox/scene.ts";
import { sealKeys } from "../builders/seal-keys.ts";
import { sceneConfig } from "../fault/reconcile-scene.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";

const { config, cluster } = sceneConfig();
let sandbox: Sandbox;
let ledger: Ledger;
let kept: object[];
let said: string[];
let pauses: number[];

beforeEach(async () => {
  // Each test has its own: a mode can't be switched back.
  sandbox = await startSandbox();
  const { aws } = sandbox;
  Object.assign(aws.eks, { updateMs: 20, entryDelayMs: 20 });
  aws.account.setAllowed(arns.worker, ["sts:*", "eks:*"]);
  for (const [name, value] of Object.entries(sandbox.environmentOf("worker", { redisUrl: "" }))) {
    if (name.startsWith("AWS_")) vi.stubEnv(name, value);
  }
  [ledger, kept, said, pauses] = [memoryLedger(), [], [], []];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await sandbox.stop();
});

const context = (): WorkerContext => ({
  ...silentContext(ledger),
  ...{ config, sealKeys, now: () => new Date(), pause: async (ms: number) => void pauses.push(ms) },
});

async function digestNow(): Promise<string> {
  const plan = planMigration(await gatherMigration(context(), cluster, "test", []));
  if (plan.type === "refused") throw new Error(plan.message);
  return plan.digest;
}

async function approve(digest: string, ...users: readonly string[]): Promise<void> {
  for (const user of users) {
    const clicked = approveMigration(cluster, { user, memberships: [] }, digest, [], sealKeys, new Date());
    if (clicked.type === "refused") throw new Error(clicked.code);
    const { decision } = clicked;
    const about = { type: "migration.approved", at: decision.at, actor: user, cluster: cluster.name } as const;
    await ledger.append({ ...about, request: migrationName(cluster), detail: { decision: decisionDetail(decision) } });
  }
}

const apply = (digest: string) =>
  applyMigration(context(), {
    cluster,
    told: [],
    digest,
    keep: async (configMap) => void kept.push(configMap.data),
    say: (sentence) => void said.push(sentence),
  });

async function entryOfAdmins() {
  const entries = accessEntriesOf("default", addressOf(cluster));
  try {
    return await entries.describe(arns.admins);
  } finally {
    entries.close();
  }
}

const modeNow = () => sandbox.aws.accessOf(clusterArnOf(cluster))?.mode;

describe("a plan that two approvers have approved", () => {
  test("is carried out step by step, and whoever could sign in before still can", async () => {
    const digest = await digestNow();
    await approve(digest, "U0APPROVER", "U0APPROVER2");

    await apply(digest);

    expect(modeNow()).toBe("API_AND_CONFIG_MAP");
    expect(await entryOfAdmins()).toMatchObject({
      username: "platform-admin:{{SessionName}}",
      groups: [],
      policies: [{ name: "AmazonEKSClusterAdminPolicy", namespaces: null }],
      tags: { "eks-access/migration": "whole" },
    });
    const { mapRoles = "" } = sandbox.cluster.awsAuth()?.data ?? {};
    expect(mapRoles).toContain(arns.node);
    expect(mapRoles).not.toContain(arns.admins);
    expect(kept).toEqual([initialAwsAuth]);
    expect(pauses).toEqual([60_000]);
    await expect.poll(() => sandbox.getPods("U0APPROVER")).toMatchObject({ ok: true });
    const steps = (await ledger.eventsOf(migrationName(cluster), 9)).flatMap(({ event }) => event.detail.step ?? []);
    expect(steps).toEqual(["switch-mode", "give-entry", "take-out"]);
    expect(said).toHaveLength(3);
    await apply(await digestNow()).catch(() => {});
    expect(kept).toHaveLength(1);
  });

  test.each(["eks.UpdateClusterConfig", "eks.CreateAccessEntry", "eks.AssociateAccessPolicy", "eks.TagResource"])(
    "and whose run dies at %s is carried out by the next one; meanwhile nothing is out of aws-auth",
    async (call) => {
      const digest = await digestNow();
      await approve(digest, "U0APPROVER", "U0APPROVER2");
      const headers = { "x-amzn-errortype": "AccessDeniedException" };
      sandbox.aws.faults.plan(call, { type: "answer", status: 403, headers, body: "{}" });

      await expect(apply(digest)).rejects.toThrow(call.replace("eks.", "eks:"));

      expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
      await expect.poll(() => sandbox.getPods("U0APPROVER")).toMatchObject({ ok: true });
      await apply(digest);
      expect(sandbox.cluster.awsAuth()?.data?.mapRoles).not.toContain(arns.admins);
      expect(await entryOfAdmins()).toMatchObject({ tags: { "eks-access/migration": "whole" } });
    },
  );

  test("counts no more when aws-auth says something else", async () => {
    const digest = await digestNow();
    await approve(digest, "U0APPROVER", "U0APPROVER2");
    const mapRoles = initialAwsAuth.mapRoles?.replace("platform-admin:", "platform:") ?? "";
    sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles } }));

    await expect(apply(digest)).rejects.toThrow("The plan is another one now");

    expect(modeNow()).toBe("CONFIG_MAP");
  });
});

test.each([[[]], [["U0APPROVER"]]])("approved by %j nothing is carried out", async (users) => {
  const digest = await digestNow();
  await approve(digest, ...users);

  await expect(apply(digest)).rejects.toThrow(`${users.length} of 2 approvers`);

  expect(modeNow()).toBe("CONFIG_MAP");
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});
