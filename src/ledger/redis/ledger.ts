import { randomUUID } from "node:crypto";
import { canonicalJson, type Json } from "../../access/audit/canonical-json.ts";
import { type AuditEvent, digestOfEvent } from "../../access/audit/event.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { classOf } from "../../access/request/class.ts";
import type { ClusterTrouble } from "../../access/request/cluster-trouble.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { dueAt, isClosed } from "../../access/request/request.ts";
import type { CommitResult, Ledger, LedgerChange, WorkerIdentity } from "../ledger.ts";
import type { Shown } from "../moves.ts";
import type { RedisClient } from "./client.ts";
import { commitScript, markShownScript } from "./commit-script.ts";
import { appendEvent, chainHeadKey, eventsKey, readEvents, readEventsOf } from "./events.ts";
import { readGoodApprovers, rememberGoodApprovers } from "./good-approvers.ts";
import { changeLink, principalsKey, readLink, readLinkProposal, rememberLink } from "./links.ts";
import { duePendingIds, listsOf, listUnlisted, logKey, pageOfList, readGranted, requesterKey } from "./lists.ts";
import { redisMoves } from "./moves.ts";
import { noteEvent } from "./note.ts";
import { readRecord, readRecords, readVersions, requestKey } from "./records.ts";
import { runScript } from "./script.ts";
import { turnsIn } from "./turns.ts";

/** How many records there are of each class. */
const countsKey = "{eks-access}:counts";

/** How many records of each cluster are open. */
const openByClusterKey = "{eks-access}:open-by-cluster";

/** All keys carry one hash tag, so that they live in one slot of a Redis Cluster and scripts may touch them together. */
const prefix = "{eks-access}";
const keys = {
  request: requestKey,
  shown: (id: string) => `${prefix}:shown:${id}`,
  open: (cluster: string) => `${prefix}:open:${cluster}`,
  requester: requesterKey,
  due: `${prefix}:due`,
  thread: (id: string) => `${prefix}:thread:${id}`,
  unshown: `${prefix}:unshown`,
  adopted: `${prefix}:adopted`,
  troubles: `${prefix}:cluster-troubles`,
  runs: `${prefix}:runs`,
  principals: principalsKey,
  homes: `${prefix}:homes`,
  workerIdentity: `${prefix}:worker-identity`,
  creations: `${prefix}:creations`,
  chainHead: chainHeadKey,
  events: eventsKey,
} as const;

/** The ledger on Redis. Any failure of Redis is an AccessError `ledger-unreachable`. */
export function redisLedger(redis: RedisClient): Ledger {
  const takeTurn = turnsIn(redis);
  return {
    moves: redisMoves(redis, reach),
    get: (id) => reach(() => readRecord(redis, id)),
    commit: (change) => reach(() => commit(redis, change)),
    note: (event) => reach(() => noteEvent(redis, event)),
    due: (now, limit) =>
      reach(async () => {
        const ids = await redis.zrangebyscore(keys.due, "-inf", now.getTime(), "LIMIT", 0, limit);
        const requests = await readRecords(redis, ids);
        await listUnlisted(redis, requests);
        return requests;
      }),
    grantedOf: (cluster) => reach(() => readGranted(redis, cluster)),
    duePendingOf: (cluster, now, limit) =>
      reach(async () => readRecords(redis, await duePendingIds(redis, keys.due, cluster, now, limit))),
    counts: () => reach(() => readCounts(redis, countsKey)),
    openByCluster: () => reach(() => readCounts(redis, openByClusterKey)),
    versions: (ids) => reach(() => readVersions(redis, ids)),
    ofRequester: (user, limit) =>
      reach(async () => readRecords(redis, await redis.zrevrange(keys.requester(user), 0, limit - 1))),
    list: (of, offset, limit) =>
      reach(async () => {
        const { ids, total } = await pageOfList(redis, of, offset, limit);
        return { requests: await readRecords(redis, ids), total };
      }),
    unshown: (limit) => reach(() => redis.srandmember(keys.unshown, limit)),
    shown: (id) => reach(() => readJson<Shown>(redis, keys.shown(id))),
    markShown: (id, shown) => reach(() => markShown(redis, id, shown)),
    toldInThread: (id) => reach(() => redis.lrange(keys.thread(id), 0, -1)),
    addToldInThread: (id, names) => reach(async () => void (await redis.rpush(keys.thread(id), ...names))),
    rememberHome: (user, hash) => reach(async () => void (await redis.hset(keys.homes, user, hash))),
    homesOf: (users) => reach(() => readHomes(redis, users)),
    takeTurn: (name, everyMs, most = 1) => reach(() => takeTurn(name, everyMs, most)),
    beginRun: (cluster) => reach(() => beginRun(redis, cluster)),
    isNewestRun: (cluster, run) => reach(async () => (await redis.hget(keys.runs, cluster)) === run),
    goodApprovers: () => reach(() => readGoodApprovers(redis)),
    rememberGoodApprovers: (good) => reach(() => rememberGoodApprovers(redis, good)),
    adopted: (clusters) => reach(() => readAdopted(redis, clusters)),
    markAdopted: (cluster) => reach(async () => void (await redis.sadd(keys.adopted, cluster))),
    clusterTroubles: (clusters) => reach(() => readTroubles(redis, clusters)),
    setClusterTrouble: (cluster, trouble) =>
      reach(
        async () =>
          void (trouble
            ? await redis.hset(keys.troubles, cluster, JSON.stringify(trouble))
            : await redis.hdel(keys.troubles, cluster)),
      ),
    linkPrincipal: (user, link) => reach(() => rememberLink(redis, user, link)),
    linkOf: (user) => reach(() => readLink(redis, user)),
    principalOf: (user) => reach(() => redis.hget(keys.principals, user)),
    changeLink: (change) => reach(() => changeLink(redis, change)),
    linkProposalOf: (user) => reach(() => readLinkProposal(redis, user)),
    setWorkerIdentity: (identity) =>
      reach(async () => void (await redis.set(keys.workerIdentity, JSON.stringify(identity)))),
    workerIdentity: () => reach(() => readJson<WorkerIdentity>(redis, keys.workerIdentity)),
    creation: (clusterArn) => reach(() => readField(redis, keys.creations, clusterArn)),
    rememberCreation: (clusterArn, creation) =>
      reach(async () => void (await redis.hset(keys.creations, clusterArn, JSON.stringify(creation)))),
    append: (event) => reach(() => appendEvent(redis, event)),
    events: (from, limit) => reach(() => readEvents(redis, from, limit)),
    eventsOf: (id, limit) => reach(() => readEventsOf(redis, id, limit)),
  };
}

