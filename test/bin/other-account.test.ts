import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { account, arns, clusterArn, configuration, externalId, initialAwsAuth } from "../../sandbox/scene.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { runBootstrap } from "../../src/bin/bootstrap.ts";
import { recover } from "../../src/bin/recover.ts";
import { runRescue } from "../../src/bin/rescue.ts";
import { retire } from "../../src/bin/retire.ts";
import { readSettings, withWorkerContext } from "../../src/bin/settings.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { checkOwnAccount } from "../../src/worker/open-eks.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { adoptRescues, endRescuesByTags } from "../../src/worker/rescue/adopt-rescues.ts";
import { endRescues } from "../../src/worker/rescue/rescue-lease.ts";
import { variablesNamed } from "../builders/keys.ts";
import { sceneConfig } from "../fault/reconcile-scene.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { addOperator, operatorArn, timesCreator } from "../operator-scene.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { migrationScene } from "../worker/migration/migration-scene.ts";
import { ask, give, revokeGiven } from "../worker/reconcile/both-ways.ts";
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
  return withWorkerContext(settings, (context) => run(context, { ...cluster, ...change }));
}

/** The operator's role, which trusts the worker of the other account, with these policies as they ship, for this cluster. */
async function letOperatorIn(...files: readonly string[]) {
  const { account: identities } = sandbox.aws;
  if (!identities.identity(operatorArn)) addOperator(sandbox.aws);
  identities.setTrust(operatorArn, { principals: ["arn:aws:iam::999988887777:role/eks-access-worker"], externalId });
  identities.setAllowed(operatorArn, []);
  const texts = files.map((file) => readFileSync(new URL(`../../deploy/iam/${file}.json`, import.meta.url), "utf8"));
  const Statement = texts.flatMap((text) => JSON.parse(text.replaceAll("payments", "staging")).Statement);
  const policy = JSON.stringify({ Version: "2012-10-17", Statement });
  identities.setPolicy(operatorArn, policy.replaceAll(":role/cluster-rescuer", ":role/rescuers/rescuer"));
  return { type: "role", roleArn: operatorArn, externalId, through: [] } as const;
}

/** Names the operator in eks-access.yml, as the settings of a command. */
async function useOperator({ roleArn }: { readonly roleArn: string }): Promise<void> {
  const file = join(folder, "operator.yml");
  const operator = `operator: { roleArn: "${roleArn}", externalId: ${externalId} }`;
  await writeFile(file, (configuration + emergency).replace("    creator:", `    ${operator}\n    creator:`));
  vi.stubEnv("EKS_ACCESS_CONFIG", file);
}

