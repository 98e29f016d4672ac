import type { Zone } from "../access/policy/cluster.ts";
import type { CreationRecord } from "../access/policy/creator.ts";
import type { SealedFleetList } from "../access/policy/fleet-list.ts";
import type { ClusterTrouble, Outage } from "../access/retry.ts";
import type { KeyKind } from "../access/seal.ts";
import type { NamespaceList, SealedNotice } from "../access/shared-lists.ts";
import type { RedisClient } from "./client.ts";
import { indexLua, runScript, scriptOf } from "./commit-script.ts";
import { schema, schemaKey } from "./connect.ts";
import { fieldsOf } from "./records.ts";
import {
  type HashField,
  hashOf,
  type RefusedFile,
  readEach,
  type Store,
  storedJson,
  textOf,
  type WorkerIdentity,
  wholeOf,
} from "./stored.ts";

/** CloudTrail's record of a cluster's creation, sealed by the worker that asked. */
export type RememberedCreation = { readonly record: CreationRecord; readonly seal: string };

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
  /** A hash: the id of the newest key of each kind. */
  keysInUse: `${prefix}:keys-in-use`,
  /** A hash: when each API server last accepted each identity, ISO 8601. */
  accepted: `${prefix}:accepted-at`,
  /** A hash: the last sufficient approvers of each level of each cluster, and the people when Slack last showed each cluster's records. */
  goodApprovers: `${prefix}:good-approvers`,
  refusals: `${prefix}:refusals`,
} as const;

export type ClusterLedger = ReturnType<typeof redisClusters>;

/** Clusters that can't be opened, and clusters with waiting requests. */
export type OutageLedger = Pick<
  ClusterLedger,
  "clusterTroubles" | "setClusterTrouble" | "beginOutage" | "outages" | "endOutage"
>;

