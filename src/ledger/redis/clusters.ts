import { randomUUID } from "node:crypto";
import { parseJson } from "../../access/approval/seal.ts";
import type { Zone } from "../../access/policy/cluster.ts";
import type { ClusterTrouble, Outage } from "../../access/request/retry.ts";
import {
  type ClusterLedger,
  type FleetLedger,
  type RefusedFile,
  refusalGoodForMs,
  type TurnLedger,
} from "../ledger.ts";
import { type RedisClient, readOr } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import type { StoredReader } from "./stored.ts";

const prefix = "{eks-access}";
const keys = {
  adopted: `${prefix}:adopted`,
  troubles: `${prefix}:cluster-troubles`,
  /** A hash: the open outage of each cluster that operators heard of. */
  outages: `${prefix}:outages`,
  /** A hash: when others last reverted our writes, ISO 8601. */
  reverted: `${prefix}:reverted`,
  creations: `${prefix}:creations`,
  /** A hash: the namespaces of each cluster, as a worker published them. */
  namespaces: `${prefix}:namespaces`,
  workerIdentity: `${prefix}:worker-identity`,
  /** A hash: when each zone last had a worker, ISO 8601. */
  zones: `${prefix}:zones`,
  configuration: `${prefix}:configuration`,
  /** A hash: when each API server last accepted each identity, ISO 8601. */
  accepted: `${prefix}:accepted-at`,
  /** A hash: the last sufficient approvers of each level of each cluster. */
  goodApprovers: `${prefix}:good-approvers`,
  refusals: `${prefix}:refusals`,
} as const;

export function redisClusters(redis: RedisClient, reader: StoredReader): ClusterLedger {
  return {
    adopted: (clusters) => readAdopted(redis, clusters),
    markAdopted: async (cluster) => void (await redis.sadd(keys.adopted, cluster)),
    clusterTroubles: (clusters) => readTroubles(redis, reader, clusters),
    setClusterTrouble: (cluster, trouble) => writeTrouble(redis, cluster, trouble),
    beginOutage: (cluster, outage) => beginOutage(redis, reader, cluster, outage),
    outages: () => readOutages(redis, reader),
    endOutage: async (cluster) => (await redis.hdel(keys.outages, cluster)) === 1,
    revertedAt: (clusters) => readReverted(redis, clusters),
    noteReverted: (cluster, at) => setField(redis, keys.reverted, cluster, at.toISOString()),
    creation: async (clusterArn) =>
      reader.read("creation", clusterArn, await readOr(null, redis.hget(keys.creations, clusterArn))),
    rememberCreation: (clusterArn, creation) => setField(redis, keys.creations, clusterArn, JSON.stringify(creation)),
    namespacesOf: async (cluster) => reader.read("namespaces", cluster, await redis.hget(keys.namespaces, cluster)),
    rememberNamespaces: async (list) => void (await redis.hset(keys.namespaces, list.cluster, JSON.stringify(list))),
    lastAcceptedAt: async (place) => {
      const at = new Date((await redis.hget(keys.accepted, place)) ?? "");
      return Number.isNaN(at.getTime()) ? null : at;
    },
    rememberAccepted: async (place, at) => void (await redis.hset(keys.accepted, place, at.toISOString())),
    goodApprovers: async () => new Map(Object.entries(await redis.hgetall(keys.goodApprovers))),
    rememberGoodApprovers: async (good) =>
      void (good.size > 0 && (await redis.hset(keys.goodApprovers, Object.fromEntries(good)))),
    noteZone: async (zone, at) => void (await redis.hset(keys.zones, zone ?? noZone, at.toISOString())),
    zonesSeen: () => readZones(redis),
    setWorkerIdentity: async (identity) => void (await redis.set(keys.workerIdentity, JSON.stringify(identity))),
    exchangeConfiguration: (kind, digest) => redis.set(`${keys.configuration}:${kind}`, digest, "GET"),
    noteRefusal: (process, refusal) => writeRefusal(redis, process, refusal),
    refusals: (now) => readRefusals(redis, reader, now),
    workerIdentity: async () => reader.read("worker identity", "", await redis.get(keys.workerIdentity)),
  };
}

/** No zone's name has a dot. */
const noZone = ".";

async function readZones(redis: RedisClient): Promise<ReadonlyMap<Zone, Date>> {
  const seen = Object.entries(await redis.hgetall(keys.zones)).map(
    ([name, at]) => [name === noZone ? null : name, new Date(at)] as const,
  );
  return new Map(seen.filter(([, at]) => !Number.isNaN(at.getTime())));
}

async function readAdopted(redis: RedisClient, clusters: readonly string[]): Promise<ReadonlySet<string>> {
  if (clusters.length === 0) return new Set();
  const members = await redis.smismember(keys.adopted, ...clusters);
  return new Set(clusters.filter((_, index) => members[index] === 1));
}

async function writeTrouble(redis: RedisClient, cluster: string, trouble: ClusterTrouble | null): Promise<void> {
  if (trouble) await redis.hset(keys.troubles, cluster, JSON.stringify(trouble));
  else await redis.hdel(keys.troubles, cluster);
}

