import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";

/**
 * Resolves when the Redis at `url` answers PING; rejects with the last error after `withinMs`, or as soon as `givenUp`
 * resolves because nobody will ever answer. A Redis that still loads its data answers with an error and is waited for.
 */
export async function awaitPing(url: string, options: { withinMs: number; givenUp?: Promise<void> }): Promise<void> {
  const deadline = performance.now() + options.withinMs;
  let gone = false;
  options.givenUp?.then(() => {
    gone = true;
  });
  for (;;) {
    try {
      return await ping(url);
    } catch (error) {
      if (gone || performance.now() >= deadline) throw error;
      await pause(20);
    }
  }
}

async function ping(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5_000 });
  // Each failure also rejects the call below; without a listener ioredis prints it.
  redis.on("error", () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
