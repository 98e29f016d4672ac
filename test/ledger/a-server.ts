import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../sandbox/product-process.ts";
import { findRedisProgram, type RunningRedis, startRedisProcess } from "../../sandbox/redis/provide-redis.ts";

/** A Redis of its own, for what one database in the run's Redis can't show. */
export interface AServer extends RunningRedis {
  readonly port: number;
  /** For its administrator: without TLS and without a user. */
  readonly url: string;
}

/** Starts a server with these lines of redis.conf. `folder` is where its data lie. */
export async function aServer(
  configuration: readonly string[] | ((folder: string) => readonly string[] | Promise<readonly string[]>) = [],
  { port: wanted, ...options }: { sentinel?: boolean; port?: number } = {},
): Promise<AServer> {
  const program = await findRedisProgram();
  // Several servers that know each other by their addresses need a network of their own in containers.
  if (program.container)
    throw new Error("These tests need a redis-server that runs on this machine, not in a container.");
  const dataDir = await mkdtemp(join(tmpdir(), "eks-access-redis-"));
  const port = wanted ?? (await freePort());
  const lines = typeof configuration === "function" ? await configuration(dataDir) : configuration;
  const running = await startRedisProcess(program, {
    port,
    dataDir,
    appendOnly: false,
    configuration: lines,
    ...options,
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    kill: running.kill,
    stop: async () => {
      await running.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
