import { afterEach, beforeEach, expect, test } from "vitest";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
beforeEach(async () => {
  product = await aProduct();
});
afterEach(() => product.close());

test("AWS is down: an end waits, is told with the next try, and is made up for by itself", async () => {
  await product.ask("2s", "short");
  await product.approve(await product.message("short", "[Approve]"));
  await product.message("short", "*Active*");

  product.sandbox.faults.plan("sts.AssumeRole", { type: "cut-before" }, { times: 3 });
  await product.message("short", "next try");
  await product.message("short", "*Ended*");

  expectSentences("AWS is down", product.readable());
  expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});
