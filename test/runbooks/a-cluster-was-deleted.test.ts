import { afterEach, beforeEach, test } from "vitest";
import { clusterName } from "../../src/sandbox/scene.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
beforeEach(async () => {
  product = await aProduct();
});
afterEach(() => product.close());

test("a cluster was deleted: its ends are tried until it is taken out of the configuration, and it is offered no more", async () => {
  await product.ask("10m", "debug");
  await product.approve(await product.message("debug", "[Approve]"));
  await product.message("debug", "*Active*");
  const { sandbox } = product;

  sandbox.aws.removeCluster(`arn:aws:eks:eu-central-1:111122223333:cluster/${clusterName}`);
  await product.ask("10m", "too late");
  await sandbox.slack.person("U0APPROVER").click(await product.message("debug", "*Active*"), "revoke");
  await sandbox.slack.until(() => sandbox.slack.person("U0APPROVER").view());
  await sandbox.slack.person("U0APPROVER").submit({ why: "the cluster is gone" });
  await product.message("debug", "next try");
  await sandbox.slack.until(() =>
    sandbox.slack
      .person("U0ENGINEER")
      .directMessages()
      .find(({ text }) => text.includes("can't be given")),
  );

  expectSentences("A cluster was deleted", product.readable());
});
