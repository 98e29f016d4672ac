import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { clusterName, initialAwsAuth } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { audit } from "../../src/bin/audit.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { runCommand } from "../bin/check-run.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences, lineOf, runLine } from "./runbook.ts";

const heading = "Redis is gone";

let folder: string;
let redis: ProvidedRedis;
let product: Product;
beforeEach(async () => {
  vi.stubEnv("REDIS_URL", "");
  folder = await mkdtemp(join(tmpdir(), "eks-access-gone-"));
  redis = await provideRedis({ dataDir: join(folder, "data"), appendOnly: true });
  product = await aProduct({ redisUrl: redis.url });
});
afterEach(async () => {
  await product.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

test("Redis is gone: people read it, nothing acknowledged is lost, and work continues once Redis is back", async () => {
  await product.ask("10m", "before");
  const asked = await product.message("before", "[Approve]");
  const approver = product.sandbox.slack.person("U0APPROVER");
  const server = await connectRedis(redis.url);

  await server.redis.config("SET", "min-replicas-to-write", "1");
  await approver.command("/eks-access status", "C0ACCESS");
  await product.sandbox.slack.until(() =>
    approver
      .ephemerals()
      .map(textOf)
      .find((text) => text.includes("takes no writes")),
  );
  await server.close();
  await redis.kill();
  await product.ask("10m", "meanwhile");
  await product.answer("reach my records");
  await redis.restart();
  await product.whenBack();
  await product.approve(asked);
  await product.message("before", "*Active*");
  product.inEnvironmentOf("worker");
  const recovered = await runLine(heading, "eks-access recover");

  expectSentences(heading, [...product.readable(), recovered.stdout]);
  expect(product.sandbox.slack.messages("C0ACCESS").some(({ text }) => text.includes("meanwhile"))).toBe(false);
  expect(await product.sandbox.getPods("U0ENGINEER", clusterName)).toMatchObject({ ok: true });
});

test("its data are gone too: the processes continue with an empty one, and what the clusters remember is in the ledger again", async () => {
  await product.ask("10m", "before");
  await product.approve(await product.message("before", "[Approve]"));
  await product.message("before", "*Active*");

  await redis.kill();
  const port = Number(new URL(redis.url).port);
  redis = await provideRedis({ dataDir: join(folder, "empty"), appendOnly: true, port });
  await product.whenBack();
  product.inEnvironmentOf("worker");
  const recovered = await runLine(heading, "eks-access recover");
  const message = await product.message("recovered from the cluster", "*Active*");
  const [id = ""] = /r-[a-z0-9]{8}/.exec(JSON.stringify(message.blocks)) ?? [];
  await product.sandbox.slack.person("U0APPROVER").command(`/eks-access revoke ${id} done`, "C0ACCESS");
  await product.message("recovered from the cluster", "*Ended*");

  // The worker that keeps running may have been first.
  expect(recovered.stdout).toMatch(/^staging: recovered (0 leases|1 lease \(r-\w+\)), ended 0 expired leases/);
  expect(recovered.code).toBe(0);
  expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("the audit log takes no event: people read it, access ends, and after the forged event is removed the records follow", async () => {
  const stopped = "The audit log takes no event";
  const { redis: client, close } = await connectRedis(redis.url);
  const type = async (begin: string, given: Readonly<Record<string, string>> = {}) => {
    const [, command = "", ...values] = lineOf(stopped, `redis-cli ${begin}`, given);
    return client.call(command, ...values);
  };
  await product.ask("1m", "before");
  await product.approve(await product.message("before", "[Approve]"));
  await product.message("before", "*Active*");

  await client.call("XADD", "{eks-access}:events", "999999999999999-0", "event", "{}", "previous", "", "hash", "");
  await product.message("The audit log is stopped");
  await product.sandbox.slack.person("U0APPROVER").command("/eks-access status", "C0ACCESS");
  product.moveClock(60);
  await vi.waitUntil(async () => !(await product.sandbox.getPods("U0ENGINEER", clusterName)).ok, { timeout: 20_000 });
  const [, newest] = z.array(z.tuple([z.string(), z.unknown()])).parse(await type("XREVRANGE"));
  await type("EVAL", { NEWEST: String(newest?.[0]) });
  await product.message("before", "*Ended*");
  await product.message("The audit log takes events again");

  const said = product.sandbox.slack.person("U0APPROVER").ephemerals().map(textOf).join();
  expect(said).toContain("*Audit log*\n• No request, decision or lease can change");
  expectSentences(stopped, product.readable());
  expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  product.inEnvironmentOf("worker");
  expect(await runCommand(audit, ["verify"])).toMatchObject({ code: 0 });
  await close();
});
