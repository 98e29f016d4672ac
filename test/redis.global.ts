import type { TestProject } from "vitest/node";
import { provideRedis } from "../sandbox/redis/provide-redis.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The one Redis of this test run. A test takes a database of its own in it with `aRedis()`. */
    redisUrl: string;
  }
}

/** Vitest's global setup: one real Redis for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await provideRedis();
  project.provide("redisUrl", redis.url);
  return () => redis.stop();
}
