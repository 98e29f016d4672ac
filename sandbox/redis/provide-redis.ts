import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { AccessError } from "../../src/access/access-error.ts";
import { freePort } from "../free-port.ts";
import { fetchDebianRedis, type ServerPackage } from "./debian-packages.ts";
import { findOnPath } from "./find-on-path.ts";
import { awaitPing, type RedisProgram, startRedisProcess } from "./redis-process.ts";

/** In this order: the machine, the distribution, a container. */
const sources: readonly Source[] = [
  { absent: "no redis-server or valkey-server on the PATH", find: installed },
  { absent: "no apt-get to fetch it with", find: unpacked },
  { absent: "no Docker or Podman", find: container },
];

/** A running Redis that tests can kill and stop. */
export interface ProvidedRedis {
  /** `redis://127.0.0.1:<port>`, or REDIS_URL. */
  url: string;
  /** A sentence for people about where it came from. */
  origin: string;
  /** SIGKILL, as in a crash; resolves when it is gone. Refuses for REDIS_URL, which is not ours. */
  kill(): Promise<void>;
  /** Starts it again with the same port and data; stops a running one first. Refuses for REDIS_URL. */
  restart(): Promise<void>;
  /** Ends it, and deletes the data unless `dataDir` was given. Does nothing for REDIS_URL. */
  stop(): Promise<void>;
}

/**
 * Provides a real Redis on any machine: REDIS_URL; redis-server or valkey-server on the PATH; the packages of Debian or Ubuntu, without
 * root; Docker or Podman. It always dies with this process.
 * @throws AccessError `redis-not-found` with everything that it tried
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

interface Source {
  /** What to say if it has no Redis. */
  absent: string;
  find: () => Promise<RedisProgram | undefined>;
}

/** The first Redis that this machine can run, or a sentence with everything that it tried. */
export async function findRedisProgram(): Promise<RedisProgram> {
  if (process.env.EKS_ACCESS_REDIS === "valkey") return findValkey();
  const tried = ["REDIS_URL is not set"];
  for (const source of sources) {
    try {
      const program = await source.find();
      if (program !== undefined) return program;
      tried.push(source.absent);
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new AccessError("redis-not-found", `This machine has no Redis: ${tried.join("; ")}`);
}

/** For the tests on Valkey (`npm run test:valkey`): no other server fits. */
async function findValkey(): Promise<RedisProgram> {
  const found = (await installed("valkey-server")) ?? (await unpacked("valkey-server"));
  if (found) return found;
  throw new AccessError(
    "redis-not-found",
    "This machine has no valkey-server on the PATH, and no apt-get to fetch it with",
  );
}

async function installed(...programs: readonly ServerPackage[]): Promise<RedisProgram | undefined> {
  const program = await findOnPath(...(programs.length > 0 ? programs : ["redis-server", "valkey-server"]));
  if (program === undefined) return undefined;
  return { origin: `${basename(program)} of this machine (${program})`, server: program, env: {} };
}

async function unpacked(only?: ServerPackage): Promise<RedisProgram | undefined> {
  const server = await fetchDebianRedis(only);
  if (server === undefined) return undefined;
  return {
    origin: `${basename(server.program)} from the distribution's packages, unpacked without installing (${server.program})`,
    server: server.program,
    env: { LD_LIBRARY_PATH: server.libraryPath },
  };
}

async function container(): Promise<RedisProgram | undefined> {
  const program = await findOnPath("docker", "podman");
  if (program === undefined) return undefined;
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return {
    origin: `a Redis container, run by ${basename(program)}`,
    server: "redis-server",
    env: {},
    // --init: process number 1 would ignore the lifeline's SIGKILL.
    container: (port, dataDir) => [
      ...[program, "run", "--rm", "--interactive", "--init", "--user", user, "--publish", `127.0.0.1:${port}:6379`],
      ...(basename(program) === "podman" ? ["--userns=keep-id"] : []),
      ...["--volume", `${dataDir}:/data`, "redis:8-alpine"],
    ],
  };
}
