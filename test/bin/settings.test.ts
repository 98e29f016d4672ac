import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { SandboxAws } from "../../sandbox/aws/account.ts";
import { explainFailure } from "../../src/access/access-error.ts";
import { sealFleetList } from "../../src/access/policy/fleet-list.ts";
import { doctor } from "../../src/bin/doctor.ts";
import { clusterNamed, readCommandSettings, readSettings, withWorkerContext } from "../../src/bin/settings.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { callWithinMs, withinTime } from "../../src/operations/deadlines.ts";
import { configText } from "../builders/a-cluster.ts";
import { aFleetCluster, fleetText } from "../builders/a-fleet.ts";
import { keys, otherKeys, variablesNamed } from "../builders/keys.ts";
import { addFleetCluster, fleetAccounts, startFleetAws } from "../fleet-scene.ts";
import { aRedis } from "../redis.ts";
import { runCommand } from "./check-run.ts";

const variables = variablesNamed("ours");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-settings-"));
  for (const name of ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "REDIS_URL", "LOG_LEVEL"]) {
    vi.stubEnv(name, undefined);
  }
  for (const [name, value] of Object.entries(variables.worker)) vi.stubEnv(name, value);
  vi.stubEnv("EKS_ACCESS_CONFIG", join(folder, "eks-access.yml"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function configured(text: string): Promise<void> {
  await writeFile(join(folder, "eks-access.yml"), text);
}

test("the environment and the file are read together", async () => {
  await configured(configText);

  const { environment, config } = await readSettings("worker");

  expect(environment.workerKeys?.memory.ids).toEqual(keys.memory.ids);
  expect([...config.clusters.keys()]).toEqual(["staging"]);
});

test("a command's calls have the configured deadlines", async () => {
  const database = await aRedis();
  vi.stubEnv("REDIS_URL", database.url);
  await configured(`${configText}timing: { deadlines: { awsCall: 7s } }\n`);

  const withinMs = await withWorkerContext(await readSettings("worker"), async () => callWithinMs("awsCall"));
  await database.close();

  expect(withinMs).toBe(7_000);
});

test("the problems of both are in one list", async () => {
  vi.stubEnv("MEMORY_KEYS", "hunter2secret");
  await configured(configText.replace("C0ACCESS", '"#access"'));

  const failure = await readSettings("worker").catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "config-invalid" });
  expect(explainFailure(failure)).toBe(`The configuration has 2 problems. Correct them and start again:
  - MEMORY_KEYS: use the secret that \`eks-access keys\` prints, or several with commas (the first seals).
  - clusters.staging.channel: use a Slack channel id, for example C012ABCDEF (not a name).`);
});

test("what the file needs of the environment is named beside mistakes of both", async () => {
  vi.stubEnv("MEMORY_KEYS", "hunter2secret");
  await configured(
    `${configText.replace("C0ACCESS", '"#access"')}slack: { mode: socket }\naudit: { webhook: { url: "https://audit.example.com/" }, keep: 1 }\n`,
  );

  const failure = await readSettings("all").catch((error: unknown) => error);

  expect([...explainFailure(failure).matchAll(/^ {2}- ([^:]+)/gm)].map(([, place]) => place)).toEqual([
    ...["MEMORY_KEYS", "DECISION_SIGNING_KEY", "SLACK_BOT_TOKEN"].toSorted(),
    ...["clusters.staging.channel", "audit.keep", "SLACK_APP_TOKEN", "AUDIT_WEBHOOK_SECRET"],
  ]);
});

test("what the file's mode needs of the environment is part of the list", async () => {
  for (const name of Object.keys(variables.worker)) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(variables.slack)) vi.stubEnv(name, value);
  vi.stubEnv("SLACK_BOT_TOKEN", "xoxb-1");
  await configured(`slack: { mode: socket }\n${configText}`);

  const failure = await readSettings("slack").catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(`The configuration has 1 problem. Correct it and start again:
  - SLACK_APP_TOKEN: use the app-level token (xapp-…), for slack.mode socket.`);
});

test("a missing file is reported with its name", async () => {
  const failure = await readSettings("worker").catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(`The configuration has 1 problem. Correct it and start again:
  - ${join(folder, "eks-access.yml")}: no such file. Copy eks-access.example.yml to it, or set EKS_ACCESS_CONFIG.`);
});

