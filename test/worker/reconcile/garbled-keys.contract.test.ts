import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { sealPlace } from "../../../src/access/lease/holding.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { connectRedis } from "../../../src/ledger/connect.ts";
import { redisLedger } from "../../../src/ledger/ledger.ts";
import { FailureLog } from "../../../src/operations/log.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { aRedis, type TestRedis } from "../../redis.ts";
import { useWorkerSide } from "../worker-side.ts";
import { bound, give, later, modesConfig, type Outside, outsideOf, requestOf } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer, onCall } = arns;

/** An attacker with Redis makes a key another type: what a run reads there counts as absent, and access ends on time. */
describe.each([
  { way: "aws-auth", name: clusterName },
  { way: "access-entry", name: "analytics" },
  { way: "binding", name: clusterName },
] as const)("by $way, a lease ends on time", ({ way, name }) => {
  let database: TestRedis;
  let redis: Awaited<ReturnType<typeof connectRedis>>;
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;

  beforeEach(async () => {
    database = await aRedis();
    redis = await connectRedis(database.url);
    const config = modesConfig(way === "binding" ? bound : undefined);
    context = { ...side().context(redisLedger(redis.redis)), config };
    cluster = clusterIn(config, name);
    outside = outsideOf(way, side(), cluster);
    await outside.edit(engineer, null);
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    expect(await outside.given(engineer)).not.toBeNull();
  });

  afterEach(async () => {
    await redis.close();
    await database.close();
  });

  const garble = async (key: string) => {
    await redis.redis.del(`{eks-access}:${key}`);
    await redis.redis.rpush(`{eks-access}:${key}`, "garbage");
  };

  /** A run, and another one once the ledger counts as away. @returns what the first one left */
  const endUntilAway = async (ledger = context.ledger) => {
    let seconds = 301;
    const failures = new FailureLog(context.log, () => new Date(Date.now() + seconds * 1000));
    const run = () => reconcileCluster(later({ ...context, ledger, failures }, seconds), cluster, "end");
    await run().catch(() => {});
    const first = await outside.given(engineer);
    seconds += context.config.timing.endWithoutLedgerAfterSeconds;
    await run().catch(() => {});
    return first;
  };

  test.each(["runs", "links:U0APPROVER"])("whatever {eks-access}:%s is", async (key) => {
    await give(context, cluster, { id: "r-two", principal: onCall });
    await garble(key);

    await reconcileCluster(later(context, 301), cluster, "end");

    expect(await outside.given(engineer)).toBeNull();
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  });

  test.each(["links", "former-links"])("although the %s of an approver have no end", async (key) => {
    await give(context, cluster, { id: "r-two", principal: onCall });
    const place = `{eks-access}:${key}:U0APPROVER`;
    const large = "x".repeat(9_000_000);
    await redis.redis.del(place);
    await (key === "links" ? redis.redis.hset(place, "1", large) : redis.redis.sadd(place, large));

    await reconcileCluster(later(context, 301), cluster, "end");

    expect(await outside.given(engineer)).toBeNull();
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  });

  test("although a key that its run reads is too large for Redis to answer in time", async () => {
    await give(context, cluster, { id: "r-two", principal: onCall });
    const tooLarge = new AccessError("ledger-unreachable", "Redis did not answer");
    const ledger = { ...context.ledger, formerLinksOf: () => Promise.reject(tooLarge) };

    const first = await endUntilAway(ledger);

    // One late answer ends nothing: the next run can give an approved extension. An end by access entry does not need that answer.
    expect(first === null).toBe(way === "access-entry");
    expect(await outside.given(engineer)).toBeNull();
    expect((await requestOf(context, "r-two")).lease?.state).toBe("active");
  });

  test("although a person with Redis puts 20,001 records before it into its cluster's list", async () => {
    const fill = `for i = 0, 20000 do
      redis.call('SET', KEYS[2] .. 'r-x' .. i, 'x')
      redis.call('ZADD', KEYS[1], i, 'r-x' .. i)
    end`;
    await redis.redis.eval(fill, 2, `{eks-access}:leased-of-cluster:${name}`, "{eks-access}:record:");

    await endUntilAway();

    expect(await outside.given(engineer)).toBeNull();
  });

  test("although a person with Redis puts back a lease of the cluster that had its name before", async () => {
    const other = await give(context, cluster, { id: "r-two", principal: onCall });
    const place = sealPlace({ ...cluster, account: "444455556666" }, other, keys.memory);
    await context.ledger.commit(aChange(revise(other, { lease: other.lease && { ...other.lease, place } })));

    await endUntilAway();

    expect(await outside.given(engineer)).toBeNull();
    expect((await requestOf(context, "r-two")).lease?.state).toBe("active");
  });

  test("without its record, whatever the list of ended permanent leases is", async () => {
    await garble("record:r-one");
    await garble("over-for-good");

    await reconcileCluster(later(context, 301), cluster, "adopt");

    expect(await outside.given(engineer)).toBeNull();
  });
});
