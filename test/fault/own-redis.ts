import { Redis } from "ioredis";
import { vi } from "vitest";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";

/**
 * A Redis that is ours to kill, also where REDIS_URL names one for the other tests. What it acknowledges is on the disk,
 * as docs/operating.md asks for; `restart` keeps that.
 */
export async function redisOfOurOwn(): Promise<ProvidedRedis> {
  const redis = await provideOwn();
  await writeThrough(redis.url);
  return {
    ...redis,
    restart: async () => {
      await redis.restart();
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

async function writeThrough(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.config("SET", "appendfsync", "always");
  } finally {
    redis.disconnect();
  }
}
