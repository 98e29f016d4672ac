import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { account, arns, clusterArn, configuration, externalId, initialAwsAuth } from "../../sandbox/scene.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { recover } from "../../src/bin/recover.ts";
import { runRescue } from "../../src/bin/rescue.ts";
import { retire } from "../../src/bin/retire.ts";
import { readSettings, withWorkerContext } from "../../src/bin/settings.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { lastCreatorUse } from "../../src/worker/open/creator-use.ts";
import { checkOwnAccount } from "../../src/worker/open/open-eks.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { adoptRescues, endRescuesByTags } from "../../src/worker/rescue/adopt-rescues.ts";
import { endRescues } from "../../src/worker/rescue/rescue-lease.ts";
import { variablesNamed } from "../builders/keys.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { addOperator, operatorArn, timesCreator } from "../operator-scene.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { migrationScene } from "../worker/migration/migration-scene.ts";
import { ask, give, takeBack } from "../worker/reconcile/both-ways.ts";
import { runCommand } from "./check-run.ts";
import { startTwin, type Twin } from "./twin.ts";

const rescuer = `arn:aws:iam::${account}:role/rescuers/rescuer`;
const emergency = `policy:
  rules: [{ name: all }]
  breakGlass: [{ who: [U0ONCALL], level: viewer, for: 2h }]
`;
const real = clusterArn("staging");

let sandbox: Sandbox;
let twin: Twin;
let redis: TestRedis;
let folder: string;
let good: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-twin-"));
  good = join(folder, "aws-auth.json");
  await writeFile(good, JSON.stringify(initialAwsAuth));
});
afterAll(() => rm(folder, { recursive: true }));

let untouched: string;
beforeEach(async () => {
  [sandbox, redis] = await Promise.all([startSandbox({ configuration: configuration + emergency }), aRedis()]);
  Object.assign(sandbox.aws.eks, { updateMs: 20, entryDelayMs: 20 });
  twin = await startTwin(sandbox);
  sandbox.aws.account.addRole({
    name: "rescuer",
    path: "/rescuers/",
    trust: { principals: [arns.creator, "arn:aws:iam::999988887777:role/eks-access-worker"] },
  });
  // The requests of this file are decided with the tests' own key.
  const { DECISION_PUBLIC_KEYS } = variablesNamed("ours").worker;
  const own = sandbox.environmentOf("worker", { redisUrl: redis.url });
  const environment = { ...own, ...twin.environment, DECISION_PUBLIC_KEYS };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  untouched = twin.seen();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([twin.stop(), sandbox.stop(), redis.close()]);
});

const order = ["staging", "--role", rescuer, "--for", "1h", "--by", "U0ONCALL", "--reason", "nobody gets in"];
const rescue = (...more: string[]) => runCommand(runRescue, [...order, ...more]);
const later = () => new Date(Date.now() + 2 * 3600 * 1000);
const modeOf = (arn: string) => sandbox.aws.cluster(arn)?.authenticationMode;
const principalsIn = (arn: string) => sandbox.aws.cluster(arn)?.accessEntries.map(({ principalArn }) => principalArn);

async function asWorker<T>(
  run: (context: WorkerContext, cluster: Cluster) => Promise<T>,
  change: Partial<Cluster> = {},
): Promise<T> {
  const settings = await readSettings("worker");
  const cluster = settings.config.clusters.get("staging");
  if (!cluster) throw new Error("there is no cluster staging");
  return withWorkerContext(settings, "test", (context) => run(context, { ...cluster, ...change }));
}

