import type { Zone } from "../access/policy/cluster.ts";
import type { CreationRecord } from "../access/policy/creator.ts";
import type { ClusterTrouble, Outage } from "../access/retry.ts";
import type { NamespaceList } from "../access/shared-lists.ts";
import type { RedisClient } from "./client.ts";
import { indexLua, runScript, scriptOf } from "./commit-script.ts";
import {
  type RefusedFile,
  readOr,
  type Stored,
  type StoredKind,
  type StoredReader,
  type WorkerIdentity,
} from "./stored.ts";

/** CloudTrail's record of a cluster's creation, sealed by the worker that asked. */
export interface RememberedCreation {
  readonly record: CreationRecord;
  readonly seal: string;
}

/** Clusters that can't be opened, and clusters with waiting requests. */
export interface OutageLedger {
  /** Those of these clusters that can't be opened, by name. */
  clusterTroubles(clusters: readonly string[]): Promise<ReadonlyMap<string, ClusterTrouble>>;
  /** Null: it can be opened. */
  setClusterTrouble(cluster: string, trouble: ClusterTrouble | null): Promise<void>;
  /** Remembers an outage that operators hear of, unless its cluster has one. @returns the one that it has */
  beginOutage(cluster: string, outage: Outage): Promise<Outage>;
  outages(): Promise<ReadonlyMap<string, Outage>>;
  /** False: another process ended it first. */
  endOutage(cluster: string): Promise<boolean>;
}

/** What the ledger remembers about clusters, and about the worker itself. */
export interface ClusterLedger extends OutageLedger {
  /** Which of these clusters' own memories have been read into this ledger. */
  adopted(clusters: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * The id of the server of Redis, if another one answers than the one that was followed last, or the same one started again: its data can be older,
   * so no cluster is adopted. null: the same. It answers so until that server is followed.
   */
  newServer(): Promise<string | null>;
  followServer(id: string): Promise<void>;
  markAdopted(cluster: string): Promise<void>;
  /** When others last reverted aws-auth for the third time or more; without the clusters where they did not. */
  revertedAt(clusters: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  noteReverted(cluster: string, at: Date): Promise<void>;
  /** The remembered creation of a cluster, by its ARN; null: nothing. */
  creation(clusterArn: string): Promise<unknown>;
  /** Do not trust it without its seal. */
  rememberCreation(clusterArn: string, creation: RememberedCreation): Promise<void>;
  /** The namespaces of a cluster, by its name, as a worker published them. Do not trust it without its seal. */
  namespacesOf(cluster: string): Promise<unknown>;
  rememberNamespaces(list: NamespaceList): Promise<void>;
  /** When an API server, by its address, last accepted an identity, to about an hour; null: unknown. A hint, no right. */
  lastAcceptedAt(place: string): Promise<Date | null>;
  rememberAccepted(place: string, at: Date): Promise<void>;
  /**
   * For each level by its name, a digest of the approvers that were once enough. For each cluster the names, and for each name the active
   * people when Slack last showed its records. Hints, no rights.
   */
  approversKnown(): Promise<ReadonlyMap<string, string>>;
  rememberApprovers(good: ReadonlyMap<string, string>): Promise<void>;
  noteZone(zone: Zone, at: Date): Promise<void>;
  /** When each zone last had a worker; a zone without one ever is absent. */
  zonesSeen(): Promise<ReadonlyMap<Zone, Date>>;
  setWorkerIdentity(identity: WorkerIdentity): Promise<void>;
  /** @returns the previous digest; null: none. Of several processes with the same new one, only one gets another digest. */
  exchangeConfiguration(kind: string, digest: string): Promise<string | null>;
  /** A process repeats this while it refuses its file. Null: it follows the file. */
  noteRefusal(process: string, refusal: RefusedFile | null): Promise<void>;
  /** Those of the last minutes. Only words for people: nothing seals them. */
  refusals(now: Date): Promise<readonly RefusedFile[]>;
  workerIdentity(): Promise<WorkerIdentity | null>;
}

/** Three times the pause between two refusals of a process. Milliseconds. */
export const refusalGoodForMs = 180_000;

export function processName(kind: string): string {
  return kind === "slack" ? "Slack process" : kind === "worker" ? "worker" : "process";
}

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
  /** A hash: the last sufficient approvers of each level of each cluster, and the people when Slack last showed each cluster's records. */
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

/** Sets a field, also of a key of another type, which would keep runs from ending leases. KEYS: the hash. ARGV: field, value */
const setFieldScript = scriptOf(`${indexLua}
index('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`);

export async function setField(redis: RedisClient, key: string, field: string, value: string): Promise<void> {
  await runScript(redis, setFieldScript, [key], [field, value]);
}