async function beginRun(redis: RedisClient, cluster: string): Promise<string> {
  const run = randomUUID();
  await redis.hset(keys.runs, cluster, run);
  return run;
}

async function commit(redis: RedisClient, { after, event }: LedgerChange): Promise<CommitResult> {
  const due = dueAt(after);
  const lists = listsOf(after);
  const places = [
    ...[keys.request(after.id), keys.due, keys.unshown, keys.open(after.cluster), keys.requester(after.requester)],
    ...[keys.chainHead, keys.events, logKey(after.id), countsKey, openByClusterKey],
  ];
  const values = [
    ...[String(after.version - 1), JSON.stringify(after), after.id, due === null ? "" : String(due)],
    ...[isClosed(after) ? "closed" : "open", String(Date.parse(after.createdAt))],
    ...[event ? canonicalJson(asJson(event)) : "", event ? digestOfEvent(event) : "", classOf(after), after.cluster],
  ];
  const written = await runScript(
    redis,
    commitScript,
    [...places, ...lists.map(({ key }) => key)],
    [...values, ...lists.map(({ place }) => (place === null ? "" : String(place)))],
  );
  if (written === 1) return { type: "committed" };
  const current = await readRecord(redis, after.id);
  // A connection that broke after the script had run: ioredis sent it again, and the first run had won.
  if (current && canonicalJson(asJson(current)) === canonicalJson(asJson(after))) return { type: "committed" };
  return { type: "conflict", current };
}

function asJson(value: AccessRequest | AuditEvent): Json {
  return value as unknown as Json;
}

async function markShown(redis: RedisClient, id: string, shown: Shown): Promise<void> {
  const places = [keys.request(id), keys.shown(id), keys.unshown];
  await runScript(redis, markShownScript, places, [id, String(shown.version), JSON.stringify(shown)]);
}

async function readAdopted(redis: RedisClient, clusters: readonly string[]): Promise<ReadonlySet<string>> {
  if (clusters.length === 0) return new Set();
  const members = await redis.smismember(keys.adopted, ...clusters);
  return new Set(clusters.filter((_, index) => members[index] === 1));
}

async function readTroubles(
  redis: RedisClient,
  clusters: readonly string[],
): Promise<ReadonlyMap<string, ClusterTrouble>> {
  if (clusters.length === 0) return new Map();
  const texts = await redis.hmget(keys.troubles, ...clusters);
  return new Map(
    clusters.flatMap((cluster, index) => {
      const text = texts[index];
      return text == null ? [] : [[cluster, JSON.parse(text) as ClusterTrouble] as const];
    }),
  );
}

async function readHomes(redis: RedisClient, users: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (users.length === 0) return new Map();
  const hashes = await redis.hmget(keys.homes, ...users);
  return new Map(users.flatMap((user, index) => (hashes[index] == null ? [] : [[user, hashes[index]] as const])));
}

async function readJson<T>(redis: RedisClient, key: string): Promise<T | null> {
  const text = await redis.get(key);
  return text === null ? null : (JSON.parse(text) as T);
}

async function readField(redis: RedisClient, key: string, field: string): Promise<unknown> {
  const text = await redis.hget(key, field);
  return text === null ? null : JSON.parse(text);
}

async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AccessError("ledger-unreachable", "The ledger in Redis did not answer", { cause: error });
  }
}

/** The counts that the commits keep (src/ledger/redis/commit-script.ts). */
async function readCounts(redis: RedisClient, key: string): Promise<ReadonlyMap<string, number>> {
  const counts = Object.entries(await redis.hgetall(key));
  return new Map(counts.flatMap(([name, count]) => (Number(count) > 0 ? [[name, Number(count)]] : [])));
}
