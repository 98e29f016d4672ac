import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { arns } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { aProduct, type Product } from "./a-product.ts";
import { linesOf, runLine } from "./runbook.ts";

let folder: string;
let redis: ProvidedRedis;
let product: Product;
beforeEach(async () => {
  vi.stubEnv("REDIS_URL", "");
  folder = await mkdtemp(join(tmpdir(), "eks-access-install-"));
  redis = await provideRedis({ dataDir: folder, appendOnly: true });
  // As the compose file and the manifests have it.
  const administrator = new Redis(redis.url);
  await administrator.config("SET", "appendfsync", "always");
  administrator.disconnect();
  product = await aProduct({ redisUrl: redis.url });
});
afterEach(async () => {
  await product.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

test("install: doctor finds all that each process needs, and whoami in Slack names the worker", async () => {
  const examined = [];
  for (const kind of ["slack", "worker"] as const) {
    product.inEnvironmentOf(kind);
    examined.push(await runLine("Install", `eks-access doctor ${kind}`));
  }
  const line = linesOf("Install").find((each) => each.startsWith("/eks-access ")) ?? "";
  const { slack } = product.sandbox;
  const { seen } = await slack.person("U0APPROVER").command(line, "C0ACCESS");
  const answer = textOf(await slack.until(() => seen()[0]));

  expect(examined.map(({ code, stdout }) => [code, stdout.split("\n").filter((each) => each.includes("✗"))])).toEqual([
    [0, []],
    [0, []],
  ]);
  expect(examined[0]?.stdout).toContain("✓ the app has every scope it needs");
  expect(examined[1]?.stdout).toContain("✓ document: ");
  expect(answer).toContain(`assumed-role/${arns.worker.split("/").at(-1)}/`);
});
