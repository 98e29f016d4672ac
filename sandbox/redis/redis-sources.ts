import { basename } from "node:path";
import { AccessError } from "../../src/access/failure/access-error.ts";
import { fetchDebianRedis } from "./debian-packages.ts";
import { findOnPath } from "./find-on-path.ts";
import type { RedisProgram } from "./redis-process.ts";

interface Source {
  /** What to say when it has no Redis. */
  absent: string;
  find: () => Promise<RedisProgram | undefined>;
}

/** In this order: what is here already, what the distribution has, what a container has. */
const sources: readonly Source[] = [
  { absent: "no redis-server or valkey-server on the PATH", find: installed },
  { absent: "no apt-get to fetch it with", find: unpacked },
  { absent: "no Docker or Podman", find: container },
];

/** The first Redis that this machine can run, or one sentence that says everything that was tried. */
export async function findRedisProgram(): Promise<RedisProgram> {
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

async function installed(): Promise<RedisProgram | undefined> {
  const program = await findOnPath("redis-server", "valkey-server");
  if (program === undefined) return undefined;
  return { origin: `${basename(program)} of this machine (${program})`, server: program, env: {} };
}

async function unpacked(): Promise<RedisProgram | undefined> {
  const server = await fetchDebianRedis();
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
    // --init: a process with the number 1 ignores the lifeline's SIGKILL.
    container: (port, dataDir) => [
      ...[program, "run", "--rm", "--interactive", "--init", "--user", user, "--publish", `127.0.0.1:${port}:6379`],
      ...(basename(program) === "podman" ? ["--userns=keep-id"] : []),
      ...["--volume", `${dataDir}:/data`, "redis:8-alpine"],
    ],
  };
}
