import { afterEach, beforeEach, expect, test } from "vitest";
import type { ProvidedRedis } from "../../src/sandbox/redis/provide-redis.ts";
import { clusterName } from "../../src/sandbox/scene.ts";
import { redisOfOurOwn } from "../fault/own-redis.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let redis: ProvidedRedis;
let product: Product;
beforeEach(async () => {
  redis = await redisOfOurOwn();
  product = await aProduct({ redisUrl: redis.url });
});
afterEach(async () => {
  await product.close();
  await redis.stop();
});

test("Redis is gone: people are told, nothing acknowledged is lost, and it goes on by itself once Redis is back", async () => {
  await product.ask("10m", "before");
  const asked = await product.message("before", "[Approve]");

  await redis.kill();
  await product.ask("10m", "meanwhile");
  await product.answer("Redis");
  await redis.restart();
  await product.whenBack();
  await product.approve(asked);
  await product.message("before", "*Active*");

  expectSentences("Redis is gone", product.readable());
  expect(product.sandbox.slack.messages("C0ACCESS").some(({ text }) => text.includes("meanwhile"))).toBe(false);
  expect(await product.sandbox.getPods("U0ENGINEER", clusterName)).toMatchObject({ ok: true });
});
