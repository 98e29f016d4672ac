import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessError } from "../../src/access/failure/access-error.ts";
import { freePort } from "../free-port.ts";
import { awaitPing } from "./await-ping.ts";
import { startRedisProcess } from "./redis-process.ts";
import { findRedisProgram } from "./redis-sources.ts";

/** A Redis that answers, and what it takes to make it fail and to end it. */
export interface ProvidedRedis {
  /** `redis://127.0.0.1:<port>`, or REDIS_URL. */
  url: string;
  /** A sentence for people: where it came from. */
  origin: string;
  /** SIGKILL, as in a crash; resolves when it is gone. Refuses for REDIS_URL: that Redis is not ours. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, with the same port and data; a running one is stopped first. Refuses for REDIS_URL. */
  restart(): Promise<void>;
  /** Ends it, and deletes the data unless `dataDir` was given. Leaves the Redis of REDIS_URL alone. */
  stop(): Promise<void>;
}

/**
 * Provides a real Redis on any machine: REDIS_URL; redis-server or valkey-server on the PATH; the packages of Debian or
 * Ubuntu, fetched without root; Docker or Podman. It dies with this process, however this process dies.
 * Throws AccessError "redis-not-found" with everything that was tried.
 */
export async function provideRedis(
  options: { dataDir?: string; port?: number; appendOnly?: boolean } = {},
): Promise<ProvidedRedis> {
  const given = process.env.REDIS_URL;
  if (given !== undefined && given !== "") return givenRedis(given);
  const program = await findRedisProgram();
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "eks-access-redis-")));
  await mkdir(dataDir, { recursive: true });
  const settings = { port: options.port ?? (await freePort()), dataDir, appendOnly: options.appendOnly ?? false };
  let running = await startRedisProcess(program, settings);
  return {
    url: `redis://127.0.0.1:${settings.port}`,
    origin: program.origin,
    kill: () => running.kill(),
    restart: async () => {
      await running.stop();
      running = await startRedisProcess(program, settings);
    },
    stop: async () => {
      await running.stop();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function givenRedis(url: string): Promise<ProvidedRedis> {
  await awaitPing(url, { withinMs: 2_000 }).catch((cause: unknown) => {
    throw new AccessError("ledger-unreachable", "The Redis of REDIS_URL does not answer", { cause });
  });
  const refuse = async () => {
    throw new Error("The Redis of REDIS_URL is not ours to kill or restart. Unset REDIS_URL to get one that is.");
  };
  return { url, origin: "the Redis of REDIS_URL", kill: refuse, restart: refuse, stop: async () => {} };
}
