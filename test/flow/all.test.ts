import { afterAll, beforeAll, expect, test } from "vitest";
import { startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { builtProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";

let sandbox: Sandbox;
let redis: TestRedis;
beforeAll(async () => {
  [sandbox, redis] = await Promise.all([startSandbox({ startCluster }), aRedis(), builtProduct()]);
});
afterAll(() => Promise.all([sandbox.stop(), redis.close()]));

test("one process does the work of both, with the secrets of both", async () => {
  const [slack, worker] = (["slack", "worker"] as const).map((kind) =>
    sandbox.environmentOf(kind, { redisUrl: redis.url }),
  );

  const both = await startProduct(await builtProduct(), "all", { ...slack, ...worker });
  const code = await both.stop();

  expect(code).toBe(0);
  expect(both.log.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
});
