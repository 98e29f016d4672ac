import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ProvidedRedis } from "../../sandbox/redis/provide-redis.ts";
import { arns, clusterName } from "../../sandbox/scene.ts";
import { leasesAnnotation, readAnnotation } from "../../src/access/lease/annotation.ts";
import { readOwnBindings } from "../../src/access/lease/own-bindings.ts";
import { type Cluster, sealedClusterOf } from "../../src/access/policy/cluster.ts";
import { createRequest } from "../../src/access/request.ts";
import { connectLedger, connectRedisBlocking } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues } from "../../src/ledger/queues.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { openCluster } from "../../src/worker/open-cluster.ts";
import { previewCluster } from "../../src/worker/preview/preview.ts";
import { reconcileCluster } from "../../src/worker/reconcile/reconcile.ts";
import { LedgerWatch } from "../../src/worker/upkeep/watch-ledger.ts";
import { startWorker } from "../../src/worker/worker.ts";
import { clusterIn } from "../builders/a-cluster.ts";
import { aChange } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { isLong } from "../form.ts";
import { approve, modesConfig } from "../worker/reconcile/both-ways.ts";
import { useWorkerSide } from "../worker/worker-side.ts";
import { redisOfOurOwn } from "./own-redis.ts";

let redis: ProvidedRedis;
// First, because it takes back what others put into the environment.
beforeAll(async () => {
  redis = await redisOfOurOwn();
});
afterAll(() => redis.stop());
const side = useWorkerSide();
const account = arns.engineer.split(":")[4] ?? "";
const leases = 50;
/** Leases of one group end at once. */
const groups = isLong ? 10 : 5;
const minutesOf = (index: number) => 5 + ((index % groups) * 55) / groups;

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** One half gets groups through aws-auth, the other one bindings of roles. */
const config = () =>
  modesConfig((text) =>
    text
      .replaceAll("levels: [viewer, admin,", "levels: [viewer, bound, admin,")
      .replace(/^levels:\n/m, "levels:\n  bound: { bind: [{ clusterRole: edit, in: [default] }], maxDuration: 8h }\n"),
  );

function wishOf(index: number) {
  const person = `person-${index}`;
  const session = `arn:aws:sts::${account}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/${person}@example.com`;
  return index < leases / 2
    ? { level: "viewer", principal: `arn:aws:iam::${account}:user/${person}` }
    : { level: "bound", principal: session };
}

/** A worker on a ledger in Redis, whose clock a test moves on. AWS and the cluster take no token of another time. */
async function aWorker(url: string, clock: { aheadMs: number }): Promise<WorkerContext> {
  const connection = await connectLedger(url);
  const queues = openQueues(connection.forQueues);
  stops.push(async () => {
    await queues.close();
    await connection.close();
  });
  return {
    ...side().context(redisLedger(connection.redis)),
    ...{ queues, config: config(), keys },
    now: () => new Date(Date.now() + clock.aheadMs),
    openCluster: (opening, ...about) => openCluster({ ...opening, now: () => new Date() }, ...about),
  };
}

async function giveAll(context: WorkerContext, cluster: Cluster): Promise<readonly string[]> {
  const ids = Array.from({ length: leases }, (_, index) => `r-${String(index).padStart(4, "0")}`);
  for (const [index, id] of ids.entries()) {
    const { level, principal } = wishOf(index);
    const given = cluster.levels.find(({ name }) => name === level)?.groups ?? [];
    const asked = { id, level, principal, groups: given, durationSeconds: minutesOf(index) * 60 };
    const rest = { requester: "U0ENGINEER", cluster: cluster.name, reason: "a test", extends: null };
    await context.ledger.commit(aChange(createRequest({ ...asked, ...rest }, context.now(), 3600)));
  }
  await previewCluster(context, cluster);
  await previewCluster(context, cluster);
  for (const id of ids) await approve(context, cluster, id);
  await reconcileCluster(context, cluster);
  return ids;
}

/** The ids of the leases that the cluster gives now. */
async function inCluster(context: WorkerContext, cluster: Cluster): Promise<readonly string[]> {
  const { client, close } = await openCluster({ ...context, now: () => new Date() }, cluster, []);
  try {
    const annotation = (await client.readAwsAuth())?.annotations[leasesAnnotation];
    const reading = readAnnotation(sealedClusterOf(cluster), annotation, keys.memory);
    const held =
      reading.type === "holdings" ? reading.holdings.flatMap(({ shares }) => shares.map(({ id }) => id)) : [];
    const bound = readOwnBindings(sealedClusterOf(cluster), await client.listLeaseBindings(), keys.memory).parts.map(
      ({ share }) => share.id,
    );
    return [...new Set([...held, ...bound])].toSorted();
  } finally {
    close();
  }
}

/** A worker that is killed right after it has sent a write of aws-auth. */
function killedAtItsNextWrite(context: WorkerContext): WorkerContext {
  let isKilled = false;
  const never = () => new Promise<never>(() => {});
  return {
    ...context,
    openCluster: async (opening, ...about) => {
      if (isKilled) return never();
      const open = await openCluster({ ...opening, now: () => new Date() }, ...about);
      const writeAwsAuth: typeof open.client.writeAwsAuth = async (...write) => {
        if (isKilled) return never();
        await open.client.writeAwsAuth(...write);
        isKilled = true;
        return never();
      };
      return { ...open, client: { ...open.client, writeAwsAuth } };
    },
  };
}

test(`Redis is down while ${leases} leases end: all end in time, none twice, and all are reported afterwards`, async () => {
  const clock = { aheadMs: 0 };
  const worker = await aWorker(redis.url, clock);
  const cluster = clusterIn(worker.config, clusterName);
  const ids = await giveAll(worker, cluster);
  expect(await inCluster(worker, cluster)).toEqual(ids);

  await redis.kill();
  const workers = [worker, killedAtItsNextWrite(worker)].map((context) => ({
    context,
    watch: new LedgerWatch(() => context),
  }));
  const look = async () => {
    for (const { context, watch } of workers) {
      const isThere = await context.ledger.takeTurn("does-it-write", 1).catch(() => false);
      if (isThere) watch.there();
      else watch.away();
    }
    // The other one may hang, because it was killed.
    await workers[0]?.watch.settled();
  };
  await look();
  for (let group = 0; group < groups; group += 1) {
    clock.aheadMs = minutesOf(group) * 60_000 + 1_000;
    await look();
    expect(await inCluster(worker, cluster)).toEqual(ids.filter((_, index) => index % groups > group));
  }

  await redis.restart();
  const blocking = connectRedisBlocking(redis.url);
  const running = startWorker(() => worker, blocking);
  stops.push(async () => {
    await running.stop(AbortSignal.timeout(2_000));
    blocking.disconnect();
  });
  const states = async () =>
    (await Promise.all(ids.map((id) => worker.ledger.get(id)))).map((each) => each?.lease?.state);
  await expect.poll(async () => new Set(await states())).toEqual(new Set(["ended"]));
  const ends = (await worker.ledger.events(1, 100_000)).filter(({ event }) => event.type === "lease.ended");
  const lags = ends.map(({ event }) => Number(event.detail?.lagSeconds));

  expect(ends.map(({ event }) => event.request).toSorted()).toEqual(ids);
  expect(ends.filter(({ event }) => event.detail?.withoutLedger !== true)).toEqual([]);
  expect(Math.max(...lags)).toBeLessThan(60);
  expect((await worker.ledger.unshown(leases * 2)).toSorted()).toEqual(ids);
});
