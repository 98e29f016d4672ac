import { afterEach, beforeEach, expect, test } from "vitest";
import { configuration, initialAwsAuth } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { openQueues } from "../../src/ledger/queues.ts";
import { aProduct, type Product } from "./a-product.ts";
import { byHand, removeByHand } from "./by-hand.ts";
import { seriesOf } from "./metrics.ts";
import { expectSentences, runLine } from "./runbook.ts";
import { typeLine } from "./type-line.ts";

const heading = "Slack is down";
const active = 'eks_access_leases{state="active"}';
const waiting = 'eks_access_queue_jobs{queue="messages",state="delayed"}';

/** Each look connects to Redis, and reads all that a worker or a command line reads. */
const seldom = { interval: 500 };

let product: Product;
beforeEach(async () => {
  product = await aProduct({
    configuration: configuration.replace("sweepEvery: 1s", "sweepEvery: 1s\n  inspectEvery: 1s"),
  });
});
afterEach(() => product.close());

/** Slack answers 503 to all that the product asks of it. Returns what brings it back. */
function slackGoes(): () => void {
  const calls = ["auth.test", "chat.update", "chat.postMessage", "users.info", "views.publish"];
  const planned = calls.map((call) =>
    product.sandbox.faults.plan(`slack.${call}`, { type: "answer", status: 503 }, { times: 10_000 }),
  );
  return () => {
    for (const { cancel } of planned) cancel();
  };
}

/** What waits until a call without an answer can't arrive any more is looked at now. */
async function hurry(redisUrl: string): Promise<void> {
  const { redis, close } = await connectRedis(redisUrl);
  const queues = openQueues(redis);
  for (const job of await queues.messages.getDelayed()) await job.promote();
  await queues.close();
  await close();
}

test("Slack is down: access ends in time all the same, and the messages catch up when Slack is back", async () => {
  const { sandbox, redisUrl } = product;
  await product.ask("2m", "short");
  await product.approve(await product.message("short", "[Approve]"));
  await product.message("short", "*Active*");

  const slackIsBack = slackGoes();
  product.moveClock(125);
  await expect.poll(() => sandbox.getPods()).toMatchObject({ ok: false });
  await expect.poll(() => product.readable().join("\n")).toContain("could not show a message yet");
  await expect.poll(async () => (await seriesOf(heading, redisUrl))[waiting], seldom).toBeGreaterThan(0);
  product.inEnvironmentOf("slack");
  const examined = await runLine(heading, "eks-access doctor slack");
  slackIsBack();
  await product.message("short", "*Ended*");

  expectSentences(heading, [...product.readable(), examined.stdout]);
  await hurry(redisUrl);
  await expect.poll(() => seriesOf(heading, redisUrl), seldom).toEqual({ [active]: 0, [waiting]: 0 });
});

test("Slack is down, and access has to end now: an operator removes it by hand, it stays removed, and is revoked once Slack is back", async () => {
  const { sandbox, redisUrl } = product;
  await product.ask("10m", "debug");
  await product.approve(await product.message("debug", "[Approve]"));
  const [ID = ""] = /r-[a-z0-9]{8}/.exec(JSON.stringify((await product.message("debug", "*Active*")).blocks)) ?? [];

  const slackIsBack = slackGoes();
  product.inEnvironmentOf("worker");
  const inForce = await seriesOf(heading, redisUrl);
  const audit = await runLine(heading, "eks-access audit show");
  await removeByHand(sandbox);
  const logged = async () => (await runLine(heading, "eks-access audit show")).stdout;
  await expect.poll(logged, seldom).toContain("lease.drifted");
  slackIsBack();
  const asked = await product.message("debug", "*Access lost*");
  await sandbox.slack.until(() =>
    sandbox.slack.replies(asked).find((each) => textOf(each).includes("Access lost:\n>")),
  );
  const thread = sandbox.slack.replies(asked).map(textOf);
  await typeLine(sandbox, "U0APPROVER", byHand, "/eks-access revoke", { ID, WHY: "leaked" });
  await product.message("debug", "*Ended*");

  expectSentences(byHand, thread);
  expect(inForce[active]).toBe(1);
  expect(audit.stdout).toContain(ID);
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});
