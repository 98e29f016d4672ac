import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { initialAwsAuth } from "../../sandbox/scene.ts";
import { runCheck } from "../../src/bin/check.ts";
import { runCommand } from "../bin/check-run.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences, linesOf, runLine, wordsOf } from "./runbook.ts";

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

test("aws-auth is broken: nothing is written into it, check says where, and a repair lets everyone in again", async () => {
  const { cluster, getPods } = product.sandbox;
  const approver = () => getPods("U0APPROVER");
  const broken = (initialAwsAuth.mapRoles ?? "").replace("  groups: [system:masters]", "\tgroups: [system:masters]");
  await cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: broken } }), "kubectl-edit");

  await expect.poll(approver).toMatchObject({ ok: false });
  const { output } = await approver();
  await product.ask("10m", "debug");
  await product.message("wait for a repair", "mapRoles");
  // kubectl -n kube-system get configmap aws-auth -o yaml > aws-auth.yaml
  const repaired = join(folder, "repaired.yaml");
  const files = { "aws-auth.yaml": join(folder, "aws-auth.yaml"), "repaired.yaml": repaired };
  await writeFile(files["aws-auth.yaml"], live());
  const heading = "aws-auth is broken";
  const checked = await runLine(heading, "eks-access check aws-auth.yaml", files);
  const repairs = await runLine(heading, "eks-access plan aws-auth.yaml --repairs", files);
  const planned = await runLine(heading, "eks-access plan aws-auth.yaml --repair 1", files);
  expect(cluster.awsAuth()?.data).toEqual({ mapRoles: broken });
  // kubectl replace -f, as the creator or a rescued role.
  const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(parse(await readFile(repaired, "utf8")));
  await cluster.editAwsAuth((configMap) => ({ ...configMap, data }), "kubectl-replace");
  const [, after = ""] =
    /^kubectl [^|]+get configmap aws-auth -o yaml \| (.+)$/m.exec(linesOf(heading).join("\n")) ?? [];
  const isWell = await runCommand(runCheck, wordsOf(after).slice(2), { stdin: live() });
  await product.ask("10m", "again");
  await product.message("again", "[Approve]");

  expect(planned.code).toBe(0);
  expect(data).toEqual(initialAwsAuth);
  expect([isWell.code, after]).toEqual([0, "eks-access check -"]);
  await expect.poll(approver).toMatchObject({ ok: true });
  expectSentences(heading, [output, ...product.readable(), checked.stdout, repairs.stdout]);
});
