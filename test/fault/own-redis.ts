import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { vi } from "vitest";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";

/**
 * A Redis that is ours to kill, also where REDIS_URL names one for the other tests. What it acknowledges is on the disk, and its file is
 * rewritten after each start, as docs/operating.md asks for; `restart` keeps that.
 */
export async function redisOfOurOwn(): Promise<ProvidedRedis> {
  const redis = await provideOwn();
  await writeThrough(redis.url);
  return {
    ...redis,
    restart: async () => {
      await redis.restart();
      await rewriteFile(redis.url);
      await writeThrough(redis.url);
    },
  };
}

async function provideOwn(): Promise<ProvidedRedis> {
  vi.stubEnv("REDIS_URL", "");
  try {
    return await provideRedis({ appendOnly: true });
  } finally {
    vi.unstubAllEnvs();
  }
}

/** What this Redis acknowledges from now on is on the disk, until it starts again. */
export async function writeThrough(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.config("SET", "appendfsync", "always");
  } finally {
    redis.disconnect();
  }
}

/**
 * Redis 8.0 cuts a file that a kill left in the middle of a command there, also inside a transaction (aof.c, loadSingleAppendOnlyFile:
 * `valid_up_to`). What it writes next would belong to that half transaction, and count for another at the next start.
 */
export async function rewriteFile(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.bgrewriteaof();
    while (!/aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/.test(await redis.info("persistence")))
      await pause(5);
  } finally {
    redis.disconnect();
  }
}
