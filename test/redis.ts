import { Redis } from "ioredis";
import { inject } from "vitest";

export interface TestRedis {
  /** `redis://host:port/<database>`: an empty logical database that no other test uses until `close`. */
  url: string;
  /** Empties the database and gives it back. */
  close(): Promise<void>;
}

const lockOf = (database: number) => `eks-access:test:database:${database}`;

/**
 * An empty logical database of the run's Redis for one test file. With REDIS_URL that Redis may hold somebody's data: only
 * a database that is empty is taken, and database 0 holds nothing but our locks, which expire after an hour.
 */
export async function aRedis(): Promise<TestRedis> {
  const shared = new Redis(inject("redisUrl"));
  try {
    const database = await takeDatabase(shared);
    const url = new URL(inject("redisUrl"));
    url.pathname = `/${database}`;
    return { url: url.href, close: () => giveBack(url.href, database) };
  } finally {
    shared.disconnect();
  }
}

async function takeDatabase(redis: Redis): Promise<number> {
  const [, count = "16"] = (await redis.config("GET", "databases").catch(() => [])) as string[];
  for (let database = 1; database < Number(count); database += 1) {
    await redis.select(0);
    if ((await redis.set(lockOf(database), process.pid, "EX", 3_600, "NX")) === null) continue;
    await redis.select(database);
    if ((await redis.dbsize()) === 0) return database;
  }
  throw new Error(`All ${count} databases of this Redis are in use. Unset REDIS_URL to get one that has room.`);
}

async function giveBack(url: string, database: number): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.flushdb();
    await redis.select(0);
    await redis.del(lockOf(database));
  } finally {
    redis.disconnect();
  }
}
