import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { AccessError } from "../../src/access/access-error.ts";
import { freePort, lifeline } from "../product-process.ts";
import { fetchDebianRedis, findOnPath, runProgram, type ServerPackage } from "./debian-packages.ts";

/** In this order: the machine, the distribution, a container. */
const sources: readonly Source[] = [
  { absent: "no redis-server or valkey-server on the PATH", find: installed },
  { absent: "no apt-get to fetch it with", find: unpacked },
  { absent: "no Docker", find: () => container("docker") },
  { absent: "no Podman", find: () => container("podman") },
];

export interface ProvidedRedis {
  /** `redis://127.0.0.1:<port>`, or REDIS_URL. */
  url: string;
  /** A sentence for people about where it came from. */
  origin: string;
  kill(): Promise<void>;
  /** Starts it again with the same port and data; stops a running one first. Refuses for REDIS_URL. */
  restart(): Promise<void>;
  /** Ends it, and deletes the data unless `dataDir` was given. Does nothing for REDIS_URL. */
  stop(): Promise<void>;
}

/**
 * A real Redis on any machine: REDIS_URL; redis-server or valkey-server on the PATH; the packages of Debian or Ubuntu,
 * without root; Docker or Podman. It always ends with this process. @throws AccessError `redis-not-found` with
 * everything that it tried
 * @param options.empty refuses a REDIS_URL that has keys: it can be the ledger of an installation, whose leases a product with other
 * keys would end
 */
export async function provideRedis(
  options: { dataDir?: string; port?: number; appendOnly?: boolean; empty?: boolean } = {},
): Promise<ProvidedRedis> {
  const given = process.env.REDIS_URL;
  if (given !== undefined && given !== "") return givenRedis(given, options.empty ?? false);
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

async function givenRedis(url: string, isToBeEmpty: boolean): Promise<ProvidedRedis> {
  const remedy = "Unset REDIS_URL to get one of your own, or name an empty database in it.";
  await awaitPing(url, { withinMs: 2_000 }).catch((cause: unknown) => {
    throw new AccessError("ledger-unreachable", "The Redis of REDIS_URL does not answer", { cause, remedy });
  });
  if (isToBeEmpty && (await askOnce(url, (redis) => redis.dbsize())) > 0)
    throw new AccessError("redis-not-found", "The Redis of REDIS_URL has data already", { remedy });
  const refuse = async () => {
    throw new Error("The Redis of REDIS_URL is not ours to kill or restart. Unset REDIS_URL to get one that is.");
  };
  return { url, origin: "the Redis of REDIS_URL", kill: refuse, restart: refuse, stop: async () => {} };
}

type Source = { absent: string; find: () => Promise<RedisProgram | undefined> };

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

async function container(engine: "docker" | "podman"): Promise<RedisProgram | undefined> {
  const program = await findOnPath(engine);
  if (program === undefined) return undefined;
  // A client without its daemon, or without the right to use it, starts nothing.
  await runProgram(program, ["version"]);
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return {
    origin: `a Redis container, run by ${engine}`,
    server: "redis-server",
    env: {},
    // --init: process number 1 would ignore the lifeline's SIGKILL.
    container: (port, dataDir) => [
      ...[program, "run", "--rm", "--interactive", "--init", "--user", user, "--publish", `127.0.0.1:${port}:6379`],
      ...(engine === "podman" ? ["--userns=keep-id"] : []),
      ...["--volume", `${dataDir}:/data`, "redis:8-alpine"],
    ],
  };
}

interface RedisProgram {
  origin: string;
  server: string;
  env: Readonly<Record<string, string>>;
  /** The command that runs it in a container, with Redis on port 6379 and the data in /data. */
  container?: (port: number, dataDir: string) => readonly string[];
}

interface RedisSettings {
  port: number;
  dataDir: string;
  appendOnly: boolean;
  /** More lines of redis.conf: TLS, a cluster, a replica. */
  configuration?: readonly string[];
  /** A Sentinel: it watches servers and has no data. */
  sentinel?: boolean;
}

export interface RunningRedis {
  kill(): Promise<void>;
  /** SIGTERM: Redis saves its data first. */
  stop(): Promise<void>;
}

export async function startRedisProcess(program: RedisProgram, settings: RedisSettings): Promise<RunningRedis> {
  const logFile = join(settings.dataDir, "redis.log");
  await writeFile(join(settings.dataDir, "redis.conf"), `${(settings.configuration ?? []).join("\n")}\n`);
  const child = spawnRedis(program, settings, logFile);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const end = async (signal: "KILL" | "TERM") => {
    child.stdin?.end(`${signal}\n`);
    await exited;
  };
  try {
    // A container can need its image first.
    const withinMs = program.container ? 180_000 : 20_000;
    await awaitPing(`redis://127.0.0.1:${settings.port}`, { withinMs, givenUp: exited });
  } catch (cause) {
    await end("KILL");
    const log = await readFile(logFile, "utf8").catch(() => "");
    const why = log.trim().split("\n").at(-1) || "it left no log";
    throw new AccessError("redis-not-found", `Redis did not start (${why})`, { cause });
  }
  return { kill: () => end("KILL"), stop: () => end("TERM") };
}

function spawnRedis(program: RedisProgram, settings: RedisSettings, logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  try {
    const server = [...lifeline, program.server, ...redisOptions(program, settings)];
    const outer = program.container?.(settings.port, settings.dataDir) ?? [];
    const [command = "/bin/sh", ...args] = [...outer, ...server];
    const child = spawn(command, args, {
      // Its own session: only we get Ctrl-C, and we end Redis after its users.
      detached: true,
      // Redis refuses a locale that the machine lacks, as one that SSH brought from another machine.
      env: { ...process.env, LC_ALL: "C", ...program.env },
      stdio: ["pipe", log, log],
    });
    // The pipe breaks if Redis dies first; "exit" reports that.
    child.stdin?.on("error", () => {});
    return child;
  } finally {
    closeSync(log);
  }
}

function redisOptions(program: RedisProgram, settings: RedisSettings): readonly string[] {
  const inContainer = { port: 6379, dataDir: "/data", bind: "0.0.0.0" };
  const { port, dataDir, bind } = program.container ? inContainer : { ...settings, bind: "127.0.0.1" };
  return [
    join(dataDir, "redis.conf"),
    ...(settings.sentinel ? ["--sentinel"] : []),
    ...["--port", String(port), "--bind", bind, "--protected-mode", "no", "--dir", dataDir],
    ...["--save", "", "--appendonly", settings.appendOnly ? "yes" : "no"],
    // BullMQ's keys must never be evicted.
    ...["--maxmemory-policy", "noeviction"],
    // One logical database for each test file.
    ...["--databases", "512"],
  ];
}

/** Rejects with the last error after `withinMs`, or at once when `givenUp` resolves. */
export async function awaitPing(url: string, options: { withinMs: number; givenUp?: Promise<void> }): Promise<void> {
  const deadline = performance.now() + options.withinMs;
  let gone = false;
  options.givenUp?.then(() => {
    gone = true;
  });
  for (;;) {
    try {
      await askOnce(url, (redis) => redis.ping());
      return;
    } catch (error) {
      if (gone || performance.now() >= deadline) throw error;
      await pause(20);
    }
  }
}

async function askOnce<T>(url: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5_000 });
  // Each failure also rejects the call below; without a listener ioredis would print it.
  redis.on("error", () => {});
  try {
    await redis.connect();
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}
