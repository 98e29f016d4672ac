import { afterEach, beforeEach, expect, test } from "vitest";
import { arns, configuration, initialAwsAuth } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { aProduct, type Product } from "./a-product.ts";
import { byHand, removeByHand } from "./by-hand.ts";
import { seriesOf } from "./metrics.ts";
import { expectSentences, runLine } from "./runbook.ts";
import { typeLine } from "./type-line.ts";

const heading = "AWS is down";
const scheduled = 'eks_access_leases{state="scheduled"}';

let product: Product;
beforeEach(async () => {
  product = await aProduct({
    configuration: configuration.replace("    levels: [viewer", "    drift: repair\n    levels: [viewer"),
  });
  product.inEnvironmentOf("worker");
});
afterEach(() => product.close());

/** No one can become anyone from now on. Returns what brings AWS back. */
function awsGoes(): () => void {
  return product.sandbox.faults.plan("sts.AssumeRole", { type: "cut-before" }, { times: 10_000 }).cancel;
}

/** What `eks-access doctor worker` says of the cluster. */
async function ofTheCluster(): Promise<string> {
  const { stdout } = await runLine(heading, "eks-access doctor worker");
  return stdout.slice(stdout.indexOf("Cluster staging"));
}

test("AWS is down: beginnings and ends wait, show the next try, and catch up by themselves", async () => {
  const { sandbox, redisUrl } = product;
  await product.ask("10m", "late");
  const asked = await product.message("late", "[Approve]");
  // Of another principal: a lease that begins would make the approval of one for the same principal void (law 4).
  await product.ask("2m", "short", arns.onCall);
  await product.approve(await product.message("short", "[Approve]"));
  await product.message("short", "*Active*");

  const awsIsBack = awsGoes();
  await product.approve(asked);
  const delayed = textOf(await product.message("late", "next try"));
  product.moveClock(125);
  await product.message("short", "Ending: its time is up", "next try");
  const [examined, waiting] = [await ofTheCluster(), await seriesOf(heading, redisUrl)];
  const list = await typeLine(sandbox, "U0APPROVER", heading, "/eks-access list active");
  awsIsBack();
  await product.message("short", "*Ended*");
  const active = textOf(await product.message("late", "*Active*"));

  expectSentences(heading, [delayed, ...product.readable(), examined, list]);
  expect(list.indexOf("short")).toBeLessThan(list.indexOf("late"));
  expect(active).not.toContain("next try");
  expect(waiting).toEqual({ [scheduled]: 1 });
  expect(await seriesOf(heading, redisUrl)).toEqual({ [scheduled]: 0 });
  expect(await ofTheCluster()).not.toMatch(/^ +✗/m);
});

test("AWS is down, and access has to end now: an operator revokes it and removes it by hand, and the worker sees that it is gone", async () => {
  const { sandbox } = product;
  await product.ask("10m", "debug");
  await product.approve(await product.message("debug", "[Approve]"));
  const [ID = ""] = /r-[a-z0-9]{8}/.exec(JSON.stringify((await product.message("debug", "*Active*")).blocks)) ?? [];

  const awsIsBack = awsGoes();
  const list = await typeLine(sandbox, "U0APPROVER", byHand, "/eks-access list active");
  await typeLine(sandbox, "U0APPROVER", byHand, "/eks-access revoke", { ID, WHY: "leaked" });
  await product.message("debug", "leaked", "next try");
  expect(await sandbox.getPods()).toMatchObject({ ok: true });
  await removeByHand(sandbox);
  awsIsBack();
  await product.message("debug", "*Ended*");

  expect(list).toContain(ID);
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});
