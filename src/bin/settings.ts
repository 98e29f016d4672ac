import { AccessError } from "../access/access-error.ts";
import { type Cluster, zoneByName } from "../access/policy/cluster.ts";
import { type FleetList, readFleetList } from "../access/policy/fleet-list.ts";
import type { WorkerKeys } from "../access/seal.ts";
import { type Config, neededBy, readConfig } from "../config/config.ts";
import { type Environment, readEnvironment, slackModeProblems, webhookProblems } from "../config/environment.ts";
import type { ProcessKind } from "../config/key-environment.ts";
import { readConfigFile } from "../config/live-config.ts";
import type { RedisClient } from "../ledger/client.ts";
import { connectLedger } from "../ledger/connect.ts";
import { redisLedger } from "../ledger/ledger.ts";
import { openQueues, type Queues } from "../ledger/queues.ts";
import { withDeadlines } from "../operations/deadlines.ts";
import { createLog, FailureLog } from "../operations/log.ts";
import type { WorkerContext } from "../worker/context.ts";
import { unusable } from "./process-io.ts";

export interface Settings {
  readonly environment: Environment;
  readonly config: Config;
  /** The text of `eks-access.yml`, and its SHA-256 in hex. */
  readonly text: string;
  readonly digest: string;
}

/** Reads the environment and `eks-access.yml`. @throws AccessError `config-invalid` with every problem at once */
export async function readSettings(kind: ProcessKind): Promise<Settings> {
  const { environment, problems } = readEnvironment(process.env, kind);
  const file = await readConfigFile(process.env.EKS_ACCESS_CONFIG || "eks-access.yml");
  const reading = file.type === "text" ? readConfig(file.text) : { type: "invalid" as const, problems: [file.problem] };
  const { mode, hasWebhook = false } = file.type === "text" ? neededBy(file.text) : {};
  const all = [
    ...problems,
    ...(reading.type === "invalid" ? reading.problems : []),
    ...(mode ? slackModeProblems(process.env, kind, mode) : []),
    ...(kind === "slack" ? [] : webhookProblems(Boolean(process.env.AUDIT_WEBHOOK_SECRET), hasWebhook)),
  ];
  if (all.length > 0 || !environment || reading.type === "invalid" || file.type === "unreadable") {
    const list = all.map((problem) => `\n  - ${problem}`).join("");
    throw new AccessError(
      "config-invalid",
      `The configuration has ${all.length} problem${all.length === 1 ? "" : "s"}`,
      { remedy: `Correct ${all.length === 1 ? "it" : "them"} and start again:${list}` },
    );
  }
  return { environment, config: reading.config, text: file.text, digest: file.digest };
}

/** The same for a command, with the clusters of the fleet: from the ledger, or else from AWS with a worker's keys. */
export async function readCommandSettings(kind: ProcessKind): Promise<Settings> {
  const settings = await readSettings(kind);
  if (!settings.config.fleet) return settings;
  const now = new Date();
  const sealed = await sealedFleet(settings.environment, now).catch(() => null);
  // A worker that AWS refused sealed an empty one.
  const list = sealed?.clusters.length ? sealed : await foundFleet(settings, now);
  const reading = readConfig(settings.text, { clusters: list?.clusters ?? [], now });
  return reading.type === "config" ? { ...settings, config: reading.config } : settings;
}

export async function sealedFleet(environment: Environment, now: Date): Promise<FleetList | null> {
  const keys = environment.workerKeys?.preview ?? environment.slackKeys?.preview;
  const { redis, close } = await connectLedger(environment.redisUrl, environment.redisAccess);
  try {
    return keys ? readFleetList(await redisLedger(redis).fleet(), keys, now) : null;
  } finally {
    await close();
  }
}

export function clusterNamed({ clusters }: Pick<Config, "clusters">, name: string): Cluster {
  const known = [...clusters.keys()].join(", ") || "none; eks-access doctor worker says why";
  return clusters.get(name) ?? unusable(`There is no cluster ${name}. Clusters: ${known}.`);
}

async function foundFleet({ environment, config }: Settings, now: Date): Promise<FleetList | null> {
  if (!environment.workerKeys || !config.fleet) return null;
  const { discoverFleet } = await import("../worker/upkeep/look-at-fleet.ts");
  const { fleet, timing } = config;
  return withDeadlines(timing.deadlines, () => discoverFleet(fleet, null, now));
}

export function workerKeysOf({ environment }: Settings): WorkerKeys {
  if (environment.workerKeys) return environment.workerKeys;
  throw new Error("These settings have no keys of a worker.");
}

/** Runs a command in the worker's place, with its ledger. @throws AccessError */
export async function withWorkerContext<T>(
  settings: Settings,
  run: (context: WorkerContext & { readonly queues: Queues }, redis: RedisClient) => Promise<T>,
): Promise<T> {
  const { environment, config } = settings;
  const { redis, forQueues, close } = await connectLedger(environment.redisUrl, environment.redisAccess);
  const zoneOf = zoneByName(() => config);
  const queues = openQueues(forQueues, zoneOf);
  const log = createLog("silent", "command");
  try {
    const context = {
      ...{ ledger: redisLedger(redis), queues, log, failures: new FailureLog(log), config },
      ...{ keys: workerKeysOf(settings), now: () => new Date() },
    };
    return await withDeadlines(config.timing.deadlines, () => run(context, redis));
  } finally {
    await queues.close();
    await close();
  }
}