describe("a worker in another account, which has a cluster of the same name and region", () => {
  test("gives and ends access through aws-auth in the configured cluster alone", async () => {
    const given = await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    const during = sandbox.cluster.awsAuth()?.data?.mapUsers ?? "";
    const ended = await asWorker((context, cluster) => revokeGiven(context, cluster, "r-1"));

    expect(given.lease?.state).toBe("active");
    expect(during).toContain(arns.engineer);
    expect(ended.lease?.state).toBe("ended");
    expect(twin.seen()).toBe(untouched);
  });

  test("gives and ends access through access entries in the configured cluster alone", async () => {
    sandbox.aws.updateCluster(real, { authenticationMode: "API_AND_CONFIG_MAP" });
    sandbox.aws.updateCluster(twin.arn, { authenticationMode: "API_AND_CONFIG_MAP" });
    untouched = twin.seen();

    const given = await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    const during = principalsIn(real);
    const ended = await asWorker((context, cluster) => revokeGiven(context, cluster, "r-1"));

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

  test("migrates the configured cluster alone to access entries", async () => {
    const scene = migrationScene(memoryLedger());
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");

    const migration = await scene.toItsEnd();

    expect(migration).toMatchObject({ state: "done", trouble: null });
    expect(modeOf(real)).toBe("API_AND_CONFIG_MAP");
    expect(principalsIn(real)).toContain(arns.admins);
    expect(twin.seen()).toBe(untouched);
  });

  test("beside an operator a migration is carried out as that while it has the policy, and never as the creator", async () => {
    const operator = await letOperatorIn("operator-policy");
    await useOperator(operator);
    await runCommand(runBootstrap, ["staging", "--apply"]);
    const before = timesCreator(sandbox.aws);
    const { config, cluster } = sceneConfig();
    const operated = { ...cluster, operator };
    const clusters = new Map([[cluster.name, operated]]);
    const approved = async () => {
      const scene = migrationScene(memoryLedger(), undefined, { config: { ...config, clusters }, cluster: operated });
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      return scene;
    };

    const refused = await (await approved()).look();
    await letOperatorIn("operator-policy", "migration-policy");
    const migration = await (await approved()).toItsEnd();

    expect(refused.trouble?.message).toMatch(/:assumed-role\/eks-access-operator\/.*migration-policy\.json/s);
    expect(migration).toMatchObject({ state: "done", trouble: null });
    expect(principalsIn(real)).toContain(arns.admins);
    expect(timesCreator(sandbox.aws)).toBe(before);
  });

  test("rescues the configured cluster alone, and ends that there", async () => {
    await sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: {} }));

    const { code, stdout } = await rescue("--yes", "--document", good);

    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("Rescued: ") });
    expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(modeOf(real)).toBe("API_AND_CONFIG_MAP");
    expect(principalsIn(real)).not.toContain(rescuer);
    expect(twin.seen()).toBe(untouched);
  });

  test("beside an operator it finds and ends rescues as that, with the rights that the operator always has", async () => {
    const operated = { operator: await letOperatorIn("operator-policy") };
    await rescue("--yes", "--keep");
    const before = timesCreator(sandbox.aws);

    await asWorker(adoptRescues, operated);
    const early = await asWorker(endRescuesByTags, operated);
    const during = principalsIn(real);
    const late = await asWorker((context, cluster) => endRescuesByTags({ ...context, now: later }, cluster), operated);

    expect([early.ended, late.ended.length]).toEqual([[], 1]);
    expect(during).toContain(rescuer);
    expect(principalsIn(real)).not.toContain(rescuer);
    expect(timesCreator(sandbox.aws)).toBe(before);
  });

  test("beside an operator a rescue is carried out as that, with the policy of a rescue, and never as the creator", async () => {
    await useOperator(await letOperatorIn("operator-policy", "rescue-policy"));
    sandbox.aws.account.setTrust(arns.creator, { principals: [] });
    await sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: {} }));

    const { code, stdout } = await rescue("--yes", "--document", good);

    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("Rescued: ") });
    expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(principalsIn(real)).not.toContain(rescuer);
    expect(timesCreator(sandbox.aws)).toBe(0);
  });

  test("an operator without the policy of a rescue switches no mode, and the answer names the role and the policy", async () => {
    await useOperator(await letOperatorIn("operator-policy"));

    const { code, stderr } = await rescue("--yes", "--document", good);

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(":assumed-role/eks-access-operator/"),
    });
    expect(stderr).toContain("deploy/iam/rescue-policy.json");
    expect([modeOf(real), timesCreator(sandbox.aws)]).toEqual(["CONFIG_MAP", 0]);
  });

  test("ends a rescue after its time in the configured cluster alone", async () => {
    await rescue("--yes", "--keep");
    const during = principalsIn(real);

    await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

    expect(during).toContain(rescuer);
    expect(principalsIn(real)).not.toContain(rescuer);
    expect(twin.seen()).toBe(untouched);
  });

  test("ends a rescue through the role on the way, after the creator was lost", async () => {
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

    await expect(starting).rejects.toThrow(/arn:aws:\S+999988887777\S+ can.t reach staging in account 111122223333/);
  });

  test("recovers a rescue that was made without Redis from the configured cluster alone", async () => {
    await rescue("--yes", "--keep", "--without-ledger");

    const recovered = await runCommand(recover, ["staging"]);

    expect(recovered).toMatchObject({ code: 0, stdout: expect.stringContaining("recovered 1 lease") });
    expect(twin.seen()).toBe(untouched);
  });

  test("recovers leases from the configured cluster alone", async () => {
    await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    await redis.close();
    redis = await aRedis();
    vi.stubEnv("REDIS_URL", redis.url);

    const { recovered } = await asWorker((context, cluster) => adoptCluster(context, cluster));

    expect(recovered).toEqual(["r-1"]);
    expect(twin.seen()).toBe(untouched);
  });

  test("closes the configured cluster's requests only when that cluster is gone", async () => {
    await asWorker((context, cluster) => give(context, cluster, { id: "r-1" }));
    const closing = () => runCommand(retire, ["staging", "--by", "U0ONCALL", "--why", "deleted"]);

    const before = await closing();
    sandbox.aws.removeCluster(real);
    const after = await closing();

    expect(before).toMatchObject({ code: 1, stderr: expect.stringContaining("EKS still has staging") });
    expect(after).toMatchObject({ code: 0, stdout: "staging: closed 1 request (r-1)\n" });
    expect(twin.seen()).toBe(untouched);
  });
});
