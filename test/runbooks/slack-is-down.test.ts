import { afterEach, beforeEach, expect, test } from "vitest";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
beforeEach(async () => {
  product = await aProduct();
});
afterEach(() => product.close());

test("Slack is down: access ends in time all the same, and the messages catch up when Slack is back", async () => {
  await product.ask("2s", "short");
  const asked = await product.message("short", "[Approve]");
  await product.approve(asked);
  await product.message("short", "*Active*");

  const down = product.sandbox.faults.plan("slack.chat.update", { type: "answer", status: 503 }, { times: 2 });
  await down.struck;
  await expect.poll(() => product.sandbox.getPods(), { timeout: 10_000 }).toMatchObject({ ok: false });
  await product.message("short", "*Ended*");

  expectSentences("Slack is down", product.readable());
});
