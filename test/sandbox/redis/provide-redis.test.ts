import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { startLiveSandbox } from "../../../sandbox/page/live/live-sandbox.ts";
import { awaitPing, findRedisProgram, type ProvidedRedis, provideRedis } from "../../../sandbox/redis/provide-redis.ts";
import { compiledModule } from "../../product.ts";
import { aRedis } from "../../redis.ts";

async function withClient<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

const answers = (url: string) =>
  awaitPing(url, { withinMs: 0 }).then(
    () => true,
    () => false,
  );

describe("a Redis of our own", () => {
  let redis: ProvidedRedis;

  beforeEach(async () => {
    vi.stubEnv("REDIS_URL", "");
    redis = await provideRedis({ appendOnly: true });
  });

  afterEach(async () => {
    await redis.stop();
    vi.unstubAllEnvs();
  });

  test("never evicts, has a database for each test file, and says where it came from", async () => {
    const settings = await withClient(redis.url, (client) => client.config("GET", "maxmemory-policy", "databases"));

    expect(settings).toEqual(expect.arrayContaining(["noeviction", "512"]));
    expect(redis.origin).toMatch(/redis|valkey/i);
  });

  test("keeps its data and its port through a kill and a restart", async () => {
    await withClient(redis.url, (client) => client.set("lease", "active"));

    await redis.kill();
    const whileDead = await answers(redis.url);
    await redis.restart();

    expect(whileDead).toBe(false);
    expect(await withClient(redis.url, (client) => client.get("lease"))).toBe("active");
  });

  test("can be stopped twice, and after a kill", async () => {
    await redis.kill();

    await redis.stop();
    await redis.stop();

    expect(await answers(redis.url)).toBe(false);
  });
});

test("a Redis starts with a locale that the machine lacks, such as one that SSH brought", async () => {
  vi.stubEnv("REDIS_URL", "");
  vi.stubEnv("LC_ALL", "xx_XX.UTF-8");

  const redis = await provideRedis().finally(() => vi.unstubAllEnvs());

  expect(await answers(redis.url)).toBe(true);
  await redis.stop();
});

test("a Redis dies with the process that asked for it, even when that one is killed", async () => {
  const module = await compiledModule("sandbox/redis/provide-redis.ts");
  const script = `import { provideRedis } from ${JSON.stringify(module.script)}; console.log((await provideRedis()).url);`;
  const owner = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    env: { ...process.env, REDIS_URL: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [url] = (await once(createInterface(owner.stdout), "line")) as [string];
  await awaitPing(url, { withinMs: 0 });

  owner.kill("SIGKILL");

  await expect.poll(() => answers(url)).toBe(false);
});

describe("the Redis of REDIS_URL", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("is used as it is, and neither killed nor stopped", async () => {
    vi.stubEnv("REDIS_URL", inject("redisUrl"));

    const redis = await provideRedis();
    await redis.stop();

    await expect(redis.kill()).rejects.toThrow("not ours to kill");
    await expect(redis.restart()).rejects.toThrow("not ours to kill");
    expect(await answers(redis.url)).toBe(true);
  });

  test("that does not answer is reported in one sentence without its address and password", async () => {
    vi.stubEnv("REDIS_URL", "redis://:hunter2@127.0.0.1:1");

    const failure = await provideRedis().catch((error: unknown) => String(error));

    expect(failure).toContain("The Redis of REDIS_URL does not answer");
    expect(failure).not.toContain("hunter2");
  });

  test("with data can be the ledger of an installation: the demo does not play in it", async () => {
    const { url, close } = await aRedis();
    vi.stubEnv("REDIS_URL", url);
    await expect(provideRedis({ empty: true })).resolves.toMatchObject({ url });
    await withClient(url, (redis) => redis.set("{eks-access}:schema", "1"));

    const starting = startLiveSandbox({ script: "never-started", nodeFlags: [] });

    await expect(starting).rejects.toMatchObject({
      what: "The Redis of REDIS_URL has data already",
      remedy: expect.stringContaining("Unset REDIS_URL"),
    });
    await close();
  });
});

describe("the program that serves as Redis", () => {
  let bin: string;

  beforeEach(async () => {
    bin = await mkdtemp(join(tmpdir(), "eks-access-path-"));
    vi.stubEnv("PATH", bin);
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(bin, { recursive: true });
  });

  const install = (program: string, script = "exit 1") =>
    writeFile(join(bin, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  test("redis-server on the PATH comes first", async () => {
    await install("redis-server");
    await install("valkey-server");
    await install("docker");

    const program = await findRedisProgram();

    expect(program.server).toBe(join(bin, "redis-server"));
  });

  test("valkey-server serves as well", async () => {
    await install("valkey-server");

    const program = await findRedisProgram();

    expect(program.server).toBe(join(bin, "valkey-server"));
  });

  test("the tests on Valkey take no other server", async () => {
    vi.stubEnv("EKS_ACCESS_REDIS", "valkey");
    await install("redis-server");
    await install("valkey-server");

    const program = await findRedisProgram();

    expect(program.server).toBe(join(bin, "valkey-server"));
  });

  test("where apt-get fails, a container is taken, which publishes Redis on the loopback address only", async () => {
    vi.stubEnv("XDG_CACHE_HOME", bin);
    await install("apt-get");
    await install("dpkg");
    await install("podman", "exit 0");

    const program = await findRedisProgram();

    expect(program.container?.(7001, "/data/here")).toEqual(
      expect.arrayContaining(["--publish", "127.0.0.1:7001:6379", "--volume", "/data/here:/data"]),
    );
  });

  test("with nothing there, one sentence says everything that was tried and what to do", async () => {
    const failure = await findRedisProgram().catch((error: unknown) => error);

    expect(failure).toMatchObject({
      code: "redis-not-found",
      what:
        "This machine has no Redis: REDIS_URL is not set; no redis-server or valkey-server on the PATH; " +
        "no apt-get to fetch it with; no Docker; no Podman",
    });
  });

  test("a Docker without its daemon is named with what apt-get said, and Podman is tried next", async () => {
    vi.stubEnv("XDG_CACHE_HOME", bin);
    await install("apt-get", "echo 'E: Unable to fetch some archives' >&2; exit 100");
    await install("dpkg");
    await install("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");

    const failure = await findRedisProgram().catch((error: unknown) => error);

    expect(failure).toMatchObject({
      what: expect.stringMatching(/E: Unable to fetch some archives; Cannot connect to the Docker daemon; no Podman$/),
    });
  });
});
