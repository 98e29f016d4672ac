import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clusterName, configuration } from "../../src/sandbox/scene.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
let folder: string;
let withoutIt: string;
beforeEach(async () => {
  product = await aProduct();
  folder = await mkdtemp(join(tmpdir(), "eks-access-runbook-"));
  withoutIt = join(folder, "eks-access.yml");
});
afterEach(async () => {
  await product.close();
  await rm(folder, { recursive: true });
});

test("a cluster was deleted: its ends are tried until it is taken out of the configuration, and then it is offered no more", async () => {
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

  await writeFile(withoutIt, configuration.replace(`  ${clusterName}:\n`, "  another:\n"));
  for (const kind of ["slack", "worker"] as const) {
    await product.stop(kind);
    await product.start(kind, { EKS_ACCESS_CONFIG: withoutIt });
  }
  await product.ask("10m", "there no more");
  await product.answer("Nothing was requested");
  await expect
    .poll(product.readable, { timeout: 10_000 })
    .toContainEqual(expect.stringContaining("a request names a cluster that is not configured"));

  expectSentences("A cluster was deleted", product.readable());
});
