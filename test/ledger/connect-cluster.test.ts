import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainFailure } from "../../src/access/access-error.ts";
import { personPattern } from "../../src/access/verify-log.ts";
import { redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { redisPersonData } from "../../src/ledger/person-data.ts";
import { openQueues } from "../../src/ledger/queues.ts";
import { unshownKey } from "../../src/ledger/records.ts";
import { verifyAuditLog } from "../../src/ledger/verify-audit-log.ts";
import { erasePerson } from "../../src/worker/upkeep/erase-person.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { at, hours } from "../builders/times.ts";
import { sceneConfig } from "../fault/reconcile-scene.ts";
import { type ACluster, aCluster, withoutTls } from "./a-cluster.ts";
import { aLedgerOn, asAdministrator } from "./a-ledger-on.ts";
import type { AServer } from "./a-server.ts";
import { askAWorker } from "./ask-a-worker.ts";
import { ledgerContract } from "./contract.ts";

let cluster: ACluster;
let nodes: readonly AServer[];
let url: string;

beforeAll(async () => {
  cluster = await aCluster(withoutTls);
  nodes = cluster.nodes.map(({ server }) => server);
  url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
});

afterAll(() => cluster.stop());

describe("the ledger on a Redis Cluster", () => {
  ledgerContract(() =>
    aLedgerOn(
      { url },
      nodes.map((node) => node.url),
    ),
  );
});

test("a closed record that is in no list is found on a Redis Cluster, too", async () => {
  const { redis, close } = await connectRedis(url);
  const ledger = redisLedger(redis);
  await ledger.commit(aChange(aRequest({ id: "r-unlisted", state: "denied" })));
  await redis.zrem("{eks-access}:closed", "r-unlisted");
  const taking = { before: at(hours(30)), postponedUntil: at(hours(40)), limit: 10 };

  const taken: string[] = [];
  for (let step = 0; step < 20 && taken.length === 0; step += 1) {
    taken.push(...(await ledger.takeClosed(taking)).map(({ id }) => id));
  }
  await close();

  expect(taken).toEqual(["r-unlisted"]);
});

test("one node is enough to find the others", async () => {
  const { redis, close } = await connectRedis(`redis+cluster://127.0.0.1:${nodes[0]?.port}`);

  await Promise.all(["a", "b", "c", "d"].map((key) => redis.set(key, key)));
  const read = await Promise.all(["a", "b", "c", "d"].map((key) => redis.get(key)));
  await close();

  expect(read).toEqual(["a", "b", "c", "d"]);
});

test("the queues work on a Redis Cluster, and all their keys and the ledger's live in one slot", async () => {
  await Promise.all(nodes.map((node) => asAdministrator(node.url, (redis) => redis.flushall())));

  const answer = await askAWorker(url);

  const counts = await Promise.all(nodes.map((node) => asAdministrator(node.url, (redis) => redis.dbsize())));
  expect(answer).toBe("looked at staging");
  expect(counts.filter((count) => count > 0)).toHaveLength(1);
});

/** The connection of a process that is killed after so many commands. */
async function connectedUntil(commands: number) {
  const connection = await connectRedis(url, {}, { gathers: false });
  const redis: Pick<Redis, "sendCommand"> = connection.redis;
  const send = redis.sendCommand.bind(connection.redis);
  let sent = 0;
  redis.sendCommand = (command, stream) => {
    sent += 1;
    if (sent <= commands) return send(command, stream);
    command.reject(new Error("killed"));
    return command.promise;
  };
  return connection;
}

const emptied = () => Promise.all(nodes.map((node) => asAdministrator(node.url, (redis) => redis.flushall())));

async function everythingOnTheNodes(): Promise<string> {
  const ofNode = (node: AServer) =>
    asAdministrator(node.url, async (redis) => {
      const keys = await redis.keys("*");
      const events = await redis.xrange("{eks-access}:events", "-", "+").catch(() => []);
      return JSON.stringify([keys, events]);
    });
  return (await Promise.all(nodes.map(ofNode))).join();
}

test("an erasure that is killed after any of its commands leaves a whole log, and is finished by the next one", async () => {
  const { config } = sceneConfig();
  const wish = { person: personPattern(["U0ENGINEER"]), by: "U0APPROVER", why: "they left" };
  const healthy = await connectRedis(url);
  const queues = openQueues(healthy.redis);
  const erase = (redis: typeof healthy.redis) => {
    const stores = { ledger: redisLedger(redis), auditLog: redisAuditLog(redis), personData: redisPersonData(redis) };
    return erasePerson({ ...stores, queues, config, keys, now: () => at(hours(24 * 30)) }, wish);
  };
  const verified = () => verifyAuditLog(redisAuditLog(healthy.redis), () => keys.preview, []);
  let isKilled = true;
  let commands = 0;
  for (; isKilled; commands += 1) {
    await emptied();
    const ledger = redisLedger(healthy.redis);
    await ledger.commit(aChange(aRequest({ id: "r-gone", state: "denied" })));
    await ledger.commit(aChange(aRequest({ id: "r-kept", state: "denied", requester: "U0OTHER" })));
    // Slack shows them.
    await healthy.redis.del(unshownKey);
    await healthy.redis.set("{eks-access}:links:U0ENGINEER", "[]");
    const dying = await connectedUntil(commands);
    isKilled = await erase(dying.redis).then(
      () => false,
      () => true,
    );
    await dying.close();
    expect((await verified()).type, `killed after ${commands} commands`).toBe("whole");

    expect(await erase(healthy.redis)).toMatchObject({ type: "erased", kept: [] });
    expect((await verified()).type).toBe("whole");
    const left = await everythingOnTheNodes();
    expect(left).not.toContain("U0ENGINEER");
    expect(left).toContain("r-kept");
  }
  await queues.close();
  await healthy.close();

  expect(commands).toBeGreaterThan(10);
});

test("where no node answers the start fails within its time limit and names them", async () => {
  const began = performance.now();

  const failure = await connectRedis("redis+cluster://worker:hunter2secret@127.0.0.1:9,127.0.0.1:10").catch(
    (error: unknown) => error,
  );

  expect(performance.now() - began).toBeLessThan(30_000);
  expect(explainFailure(failure)).toContain("No answer from Redis at redis+cluster://127.0.0.1:9,127.0.0.1:10");
});

test("a command fails in time for an ack while the node that has our keys is gone", async () => {
  const { redis, close } = await connectRedis(url);
  const ledger = redisLedger(redis);
  await ledger.get("r-1");
  await (await cluster.nodeOfOurKeys()).server.kill();

  const command = ledger.get("r-1").catch((error: unknown) => error);
  // On a machine that is busy with something else all timers are late, in their order.
  const failure = await Promise.race([command, pause(3_000, "no answer in time")]);
  await close();

  expect(failure).toMatchObject({ code: "ledger-unreachable" });
});
