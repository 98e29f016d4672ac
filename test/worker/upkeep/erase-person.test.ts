import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { channel, clusterName } from "../../../sandbox/scene.ts";
import { audit } from "../../../src/bin/audit.ts";
import { connectRedis, type RedisConnection } from "../../../src/ledger/connect.ts";
import { runCommand } from "../../bin/check-run.ts";
import { aProduct, type Product } from "../../runbooks/a-product.ts";

let product: Product;
let connection: RedisConnection;
beforeEach(async () => {
  product = await aProduct();
  connection = await connectRedis(product.redisUrl);
});
afterEach(async () => {
  vi.useRealTimers();
  await connection.close();
  await product.close();
});

/** Every key of Redis with its type and its content. */
async function dump(): Promise<readonly string[]> {
  const { redis } = connection;
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, "0", "-1"),
    stream: (key) => redis.xrange(key, "-", "+"),
  };
  const keys = await redis.keys("*");
  return Promise.all(keys.map(async (key) => `${key} ${JSON.stringify(await read[await redis.type(key)]?.(key))}`));
}

const erase = (...more: readonly string[]) => {
  product.inEnvironmentOf("worker");
  const who = ["U0ENGINEER", "--also", "engineer@example.com", "--by", "U0APPROVER2", "--why", "they left"];
  return runCommand(audit, ["erase", ...who, ...more]);
};
const personal = /U0ENGINEER(?!\d)|engineer@example\.com|look at the orders/;

test("a person's data is erased from Redis once nothing needs it, and the log stays whole", async () => {
  const { sandbox, message, approve, ask, moveClock } = product;
  await ask("1h", "look at the orders");
  await sandbox.slack.person("U0ENGINEER").command("/eks-access whoami", channel);
  await approve(await message("look at the orders", "[Approve]"));
  await message("look at the orders", "*Active*");
  const early = await erase();
  await sandbox.slack
    .person("U0APPROVER")
    .command(`/eks-access revoke ${(await dump()).join().match(/record:(r-\w+)/)?.[1]}`, channel);
  await message("look at the orders", "*Ended*");
  const before = await runCommand(audit, ["verify"]);
  const anchor = /anchor (\S+)/.exec(before.stdout)?.[1] ?? "";
  moveClock(3 * 86_400);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * 86_400_000 });

  const had = (await dump()).filter((text) => personal.test(text));
  const erased = await erase();

  const left = (await dump()).filter((text) => personal.test(text));
  const after = await runCommand(audit, ["verify", "--anchor", anchor]);
  const review = await runCommand(audit, ["review"]);
  const none = await runCommand(audit, ["show", "--request", "r-none"]);
  const again = await erase();
  expect(early).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Erased nothing of U0ENGINEER. r-\w+ on staging is open: end it first/),
  });
  expect(erased).toMatchObject({ stderr: "", stdout: expect.stringMatching(/^Erased U0ENGINEER in \d+ events, and/) });
  expect(again.stdout).toMatch(/^Redis has nothing of U0ENGINEER\.\n/);
  expect(none).toEqual({ code: 0, stdout: "", stderr: "The audit log has no event of r-none.\n" });
  expect(had.length).toBeGreaterThan(5);
  expect(left).toEqual([]);
  expect([before.code, after.code, after.stdout]).toEqual([0, 0, expect.stringContaining("whole: ")]);
  expect(review.stdout).toMatch(new RegExp(`,${clusterName},erased-[0-9a-f]{8},,,viewer,.*,U0APPROVER,`));
});
