import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { aRedis } from "../../redis.ts";

test("two test files at once get different databases, each empty", async () => {
  const [one, two] = await Promise.all([aRedis(), aRedis()]);
  const [first, second] = [new Redis(one.url), new Redis(two.url)];

  await first.set("lease", "active");

  expect(await second.dbsize()).toBe(0);
  expect(await first.dbsize()).toBe(1);
  for (const client of [first, second]) client.disconnect();
  await Promise.all([one.close(), two.close()]);
});