describe("a worker in another account, which has a cluster of the same name and region", () => {
  test("gives and takes access by aws-auth in the configured cluster alone", async () => {
    const given = await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    const during = sandbox.cluster.awsAuth()?.data?.mapUsers ?? "";
    const ended = await asWorker((context, cluster) => takeBack(context, cluster, "r-1"));

    expect(given.lease?.state).toBe("active");
    expect(during).toContain(arns.engineer);
    expect(ended.lease?.state).toBe("ended");
    expect(twin.seen()).toBe(untouched);
  });

  test("gives and takes access by access entries in the configured cluster alone", async () => {
    sandbox.aws.updateCluster(real, { authenticationMode: "API_AND_CONFIG_MAP" });
    sandbox.aws.updateCluster(twin.arn, { authenticationMode: "API_AND_CONFIG_MAP" });
    untouched = twin.seen();

    const given = await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    const during = principalsIn(real);
    const ended = await asWorker((context, cluster) => takeBack(context, cluster, "r-1"));

    expect(given.lease?.state).toBe("active");
    expect(during).toContain(arns.engineer);
    expect(ended.lease?.state).toBe("ended");
    expect(twin.seen()).toBe(untouched);
  });

  test("gives nothing by its own identity, and names both accounts", async () => {
    sandbox.aws.updateCluster(real, { authenticationMode: "API_AND_CONFIG_MAP" });
    sandbox.aws.updateCluster(twin.arn, { authenticationMode: "API_AND_CONFIG_MAP" });
    untouched = twin.seen();
    const asWorkerItself = { accessEntries: { as: "worker" as const, rolePaths: [] } };

    const asked = await asWorker((context, cluster) => ask(context, cluster, { id: "r-1" }), asWorkerItself);

    expect(asked).toMatchObject({ state: "pending", preview: null, trouble: { code: "cluster-mismatch" } });
    expect(asked.trouble?.message).toMatch(/999988887777.*111122223333.*accessEntries\.as/);
    expect(twin.seen()).toBe(untouched);
  });

  test("moves the configured cluster alone to access entries", async () => {
    const scene = migrationScene(memoryLedger());
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");

    const migration = await scene.toItsEnd();

    expect(migration).toMatchObject({ state: "done", trouble: null });
    expect(modeOf(real)).toBe("API_AND_CONFIG_MAP");
    expect(principalsIn(real)).toContain(arns.admins);
    expect(twin.seen()).toBe(untouched);
  });

  test("rescues the configured cluster alone, and ends that there", async () => {
    await sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: {} }));

    const { code, stdout } = await rescue("--yes", "--document", good);

    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("the rescue is over") });
    expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(modeOf(real)).toBe("API_AND_CONFIG_MAP");
    expect(principalsIn(real)).not.toContain(rescuer);
    expect(twin.seen()).toBe(untouched);
  });

  test("beside an operator it looks for rescues as that, and becomes the creator only to end one, in the audit log too", async () => {
    const creatorsBefore = () => timesCreator(sandbox.aws);
    addOperator(sandbox.aws);
    sandbox.aws.account.setTrust(operatorArn, {
      principals: ["arn:aws:iam::999988887777:role/eks-access-worker"],
      externalId,
    });
    const operated = { operator: { type: "role", roleArn: operatorArn, externalId, through: [] } } as const;
    await rescue("--yes", "--keep");
    const before = creatorsBefore();

    await asWorker(adoptRescues, operated);
    const early = await asWorker(endRescuesByTags, operated);
    const looked = creatorsBefore();
    const late = await asWorker((context, cluster) => endRescuesByTags({ ...context, now: later }, cluster), operated);
    const uses = await asWorker((context, cluster) => lastCreatorUse(context.ledger, cluster), operated);

    expect([looked, early.ended, late.ended.length]).toEqual([before, [], 1]);
    expect(creatorsBefore()).toBe(before + 1);
    expect(uses).toMatchObject({ type: "creator.used", detail: { use: "rescue", operator: operatorArn } });
    expect(principalsIn(real)).not.toContain(rescuer);
  });

  test("ends a rescue after its time in the configured cluster alone", async () => {
    await rescue("--yes", "--keep");
    const during = principalsIn(real);

    await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

    expect(during).toContain(rescuer);
    expect(principalsIn(real)).not.toContain(rescuer);
    expect(twin.seen()).toBe(untouched);
  });

  test("ends a rescue through the role on the way, where the creator is what was lost", async () => {
    const { arn: hub } = sandbox.aws.account.addRole({
      name: "cluster-hub",
      allow: ["eks:*"],
      trust: { principals: ["arn:aws:iam::999988887777:role/eks-access-worker"] },
    });
    await rescue("--yes", "--keep");
    sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    const creator = { type: "role", roleArn: arns.creator, through: [{ roleArn: hub }] } as const;
    await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster), { creator });

    expect(principalsIn(real)).not.toContain(rescuer);
    expect(twin.seen()).toBe(untouched);
  });

  test("does not start where its own identity is to make access entries of another account", async () => {
    const starting = asWorker(async (context, cluster) => {
      const entries = { as: "worker" as const, rolePaths: [] };
      const clusters = new Map([["staging", { ...cluster, accessEntries: entries }]]);
      await checkOwnAccount({ ...context, config: { ...context.config, clusters } });
    });

    await expect(starting).rejects.toThrow(/of account 999988887777, and staging is in account 111122223333/);
  });

  test("recovers a rescue that was made without Redis from the configured cluster alone", async () => {
    await rescue("--yes", "--keep", "--without-ledger");

    const recovered = await runCommand(recover, ["staging"]);

    expect(recovered).toMatchObject({ code: 0, stdout: expect.stringContaining("1 leases recovered") });
    expect(twin.seen()).toBe(untouched);
  });

  test("recovers grants from the configured cluster alone", async () => {
    await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    await redis.close();
    redis = await aRedis();
    vi.stubEnv("REDIS_URL", redis.url);

    const { recovered } = await asWorker((context, cluster) => adoptCluster(context, cluster));

    expect(recovered).toEqual(["r-1"]);
    expect(twin.seen()).toBe(untouched);
  });

  test("closes what is open of the configured cluster only when that one is gone", async () => {
    await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    const closing = () => runCommand(retire, ["staging", "--by", "U0ONCALL", "--why", "deleted"]);

    const before = await closing();
    sandbox.aws.removeCluster(real);
    const after = await closing();

    expect(before).toMatchObject({ code: 1, stderr: expect.stringContaining("EKS still has staging") });
    expect(after).toMatchObject({ code: 0, stdout: "staging: 1 closed (r-1)\n" });
    expect(twin.seen()).toBe(untouched);
  });
});
