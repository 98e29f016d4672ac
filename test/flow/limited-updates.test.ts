import { afterEach, expect, test } from "vitest";
import { freePort, startProduct } from "../../sandbox/product-process.ts";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { bundledProduct } from "../product.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;
const others: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of others.splice(0)) await stop();
  await flow.stop();
});

const seconds = 20;
/** Slack takes no more updates for so long. */
const limit = () =>
  flow.sandbox.faults.plan(
    "slack.chat.update",
    { type: "answer", status: 429, headers: { "retry-after": String(seconds) } },
    { times: Number.POSITIVE_INFINITY },
  );

/** Another Slack process that takes jobs, but to which Slack sends no clicks. */
async function startAnother(): Promise<void> {
  const { sandbox, redisUrl, clock } = flow;
  const environment = { ...sandbox.environmentOf("slack", { redisUrl, port: await freePort() }), ...clock };
  const other = await startProduct(await bundledProduct(), "slack", environment);
  others.push(() => other.stop());
}

test.each([
  ["one Slack process", 0],
  ["two Slack processes", 1],
])("with %s, a clicked message shows its new state long before Slack takes the next update", async (_, more) => {
  flow = await startFlow();
  for (let count = 0; count < more; count += 1) await startAnother();
  const { person } = flow.sandbox.slack;
  await person("U0ENGINEER").command(
    `/eks-access request ${clusterName} ${arns.engineer} viewer for 10m debug`,
    channel,
  );
  const card = await flow.asked("debug");
  const own = await flow.told("[Nudge]");
  limit();

  const began = performance.now();
  await person("U0APPROVER").click(card, "approve");
  const now = () => textOf(flow.messages().find(({ ts }) => ts === card.ts) ?? card);
  await flow.until(() => (now().includes("[Approve]") ? undefined : true));
  const decided = performance.now() - began;
  await flow.until(() => (now().includes("*Active*") ? true : undefined));
  const active = performance.now() - began;

  expect(Math.max(decided, active)).toBeLessThan(seconds * 1000);
  expect(now()).toContain("[Revoke]");

  const toEngineer = () =>
    textOf(
      person("U0ENGINEER")
        .directMessages()
        .find(({ ts }) => ts === own.ts) ?? own,
    );
  expect(toEngineer()).toContain("[Nudge]");
  await person("U0ENGINEER").click(own, "Nudge");
  await flow.until(() => (toEngineer().includes("[I'm done]") ? true : undefined));
  expect(toEngineer()).not.toContain("[Nudge]");
  expect(performance.now() - began).toBeLessThan(seconds * 1000);
});
