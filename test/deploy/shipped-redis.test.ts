import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { freePort } from "../../sandbox/product-process.ts";
import { findRedisProgram } from "../../sandbox/redis/provide-redis.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const password = `two words, "quotes", it's \\ and $HOME`;
const command = z.tuple([z.literal("sh"), z.literal("-c"), z.string()]);

let folder: string;
let port: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-shipped-redis-"));
  port = await freePort();
  const { server } = await findRedisProgram();
  // Where the container has a port of its own, this machine has another.
  await writeFile(join(folder, "redis-server"), `#!/bin/sh\nexec "${server}" "$@" --port ${port}\n`);
  await chmod(join(folder, "redis-server"), 0o755);
  // That of Valkey, where this machine has Valkey.
  await symlink(server.replace(/server$/, "check-aof"), join(folder, "redis-check-aof"));
});
afterEach(() => rm(folder, { recursive: true }));

/** The script in this test's folder, with this machine's Redis. */
async function startWith(script: string): Promise<ChildProcessByStdio<null, Readable, Readable>> {
  const { env } = await findRedisProgram();
  const path = `${folder}:${process.env.PATH}`;
  return spawn("sh", ["-c", script], {
    cwd: folder,
    env: { ...env, PATH: path, REDIS_PASSWORD: password },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function connect(options: { password?: string } = { password }): Redis {
  const redis = new Redis({ port, ...options });
  redis.on("error", () => {});
  return redis;
}

/** What Compose, and then the shell, makes of the file. */
async function composed(): Promise<string> {
  const file = z
    .object({ services: z.object({ redis: z.looseObject({ command }) }) })
    .parse(parse(await readFile(join(root, "docker-compose.yml"), "utf8"), { merge: true }));
  return file.services.redis.command[2].replaceAll("$$", "$");
}

async function deployed(): Promise<string> {
  const documents = parseAllDocuments(await readFile(join(root, "deploy/kubernetes/redis/redis.yaml"), "utf8"));
  const set = documents.map((each) => each.toJS() as unknown).find((each) => workload.safeParse(each).success);
  const [container] = workload.parse(set).spec.template.spec.containers;
  return container.command[2].replace("cd /data\n", "");
}
const container = z.looseObject({ command });
const pod = z.looseObject({ spec: z.looseObject({ containers: z.tuple([container]) }) });
const workload = z.looseObject({ spec: z.looseObject({ template: pod }) });

describe.each([
  ["the compose file", composed],
  ["the manifest", deployed],
])("the Redis of %s", (_, scriptOf) => {
  test("takes any password and no one without it, and prints nothing of it", async () => {
    const child = await startWith(await scriptOf());
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    const ended = once(child, "exit");
    const redis = connect();

    const answer = await Promise.race([redis.ping(), ended.then(() => "it ended")]);
    const stranger = connect({});
    const refusal = await stranger.ping().catch(String);
    stranger.disconnect();
    redis.disconnect();
    child.kill();
    const log = (await said).join("");

    expect(answer).toBe("PONG");
    expect(refusal).toContain("NOAUTH");
    expect(log).not.toContain("two words");
  });

  test.each([
    ["within a text", "two", 1],
    ["within a length", "$3\r\ntwo", 1],
    ["within the end of a length", "$3\r\ntwo", 2],
  ])("cuts off the transaction that a kill left %s, so that it mixes with no later one", async (_, place, bytes) => {
    const script = await scriptOf();
    const during = async (act: (redis: Redis) => Promise<unknown>) => {
      const child = await startWith(script);
      const ended = once(child, "exit");
      const redis = connect();
      const result = await act(redis);
      redis.disconnect();
      child.kill("SIGKILL");
      await ended;
      return result;
    };
    const setBoth = (value: string) => (redis: Redis) => redis.multi().set("one", value).set("two", value).exec();
    await during(setBoth("before"));
    await during(setBoth("cut"));
    const file = join(folder, "appendonlydir/appendonly.aof.1.incr.aof");
    truncateSync(file, readFileSync(file, "latin1").lastIndexOf(place) + 1 + bytes);

    await during((redis) => redis.multi().set("three", "after").set("four", "after").exec());
    const later = await during((redis) => redis.mget("one", "two", "three", "four"));

    expect(later).toEqual(["before", "before", "after", "after"]);
  });

  test("cuts nothing off a file that is damaged before its end: Redis refuses it", async () => {
    const script = await scriptOf();
    const first = await startWith(script);
    const redis = connect();
    await redis.multi().set("one", "kept").set("two", "kept").exec();
    redis.disconnect();
    first.kill("SIGKILL");
    await once(first, "exit");
    const file = join(folder, "appendonlydir/appendonly.aof.1.incr.aof");
    const damaged = readFileSync(file);
    damaged[damaged.indexOf("$") + 1] = 0;
    writeFileSync(file, damaged);

    const second = await startWith(script);
    second.stdout.resume();
    const [code] = await once(second, "exit");

    expect(code).toBe(1);
    expect(readFileSync(file)).toEqual(damaged);
  });
});

test("git keeps what the compose file is given out of every commit", async () => {
  const given = ["redis.env", "seal.env", "slack.env", "worker.env", "eks-access.yml"];

  const { stdout } = await promisify(execFile)("git", ["check-ignore", ...given], { cwd: root });

  expect(stdout.trim().split("\n")).toEqual(given);
});