async function readTroubles(
  redis: RedisClient,
  reader: StoredReader,
  clusters: readonly string[],
): Promise<ReadonlyMap<string, ClusterTrouble>> {
  if (clusters.length === 0) return new Map();
  const texts = await redis.hmget(keys.troubles, ...clusters);
  const found = await Promise.all(
    clusters.map(async (cluster, index) => {
      const trouble = await reader.read("cluster trouble", cluster, texts[index]);
      return trouble ? [[cluster, trouble] as const] : [];
    }),
  );
  return new Map(found.flat());
}

async function beginOutage(redis: RedisClient, reader: StoredReader, cluster: string, outage: Outage): Promise<Outage> {
  await redis.hsetnx(keys.outages, cluster, JSON.stringify(outage));
  const open = await reader.read("outage", cluster, await redis.hget(keys.outages, cluster));
  if (!open) await redis.hset(keys.outages, cluster, JSON.stringify(outage));
  return open ?? outage;
}

async function readOutages(redis: RedisClient, reader: StoredReader): Promise<ReadonlyMap<string, Outage>> {
  const texts = Object.entries(await redis.hgetall(keys.outages));
  const found = await Promise.all(
    texts.map(async ([cluster, text]) => [cluster, await reader.read("outage", cluster, text)] as const),
  );
  return new Map(found.flatMap(([cluster, outage]) => (outage ? [[cluster, outage]] : [])));
}

async function writeRefusal(redis: RedisClient, process: string, refusal: RefusedFile | null): Promise<void> {
  if (!refusal) return void (await redis.hdel(keys.refusals, process));
  await redis.hset(keys.refusals, process, JSON.stringify(refusal));
  await redis.pexpire(keys.refusals, refusalGoodForMs);
}

async function readRefusals(redis: RedisClient, reader: StoredReader, now: Date): Promise<readonly RefusedFile[]> {
  const texts = Object.entries(await redis.hgetall(keys.refusals));
  const found = await Promise.all(texts.map(([process, text]) => reader.read("refusal", process, text)));
  return found
    .filter((refusal) => refusal !== null)
    .filter(({ seenAt }) => now.getTime() - Date.parse(seenAt) < refusalGoodForMs);
}

async function readReverted(redis: RedisClient, clusters: readonly string[]): Promise<ReadonlyMap<string, Date>> {
  if (clusters.length === 0) return new Map();
  const texts = await redis.hmget(keys.reverted, ...clusters);
  const times = clusters.map((cluster, index) => [cluster, new Date(texts[index] ?? "")] as const);
  return new Map(times.filter(([, at]) => !Number.isNaN(at.getTime())));
}

const runsKey = "{eks-access}:runs";

export function redisTurns(redis: RedisClient): TurnLedger {
  return {
    takeTurn: (name, everyMs, most = 1) => takeTurn(redis, name, everyMs, most),
    beginRun: (cluster) => beginRun(redis, cluster),
    isNewestRun: async (cluster, run) => (await redis.hget(runsKey, cluster)) === run,
  };
}

/** Sets a field, also of a key of another type, which would keep runs from ending leases. KEYS: the hash. ARGV: field, value */
const setFieldScript = scriptOf(`
if type(redis.pcall('HSET', KEYS[1], ARGV[1], ARGV[2])) == 'table' then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
`);

async function setField(redis: RedisClient, key: string, field: string, value: string): Promise<void> {
  await runScript(redis, setFieldScript, [key], [field, value]);
}

async function beginRun(redis: RedisClient, cluster: string): Promise<string> {
  const run = randomUUID();
  await setField(redis, runsKey, cluster, run);
  return run;
}

/**
 * A forged turn ends after its period too: otherwise it would stop what takes turns, for example the sweep, in all processes.
 * KEYS: the turn. ARGV: the period in milliseconds, the number of turns. Returns 1 if one was left.
 */
const takeTurnScript = scriptOf(`
local taken = redis.pcall('INCR', KEYS[1])
if type(taken) == 'table' then
  redis.call('SET', KEYS[1], 1)
  taken = 1
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return taken <= tonumber(ARGV[2]) and 1 or 0
`);

async function takeTurn(redis: RedisClient, name: string, everyMs: number, most: number): Promise<boolean> {
  const values = [String(everyMs), String(most)];
  return (await runScript(redis, takeTurnScript, [`{eks-access}:turn:${name}`], values)) === 1;
}

const listKey = "{eks-access}:fleet";
const noticesKey = "{eks-access}:notices";
const maxNotices = 100;

/** The fleet, and notices for the operators, on Redis. Their readers parse them and verify their seals. */
export function redisFleet(redis: RedisClient): FleetLedger {
  return {
    fleetAt: () => redis.hget(listKey, "at"),
    fleet: async () => parseJson((await redis.hget(listKey, "list")) ?? ""),
    publishFleet: async (list) => void (await redis.hset(listKey, { at: list.at, list: JSON.stringify(list) })),
    addNotice: async (notice) => {
      await redis.lpush(noticesKey, JSON.stringify(notice));
      await redis.ltrim(noticesKey, 0, maxNotices - 1);
    },
    notices: async () => (await redis.lrange(noticesKey, 0, maxNotices - 1)).map(parseJson),
  };
}
