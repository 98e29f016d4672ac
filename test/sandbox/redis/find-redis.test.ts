import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findRedisProgram } from "../../../sandbox/redis/provide-redis.ts";

let bin: string;

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "eks-access-path-"));
  vi.stubEnv("PATH", bin);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

const install = (program: string) => writeFile(join(bin, program), "#!/bin/sh\nexit 1\n", { mode: 0o755 });

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
  await install("podman");

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
      "no apt-get to fetch it with; no Docker or Podman",
  });
});
