import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences, runLine } from "./runbook.ts";

let folder: string;
let redis: ProvidedRedis;
let product: Product;
let port: number;

/** A Redis with its append-only file in this folder, at the same address as before. */
async function redisOn(name: string, appendOnly = true): Promise<ProvidedRedis> {
  vi.stubEnv("REDIS_URL", "");
  const provided = await provideRedis({ dataDir: join(folder, name), appendOnly, ...(port > 0 && { port }) });
  port = Number(new URL(provided.url).port);
  return provided;
}

beforeEach(async () => {
  port = 0;
  folder = await mkdtemp(join(tmpdir(), "eks-access-restore-"));
  redis = await redisOn("data");
  product = await aProduct({ redisUrl: redis.url });
});
afterEach(async () => {
  await product.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

test("restore: with a copy of the append-only file requests that wait and the audit log are there again", async () => {
  await product.ask("10m", "waiting");
  await product.message("waiting", "[Approve]");
  for (const kind of ["slack", "worker"] as const) await product.stop(kind);
  await redis.stop();
  await cp(join(folder, "data"), join(folder, "copy"), { recursive: true });
  await rm(join(folder, "data"), { recursive: true });

  redis = await redisOn("copy");
  product.inEnvironmentOf("worker");
  const verified = await runLine("Restore", "eks-access audit verify");
  for (const kind of ["slack", "worker"] as const) await product.start(kind);
  await product.approve(await product.message("waiting", "[Approve]"));
  const recovered = await runLine("Restore", "eks-access recover");
  await product.message("waiting", "*Active*");

  expect([verified.code, recovered.code]).toEqual([0, 0]);
  expectSentences("Restore", [verified.stdout]);
});

test("restore: from a dump.rdb alone, which Redis ignores with an append-only file", async () => {
  const asked = async (ask: (server: Redis) => Promise<unknown>) => {
    const server = new Redis(redis.url);
    try {
      return await ask(server);
    } finally {
      server.disconnect();
    }
  };
  const startOn = async (name: string, appendOnly?: boolean) => {
    await redis.stop();
    redis = await redisOn(name, appendOnly);
  };
  await product.ask("10m", "waiting");
  await product.message("waiting", "[Approve]");
  for (const kind of ["slack", "worker"] as const) await product.stop(kind);
  await asked((server) => server.call("SAVE"));
  for (const name of ["ignored", "loaded"]) await cp(join(folder, "data", "dump.rdb"), join(folder, name, "dump.rdb"));

  await startOn("ignored");
  expect(await asked((server) => server.dbsize())).toBe(0);
  await startOn("loaded", false);
  await asked((server) => server.config("SET", "appendonly", "yes"));
  await expect.poll(() => asked((server) => server.info("persistence"))).toContain("aof_rewrite_in_progress:0");
  await startOn("loaded");
  for (const kind of ["slack", "worker"] as const) await product.start(kind);
  await product.approve(await product.message("waiting", "[Approve]"));

  await product.message("waiting", "*Active*");
});