/** What the ledger remembers about clusters, and about the worker itself. */
export function redisClusters(store: Store) {
  const { redis } = store;
  return {
    /** Which of these clusters' own memories have been read into this ledger. */
    adopted: (clusters: readonly string[]) => readAdopted(redis, clusters),
    /**
     * The id of the server of Redis, if another one answers than the one that was followed last, or the same one started again: its data can be older,
     * so no cluster is adopted. null: the same. It answers so until that server is followed.
     */
    newServer: () => newServer(redis),
    followServer: async (id: string) => void (await redis.set(keys.server, id)),
    markAdopted: async (cluster: string) => void (await redis.sadd(keys.adopted, cluster)),
    /** Those of these clusters that can't be opened, by name. */
    clusterTroubles: async (clusters: readonly string[]): Promise<ReadonlyMap<string, ClusterTrouble>> =>
      readEach(store, "cluster trouble", await fieldsOf(redis, keys.troubles, clusters)),
    /** Null: it can be opened. */
    setClusterTrouble: async (cluster: string, trouble: ClusterTrouble | null): Promise<void> => {
      if (trouble) await setField(redis, keys.troubles, cluster, JSON.stringify(trouble));
      else await redis.hdel(keys.troubles, cluster);
    },
    /** Remembers an outage that operators hear of, unless its cluster has one. @returns the one that it has */
    beginOutage: (cluster: string, outage: Outage) => beginOutage(store, cluster, outage),
    outages: async (): Promise<ReadonlyMap<string, Outage>> =>
      readEach(store, "outage", await hashOf(redis, keys.outages)),
    /** False: another process ended it first. */
    endOutage: async (cluster: string) => (await redis.hdel(keys.outages, cluster)) === 1,
    /** When others last reverted aws-auth for the third time or more; without the clusters where they did not. */
    revertedAt: async (clusters: readonly string[]) => timesIn(await fieldsOf(redis, keys.reverted, clusters)),
    noteReverted: (cluster: string, at: Date) => setField(redis, keys.reverted, cluster, at.toISOString()),
    /** The remembered creation of a cluster, by its ARN; null: nothing. Do not trust it without its seal. */
    creation: async (clusterArn: string): Promise<unknown> =>
      store.read("creation", clusterArn, await textOf(redis, "HGET", keys.creations, clusterArn)),
    rememberCreation: (clusterArn: string, creation: RememberedCreation) =>
      setField(redis, keys.creations, clusterArn, JSON.stringify(creation)),
    /** The namespaces of a cluster, by its name, as a worker published them. Do not trust it without its seal. */
    namespacesOf: async (cluster: string): Promise<unknown> =>
      store.read("namespaces", cluster, await textOf(redis, "HGET", keys.namespaces, cluster)),
    rememberNamespaces: (list: NamespaceList) => setField(redis, keys.namespaces, list.cluster, JSON.stringify(list)),
    ...redisAcceptances(redis),
    /**
     * For each level by its name, a digest of the approvers that were once enough. For each cluster the names, and for each name the active
     * people when Slack last showed its records. Hints, no rights.
     */
    approversKnown: async (): Promise<ReadonlyMap<string, string>> => new Map(await hashOf(redis, keys.goodApprovers)),
    rememberApprovers: async (good: ReadonlyMap<string, string>) =>
      void (good.size > 0 && (await redis.hset(keys.goodApprovers, Object.fromEntries(good)))),
    noteZone: (zone: Zone, at: Date) => setField(redis, keys.zones, zone ?? noZone, at.toISOString()),
    /** When each zone last had a worker; a zone without one ever is absent. */
    zonesSeen: async (): Promise<ReadonlyMap<Zone, Date>> => {
      const seen = [...timesIn(await hashOf(redis, keys.zones))];
      return new Map(seen.map(([name, at]) => [name === noZone ? null : name, at]));
    },
    setWorkerIdentity: async (identity: WorkerIdentity) =>
      void (await redis.set(keys.workerIdentity, JSON.stringify(identity))),
    workerIdentity: async () => store.read("worker identity", "", await textOf(redis, "GET", keys.workerIdentity)),
    noteKey: (kind: KeyKind, id: string) => setField(redis, keys.keysInUse, kind, id),
    /** The id of the key of each kind that seals, as a process last said. A hint for people: nothing seals it. */
    keysInUse: async (): Promise<ReadonlyMap<string, string>> => new Map(await hashOf(redis, keys.keysInUse)),
    /** @returns the previous digest; null: none. Of several processes with the same new one, only one gets another digest. */
    exchangeConfiguration: (kind: string, digest: string) => redis.set(`${keys.configuration}:${kind}`, digest, "GET"),
    /** A process repeats this while it refuses its file. Null: it follows the file. */
    noteRefusal: async (process: string, refusal: RefusedFile | null): Promise<void> => {
      if (!refusal) return void (await redis.hdel(keys.refusals, process));
      await redis.hset(keys.refusals, process, JSON.stringify(refusal));
      await redis.pexpire(keys.refusals, refusalGoodForMs);
    },
    /** Those of the last minutes. Only words for people: nothing seals them. */
    refusals: async (now: Date): Promise<readonly RefusedFile[]> => {
      const refusals = await readEach(store, "refusal", await hashOf(redis, keys.refusals));
      return [...refusals.values()].filter(({ seenAt }) => now.getTime() - Date.parse(seenAt) < refusalGoodForMs);
    },
  };
}

/** Enough to explain a 401. Milliseconds. */
const acceptedEveryMs = 3_600_000;

/** Hints, no rights. This process remembers every acceptance, and writes each place once an hour. */
function redisAcceptances(redis: RedisClient) {
  const seen = new Map<string, { readonly at: Date; readonly writtenAt: number }>();
  return {
    /** When an API server last accepted an identity; of what other processes saw, to about an hour; null: unknown. @param place the address and the ARN */
    lastAcceptedAt: async (place: string): Promise<Date | null> => {
      const known = seen.get(place);
      if (known) return known.at;
      const at = new Date((await textOf(redis, "HGET", keys.accepted, place)) ?? "");
      return Number.isNaN(at.getTime()) ? null : at;
    },
    rememberAccepted: async (place: string, at: Date): Promise<void> => {
      const { writtenAt = 0 } = seen.get(place) ?? {};
      const isWritten = at.getTime() - writtenAt < acceptedEveryMs;
      seen.set(place, { at, writtenAt: isWritten ? writtenAt : at.getTime() });
      if (!isWritten) await redis.hset(keys.accepted, place, at.toISOString());
    },
  };
}

