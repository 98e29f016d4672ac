import { randomUUID } from "node:crypto";
import type { Zone } from "../access/policy/cluster.ts";
import type { ClusterTrouble, Outage } from "../access/retry.ts";
import { parseJson } from "../access/seal.ts";
import { type RedisClient, readOr } from "./client.ts";
import { indexLua, runScript, scriptOf } from "./commit-script.ts";
import { type ClusterLedger, type FleetLedger, type RefusedFile, refusalGoodForMs, type TurnLedger } from "./ledger.ts";
import type { Stored, StoredKind, StoredReader } from "./stored.ts";

const prefix = "{eks-access}";
const keys = {
  adopted: `${prefix}:adopted`,
  server: `${prefix}:server`,
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
  /** A hash: the last sufficient approvers of each level of each cluster, and for whom Slack last showed each cluster's records. */
  goodApprovers: `${prefix}:good-approvers`,
  refusals: `${prefix}:refusals`,
} as const;

export function redisClusters(redis: RedisClient, reader: StoredReader): ClusterLedger {
  return {
    adopted: (clusters) => readAdopted(redis, clusters),
    newServer: () => newServer(redis),
    followServer: async (id) => void (await redis.set(keys.server, id)),
    markAdopted: async (cluster) => void (await redis.sadd(keys.adopted, cluster)),
    clusterTroubles: async (clusters) =>
      readEach(reader, "cluster trouble", await fieldsOf(redis, keys.troubles, clusters)),
    setClusterTrouble: (cluster, trouble) => writeTrouble(redis, cluster, trouble),
    beginOutage: (cluster, outage) => beginOutage(redis, reader, cluster, outage),
    outages: async () => readEach(reader, "outage", Object.entries(await redis.hgetall(keys.outages))),
    endOutage: async (cluster) => (await redis.hdel(keys.outages, cluster)) === 1,
    revertedAt: async (clusters) => timesIn(await fieldsOf(redis, keys.reverted, clusters)),
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
    approversKnown: async () => new Map(Object.entries(await redis.hgetall(keys.goodApprovers))),
    rememberApprovers: async (good) =>
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
  const seen = [...timesIn(Object.entries(await redis.hgetall(keys.zones)))];
  return new Map(seen.map(([name, at]) => [name === noZone ? null : name, at]));
}

async function readAdopted(redis: RedisClient, clusters: readonly string[]): Promise<ReadonlySet<string>> {
  if (clusters.length === 0) return new Set();
  const members = await redis.smismember(keys.adopted, ...clusters);
  return new Set(clusters.filter((_, index) => members[index] === 1));
}

/** Each start of a server has its own id (Redis docs, INFO); '' if its user can't read it. The key leads to the right node. KEYS: the known id */
const serverScript = scriptOf(`
local found = redis.pcall('INFO', 'server')
return type(found) == 'string' and string.match(found, 'run_id:(%w+)') or ''
`);

/** The first server is followed at once: nothing was lost before it. KEYS: the known id, the adopted clusters. ARGV: the id */
const newServerScript = scriptOf(`
local known = redis.pcall('GET', KEYS[1])
if known == ARGV[1] then return 0 end
if not known then
  redis.call('SET', KEYS[1], ARGV[1])
  return 0
end
redis.call('DEL', KEYS[2])
return 1
`);

async function newServer(redis: RedisClient): Promise<string | null> {
  const id = String(await runScript(redis, serverScript, [keys.server], []));
  const isNew = id !== "" && (await runScript(redis, newServerScript, [keys.server, keys.adopted], [id])) === 1;
  return isNew ? id : null;
}

async function writeTrouble(redis: RedisClient, cluster: string, trouble: ClusterTrouble | null): Promise<void> {
  if (trouble) await redis.hset(keys.troubles, cluster, JSON.stringify(trouble));
  else await redis.hdel(keys.troubles, cluster);
}

type Field = readonly [name: string, text: string | null];

async function fieldsOf(redis: RedisClient, key: string, names: readonly string[]): Promise<readonly Field[]> {
  if (names.length === 0) return [];
  const texts = await redis.hmget(key, ...names);
  return names.map((name, index) => [name, texts[index] ?? null]);
}

async function readEach<K extends StoredKind>(
  reader: StoredReader,
  kind: K,
  fields: readonly Field[],
): Promise<ReadonlyMap<string, Stored<K>>> {
  const values = await Promise.all(fields.map(([name, text]) => reader.read(kind, name, text)));
  return new Map(fields.flatMap(([name], index) => (values[index] ? [[name, values[index]] as const] : [])));
}

async function beginOutage(redis: RedisClient, reader: StoredReader, cluster: string, outage: Outage): Promise<Outage> {
  await redis.hsetnx(keys.outages, cluster, JSON.stringify(outage));
  const open = await reader.read("outage", cluster, await redis.hget(keys.outages, cluster));
  if (!open) await redis.hset(keys.outages, cluster, JSON.stringify(outage));
  return open ?? outage;
}

async function writeRefusal(redis: RedisClient, process: string, refusal: RefusedFile | null): Promise<void> {
  if (!refusal) return void (await redis.hdel(keys.refusals, process));
  await redis.hset(keys.refusals, process, JSON.stringify(refusal));
  await redis.pexpire(keys.refusals, refusalGoodForMs);
}

async function readRefusals(redis: RedisClient, reader: StoredReader, now: Date): Promise<readonly RefusedFile[]> {
  const refusals = await readEach(reader, "refusal", Object.entries(await redis.hgetall(keys.refusals)));
  return [...refusals.values()].filter(({ seenAt }) => now.getTime() - Date.parse(seenAt) < refusalGoodForMs);
}

function timesIn(fields: readonly Field[]): ReadonlyMap<string, Date> {
  const times = fields.map(([name, text]) => [name, new Date(text ?? "")] as const);
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
const setFieldScript = scriptOf(`${indexLua}
index('HSET', KEYS[1], ARGV[1], ARGV[2])
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

/** Most turns are new: one command takes such a turn, and each acknowledgement waits for one. */
async function takeTurn(redis: RedisClient, name: string, everyMs: number, most: number): Promise<boolean> {
  const key = `{eks-access}:turn:${name}`;
  if ((await redis.set(key, 1, "PX", everyMs, "NX")) === "OK") return true;
  return (await runScript(redis, takeTurnScript, [key], [String(everyMs), String(most)])) === 1;
}

const listKey = "{eks-access}:fleet";
const noticesKey = "{eks-access}:notices";
const maxNotices = 100;

/** KEYS: the list, the notices. ARGV: when the list was made, the list, and its notice if there is one. */
const publishFleetScript = scriptOf(`
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'list', ARGV[2])
if ARGV[3] then
  redis.call('LPUSH', KEYS[2], ARGV[3])
  redis.call('LTRIM', KEYS[2], 0, ${maxNotices - 1})
end
`);

/** The fleet, and notices for the operators, on Redis. Their readers parse them and verify their seals. */
export function redisFleet(redis: RedisClient): FleetLedger {
  return {
    fleetAt: () => redis.hget(listKey, "at"),
    fleet: async () => parseJson((await redis.hget(listKey, "list")) ?? ""),
    publishFleet: async (list, notice) => {
      const texts = [list.at, JSON.stringify(list), ...(notice ? [JSON.stringify(notice)] : [])];
      await runScript(redis, publishFleetScript, [listKey, noticesKey], texts);
    },
    addNotice: async (notice) => {
      await redis.lpush(noticesKey, JSON.stringify(notice));
      await redis.ltrim(noticesKey, 0, maxNotices - 1);
    },
    notices: async () => (await redis.lrange(noticesKey, 0, maxNotices - 1)).map(parseJson),
  };
}
