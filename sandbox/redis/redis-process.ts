import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { AccessError } from "../../src/access/access-error.ts";

/** A Redis server that this machine can run. */
export interface RedisProgram {
  /** A sentence for people about where it came from. */
  origin: string;
  server: string;
  env: Readonly<Record<string, string>>;
  /** The command that runs it in a container, with Redis on port 6379 and the data in /data. */
  container?: (port: number, dataDir: string) => readonly string[];
}

export interface RedisSettings {
  port: number;
  dataDir: string;
  appendOnly: boolean;
  /** More lines of redis.conf: TLS, a cluster, a replica. */
  configuration?: readonly string[];
  /** A Sentinel: it watches servers and has no data. */
  sentinel?: boolean;
}

export interface RunningRedis {
  /** SIGKILL, as in a crash. */
  kill(): Promise<void>;
  /** SIGTERM: Redis saves its data first. */
  stop(): Promise<void>;
}

/**
 * The shell becomes Redis, and leaves a subshell that reads the lifeline: the pipe to us. It gets a signal's name, or its end when we die,
 * even by SIGKILL. So no Redis outlives its process.
 */
const lifeline = 'exec 3<&0; (read -r signal <&3 || signal=KILL; kill -"$signal" $$) & exec "$@" </dev/null 3<&-';

/** Starts a server and resolves when it answers PING. */
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
    throw new AccessError("redis-not-found", `Redis did not start (${lastLine(log)})`, { cause });
  }
  return { kill: () => end("KILL"), stop: () => end("TERM") };
}

function spawnRedis(program: RedisProgram, settings: RedisSettings, logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  try {
    const server = ["/bin/sh", "-c", lifeline, "sh", program.server, ...redisOptions(program, settings)];
    const outer = program.container?.(settings.port, settings.dataDir) ?? [];
    const [command = "/bin/sh", ...args] = [...outer, ...server];
    const child = spawn(command, args, {
      // Its own session: only we get Ctrl-C, and we end Redis after its users.
      detached: true,
      env: { ...process.env, ...program.env },
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

function lastLine(log: string): string {
  return log.trim().split("\n").at(-1) || "it left no log";
}

/**
 * Resolves when the Redis at `url` answers PING. Rejects with the last error after `withinMs`, or at once when `givenUp` resolves. It waits
 * for a Redis that still loads its data, which answers with an error.
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
  // Each failure also rejects the call below; without a listener ioredis would print it.
  redis.on("error", () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
