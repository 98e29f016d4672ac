import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { explainFailure } from "../../src/access/access-error.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { asAdministrator } from "./a-ledger-on.ts";
import { type AServer, aServer } from "./a-server.ts";
import { aWorkerToAsk } from "./ask-a-worker.ts";
import { sentinelRights } from "./documented-rights.ts";

const ours = "user eks-access on >of-the-servers ~{eks-access}:* &* +@all";
const watcher = `user watcher on >of-the-sentinels resetchannels -@all ${sentinelRights}`;
const access = { sentinelUsername: "watcher", sentinelPassword: "of-the-sentinels" };

let master: AServer;
let replica: AServer;
let sentinel: AServer;
let url: string;

beforeAll(async () => {
  master = await aServer([ours, "repl-diskless-sync-delay 0"]);
  const settings = [
    `monitor mymaster 127.0.0.1 ${master.port} 1`,
    "down-after-milliseconds mymaster 500",
    "failover-timeout mymaster 3000",
  ];
  replica = await aServer([ours, `replicaof 127.0.0.1 ${master.port}`]);
  // A Sentinel asks its master for replicas at its start, and then only every ten seconds.
  await asAdministrator(master.url, untilReplicaIsThere);
  sentinel = await aServer([watcher, ...settings.map((setting) => `sentinel ${setting}`)], { sentinel: true });
  await asAdministrator(sentinel.url, untilReplicaIsKnown);
  // One of the Sentinels is away, as may be.
  url = `redis+sentinel://eks-access:of-the-servers@127.0.0.1:9,127.0.0.1:${sentinel.port}/mymaster?db=3`;
});

afterAll(() => Promise.all([sentinel, replica, master].map((server) => server.stop())));

async function untilReplicaIsThere(redis: Redis): Promise<void> {
  while (!(await redis.info("replication")).includes("state=online")) await pause(20);
}

async function untilReplicaIsKnown(redis: Redis): Promise<void> {
  while (((await redis.call("SENTINEL", "REPLICAS", "mymaster")) as unknown[]).length === 0) await pause(50);
}

test("a name that the Sentinels do not know is reported as such", async () => {
  const failure = await connectRedis(url.replace("mymaster", "another"), access).catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(
    `The Sentinels know no master of redis+sentinel://127.0.0.1:9,127.0.0.1:${sentinel.port}/another?db=3. Correct the end of REDIS_URL.`,
  );
});

test("a password that the Sentinels refuse is distinguished from the one of the servers", async () => {
  const wrong = { ...access, sentinelPassword: "wrong" };

  const failure = await connectRedis(url, wrong).catch((error: unknown) => error);

  expect(explainFailure(failure)).toContain(
    " refuse user or password. Check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD.",
  );
  expect(explainFailure(failure)).toContain("Check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD");
});

test("where no Sentinel answers the start fails, and does not wait for one", async () => {
  const failure = await connectRedis("redis+sentinel://127.0.0.1:9/mymaster").catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "ledger-unreachable" });
});

test("after a failover the connections of both kinds find the new master, with what was written before", async () => {
  const request = aRequest();
  const worker = await aWorkerToAsk(url, access);
  const { redis, close } = await connectRedis(url, access);
  const ledger = redisLedger(redis);
  const before = await worker.ask("before");
  await ledger.commit(aChange(request));
  await redis.wait(1, 5_000);

  await master.kill();
  const down = await ledger.get(request.id).catch((error: unknown) => error);
  const found = await vi.waitUntil(() => ledger.get(request.id).catch(() => null), { timeout: 15_000, interval: 50 });
  const next = await ledger.commit(aChange({ ...request, version: 2 }));
  // Each connection comes back by itself, and earlier commands fail at once.
  const after = await vi.waitUntil(() => worker.ask("after").catch(() => null), { timeout: 15_000, interval: 50 });
  await worker.close();
  await close();

  expect(before).toBe("looked at before");
  expect(down).toMatchObject({ code: "ledger-unreachable" });
  expect(found).toEqual(request);
  expect(next).toEqual({ type: "committed" });
  expect(after).toBe("looked at after");
});
