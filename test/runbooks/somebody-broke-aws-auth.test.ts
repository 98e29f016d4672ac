import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { runCheck } from "../../src/bin/check.ts";
import { runPlan } from "../../src/bin/plan.ts";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import { runCommand } from "../bin/check-run.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
let folder: string;
beforeEach(async () => {
  product = await aProduct();
  folder = await mkdtemp(join(tmpdir(), "eks-access-runbook-"));
});
afterEach(async () => {
  await product.close();
  await rm(folder, { recursive: true });
});

/** What `kubectl get configmap aws-auth -n kube-system -o json` prints. */
function live(): string {
  const { metadata, data } = product.sandbox.cluster.awsAuth() ?? { metadata: {}, data: {} };
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
}

test("somebody broke aws-auth: nothing is written into it, check says where, and a repair brings everybody back", async () => {
  const { cluster } = product.sandbox;
  const broken = (initialAwsAuth.mapRoles ?? "").replace("  groups: [system:masters]", "\tgroups: [system:masters]");
  await cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: broken } }), "kubectl-edit");

  await product.ask("10m", "debug");
  await product.sandbox.slack.until(() => product.sandbox.slack.person("U0ENGINEER").directMessages().at(-1));
  const checked = await runCommand(runCheck, ["-"], { stdin: live() });
  const repairs = await runCommand(runPlan, ["-", "--repairs"], { stdin: live() });
  const repaired = join(folder, "repaired.json");
  const planned = await runCommand(runPlan, ["-", "--repair", "1", "--out", repaired], { stdin: live() });
  expect(cluster.awsAuth()?.data).toEqual({ mapRoles: broken });
  // kubectl replace -f, as the creator or a rescued role.
  const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(parse(await readFile(repaired, "utf8")));
  await cluster.editAwsAuth((configMap) => ({ ...configMap, data }), "kubectl-replace");
  await product.ask("10m", "again");
  await product.message("again", "[Approve]");

  expect(planned.code).toBe(0);
  expect(data).toEqual(initialAwsAuth);
  expectSentences("Somebody broke aws-auth", [...product.readable(), checked.stdout, repairs.stdout]);
});