/** No zone's name has a dot. */
const noZone = ".";

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

/**
 * The first server is followed at once: nothing was lost before it. An emptied ledger has no schema: another version would start on it
 * beside this one. KEYS: the known id, the adopted clusters, the schema. ARGV: the id, the schema
 */
const newServerScript = scriptOf(`
local known = redis.pcall('GET', KEYS[1])
if known == ARGV[1] then return 0 end
if not known then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[3], ARGV[2], 'NX')
  return 0
end
redis.call('DEL', KEYS[2])
return 1
`);

async function newServer(redis: RedisClient): Promise<string | null> {
  const id = String(await runScript(redis, serverScript, [keys.server], []));
  if (id === "") return null;
  const isNew = await runScript(redis, newServerScript, [keys.server, keys.adopted, schemaKey], [id, schema]);
  return isNew === 1 ? id : null;
}

async function beginOutage(store: Store, cluster: string, outage: Outage): Promise<Outage> {
  const { redis } = store;
  await redis.hsetnx(keys.outages, cluster, JSON.stringify(outage));
  const open = await store.read("outage", cluster, await textOf(redis, "HGET", keys.outages, cluster));
  if (!open) await redis.hset(keys.outages, cluster, JSON.stringify(outage));
  return open ?? outage;
}

function timesIn(fields: readonly HashField[]): ReadonlyMap<string, Date> {
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

const listKey = "{eks-access}:fleet";
const noticesKey = "{eks-access}:notices";
const maxNotices = 100;
/** Of all together, in UTF-16 units: someone with Redis can write a hundred that fill the memory. */
const maxNoticesLength = 1_000_000;

/** KEYS: the list, the notices. ARGV: when the list was made, the list, and its notice if there is one. */
const publishFleetScript = scriptOf(`${indexLua}
index('HSET', KEYS[1], 'at', ARGV[1], 'list', ARGV[2])
if ARGV[3] then
  index('LPUSH', KEYS[2], ARGV[3])
  redis.call('LTRIM', KEYS[2], 0, ${maxNotices - 1})
end
`);

/** KEYS: the notices. ARGV: a notice */
const addNoticeScript = scriptOf(`${indexLua}
index('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ${maxNotices - 1})
`);

export type FleetLedger = ReturnType<typeof redisFleet>;

/** Workers' findings for all processes, and notices for operators. Trust none without its seal. */
export function redisFleet(redis: RedisClient) {
  return {
    /** When the list of the fleet was made, ISO 8601; null: there is none. */
    fleetAt: () => textOf(redis, "HGET", listKey, "at"),
    fleet: async (): Promise<unknown> => storedJson((await textOf(redis, "HGET", listKey, "list")) ?? "") ?? null,
    /** With the notice of its changes, at once: who reads of a new cluster finds it in the list. */
    publishFleet: async (list: SealedFleetList, notice: SealedNotice | null): Promise<void> => {
      const texts = [list.at, JSON.stringify(list), ...(notice ? [JSON.stringify(notice)] : [])];
      await runScript(redis, publishFleetScript, [listKey, noticesKey], texts);
    },
    /** Adds a notice for the operators' channel. The newest hundred stay. */
    addNotice: async (notice: SealedNotice): Promise<void> =>
      void (await runScript(redis, addNoticeScript, [noticesKey], [JSON.stringify(notice)])),
    notices: async (): Promise<readonly unknown[]> => {
      let room = maxNoticesLength;
      const texts = await wholeOf(redis, "LRANGE", noticesKey, "0", String(maxNotices - 1));
      return texts.flatMap((text) => {
        if (text.length > room) return [];
        room -= text.length;
        return [storedJson(text)];
      });
    },
  };
}
