import { afterEach, beforeEach, expect, test } from "vitest";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
beforeEach(async () => {
  product = await aProduct();
});
afterEach(() => product.close());

const fresh = "the new seal key of at least 32 characters";

async function restartWith(keys: string): Promise<void> {
  for (const kind of ["slack", "worker"] as const) {
    await product.stop(kind);
    await product.start(kind, { EKS_ACCESS_SEAL_KEYS: keys });
  }
}

test("rotate the seal keys: what was decided with the old key still counts beside the new one", async () => {
  const { EKS_ACCESS_SEAL_KEYS: old = "" } = product.sandbox.environmentOf("worker", { redisUrl: "" });
  await product.ask("5s", "before");
  const asked = await product.message("before", "[Approve]");
  await product.stop("worker");
  await product.approve(asked);
  await product.told("It is being applied");

  await product.stop("slack");
  for (const kind of ["slack", "worker"] as const) {
    await product.start(kind, { EKS_ACCESS_SEAL_KEYS: `${fresh},${old}` });
  }
  await product.message("before", "*Active*");
  await product.message("before", "*Ended*");

  expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("after a compromise: what nobody knows of is taken away, and then the stolen key gives nothing any more", async () => {
  const { EKS_ACCESS_SEAL_KEYS: stolen = "" } = product.sandbox.environmentOf("worker", { redisUrl: "" });
  const { slack, cluster } = product.sandbox;
  await product.ask("1h", "of nobody");
  await product.approve(await product.message("of nobody", "[Approve]"));
  await product.message("of nobody", "*Active*");

  await restartWith(`${fresh},${stolen}`);
  await slack.person("U0APPROVER").click(await product.message("of nobody", "*Active*"), "revoke");
  await slack.until(() => slack.person("U0APPROVER").view());
  await slack.person("U0APPROVER").submit({ why: "nobody knows of it" });
  await product.message("of nobody", "*Ended*");
  await restartWith(fresh);
  await product.ask("10m", "once more");
  const asked = await product.message("once more", "[Approve]");
  // Who has the old key decides in somebody's name.
  await Promise.all([product.stop("worker"), product.stop("slack")]);
  await product.start("slack", { EKS_ACCESS_SEAL_KEYS: `${stolen},${fresh}` });
  await product.approve(asked);
  await product.message("once more", "Approved by");
  await product.stop("slack");
  for (const kind of ["slack", "worker"] as const) await product.start(kind, { EKS_ACCESS_SEAL_KEYS: fresh });
  await product.message("once more", "is void");

  expectSentences("Rotate the seal keys after a compromise", product.readable());
  expect(cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});
