import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";
import { leaksIn, placesOf } from "./leaks.ts";

/** What every other flow test relies on when it looks for secrets at its end. */
describe("the search for secrets finds one", () => {
  let sandbox: Sandbox;
  let redis: TestRedis;
  let redisClient: Redis;
  beforeAll(async () => {
    [sandbox, redis] = await Promise.all([startSandbox({ startCluster }), aRedis()]);
    redisClient = new Redis(redis.url);
  });
  afterAll(async () => {
    redisClient.disconnect();
    await Promise.all([sandbox.stop(), redis.close()]);
  });

  const leaks = async (log: readonly string[] = []) =>
    leaksIn(await placesOf(sandbox, redis.url, log), sandbox.secrets());
  const aSecret = () => sandbox.secrets().find((each) => each.includes("/") || each.includes("+")) ?? "";

  test("nowhere, where there is none", async () => {
    expect(await leaks(["a line", "token k8s-aws-v1.[redacted]"])).toEqual([]);
  });

  test.each([
    ["as it is", (secret: string) => secret],
    ["in a URL", (secret: string) => `https://example.com/?key=${encodeURIComponent(secret)}`],
    ["in base64", (secret: string) => Buffer.from(secret).toString("base64")],
    ["in JSON", (secret: string) => JSON.stringify({ secret })],
  ])("in a line of the log, %s", async (_how, spell) => {
    expect(await leaks([spell(aSecret())])).toEqual(["The log holds a secret"]);
  });

  test("that is a token of a cluster, or a signed URL", async () => {
    expect(await leaks(["Bearer k8s-aws-v1.aHR0cHM6"])).toEqual(["The log holds a secret"]);
    expect(await leaks(["https://sts/?X-Amz-Signature=0123abcd"])).toEqual(["The log holds a secret"]);
  });

  test.each([
    ["a hash", (secret: string) => redisClient.hset("planted", "field", secret)],
    ["a list", (secret: string) => redisClient.lpush("planted", secret)],
    ["a set", (secret: string) => redisClient.sadd("planted", secret)],
    ["a sorted set", (secret: string) => redisClient.zadd("planted", "1", secret)],
    ["a stream", (secret: string) => redisClient.xadd("planted", "*", "field", secret)],
    ["a string", (secret: string) => redisClient.set("planted", secret)],
  ])("in Redis, in %s", async (_type, plant) => {
    await plant(aSecret());

    expect(await leaks()).toEqual(["Redis's planted holds a secret"]);

    await redisClient.del("planted");
  });

  test("in a ConfigMap and in a message", async () => {
    await sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, note: aSecret() } }));
    await fetch(`${sandbox.slack.apiUrl}chat.postMessage`, {
      method: "POST",
      headers: { authorization: `Bearer ${sandbox.slack.botToken}`, "content-type": "application/json" },
      body: JSON.stringify({ channel: "C0ACCESS", text: `see ${aSecret()}` }),
    });

    expect(await leaks()).toEqual(["Slack holds a secret", "aws-auth holds a secret"]);
  });
});