test("a directory in the file's place is reported, with its usual cause", async () => {
  await mkdir(join(folder, "eks-access.yml"));

  const failure = await readSettings("worker").catch((error: unknown) => error);

  expect(explainFailure(failure)).toContain("eks-access.yml: it is a directory. Mount the file there");
});

test("a file that the process may not read is reported as that, and not as missing", async () => {
  await configured(configText);
  await chmod(folder, 0o000);

  const failure = await asNobody(() => readSettings("worker"));
  await chmod(folder, 0o700);

  expect(explainFailure(failure)).toContain("eks-access.yml: permission denied. Let this process read");
});

/** The answer to a user without rights: the superuser can read everything. */
async function asNobody(act: () => Promise<unknown>): Promise<unknown> {
  const isSuperuser = process.geteuid?.() === 0;
  if (isSuperuser) process.seteuid?.(65_534);
  try {
    return await act().catch((error: unknown) => error);
  } finally {
    if (isSuperuser) process.seteuid?.(0);
  }
}

describe("a command about a cluster of the fleet", () => {
  const clusterNames = async () => [...(await readCommandSettings("worker")).config.clusters.keys()];
  let aws: SandboxAws;
  beforeEach(async () => {
    aws = await startFleetAws();
    addFleetCluster(aws, fleetAccounts[1], "shop", { "eks-access": "yes" });
  });
  afterEach(() => aws.stop());

  test("knows it from the list in the ledger, if a worker sealed that, and else finds it itself", async () => {
    await configured(fleetText);
    const database = await aRedis();
    vi.stubEnv("REDIS_URL", database.url);
    const { redis, close } = await connectRedis(database.url);
    const list = { at: new Date().toISOString(), clusters: [aFleetCluster()] };

    await redisLedger(redis).publishFleet(sealFleetList(list, keys.preview), null);
    const genuine = await clusterNames();
    // Of a worker that AWS refused everything.
    await redisLedger(redis).publishFleet(sealFleetList({ ...list, clusters: [] }, keys.preview), null);
    const empty = await clusterNames();
    await redisLedger(redis).publishFleet(sealFleetList(list, otherKeys.preview), null);
    const forged = await clusterNames();
    await close();
    await database.close();

    expect([genuine, empty, forged]).toEqual([["payments"], ["shop"], ["shop"]]);
  });

  test("has the clusters of the file, and those that it finds, while the ledger is down", async () => {
    vi.stubEnv("REDIS_URL", "redis://127.0.0.1:1");
    await configured(`${fleetText}\nclusters:\n  legacy: { region: eu-west-1, account: "111122223333" }\n`);

    expect(await clusterNames()).toEqual(["legacy", "shop"]);
  });

  test("waits for AWS as long as the configuration says", async () => {
    vi.stubEnv("REDIS_URL", "redis://127.0.0.1:1");
    await configured(`${fleetText}timing: { deadlines: { awsCall: 50ms } }\n`);
    aws.faults.plan("sts.AssumeRole", { type: "hang" }, { times: 99 });
    // Three tries with the usual deadline take nine seconds.
    const inTime = <T>(work: Promise<T>) => withinTime(work, 8_000, null);

    const settings = await inTime(readCommandSettings("worker"));
    const examined = await inTime(runCommand(doctor, ["worker"]));

    expect(settings?.config.clusters.size).toBe(0);
    expect(examined?.stdout).toContain("Can't reach AWS for sts:AssumeRole");
  });

  test("is told which account refuses the worker, and where to look for a cluster that nobody found", async () => {
    vi.stubEnv("REDIS_URL", "redis://127.0.0.1:1");
    await configured(fleetText);
    for (const account of fleetAccounts) aws.account.removeIdentity(`arn:aws:iam::${account}:role/eks-access-operator`);
    const { config } = await readCommandSettings("worker");

    const { code, stdout } = await runCommand(doctor, ["worker"]);

    expect(() => clusterNamed(config, "shop")).toThrow("Clusters: none; eks-access doctor worker says why.");
    expect(code).toBe(1);
    expect(stdout).toContain("Configuration\n  ✗ no cluster of the fleet is known. See eks-access doctor worker.\n");
    expect(stdout).toMatch(
      / {2}✗ can't list the clusters of account 444455556666 in eu-central-1\. AWS refused sts:Assume/,
    );
  });
});
