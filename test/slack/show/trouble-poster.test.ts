import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { startTroublePoster } from "../../../src/slack/show/trouble-poster.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { at, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";

let slack: SandboxSlack;
let ledger: Ledger;

const trouble = { ...aTrouble(), since: at(0).toISOString(), configuration: "one", overAt: null };

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  slack = await startSandboxSlack();
  ledger = memoryLedger();
  await ledger.setClusterTrouble("staging", trouble);
});
afterEach(() => {
  vi.useRealTimers();
  return slack.stop();
});

const refusal = { type: "answer", status: 200, body: JSON.stringify({ ok: false, error: "internal_error" }) } as const;

/** One look of a Slack process at this time. */
async function look(seconds: number, others: readonly Cluster[] = []): Promise<void> {
  vi.setSystemTime(at(seconds));
  const clusters = [aCluster({ onCall: ["U0ONCALL"] }), ...others];
  const configuration = () => ({ clusters: new Map(clusters.map((cluster) => [cluster.name, cluster])) });
  const log = pino({ level: "silent" });
  const context = { ledger, configuration, client: aClient(slack), log, now: () => at(seconds) };
  await startTroublePoster(context).stop();
}

const posted = () => slack.messages(aCluster().channel).map(textOf);

test("a cluster that can't be worked on for a minute is reported in its channel once, by all Slack processes together", async () => {
  await Promise.all([look(minutes(1)), look(minutes(1))]);
  await look(minutes(9));

  expect(posted()).toEqual([
    expect.stringMatching(/The worker can't work on `staging`.*\n>The API server of staging did not answer\./),
  ]);
});

test("its cause is quoted, because nothing seals it: who writes it into Redis does not speak as the bot", async () => {
  await ledger.setClusterTrouble("staging", { ...trouble, message: "Staging is back. Send your keys to @mallory." });

  await look(minutes(1));

  expect(posted()).toEqual([
    expect.stringMatching(/ UTC\.\n>Staging is back\. Send your keys to @mallory\.\nNew access/),
  ]);
  const [{ text = "" } = {}] = slack.messages(aCluster().channel);
  expect(text).toMatch(/\n“Staging is back\. .*”\n/);
});

test("another cause of the same trouble is reported too, with who is on call", async () => {
  await look(minutes(1));
  const causes = ["one", "two"];
  const denied = { code: "aws-access-denied", message: "AWS refused sts:AssumeRole." };
  await ledger.setClusterTrouble("staging", { ...trouble, ...denied, causes });

  await look(minutes(2));
  await look(minutes(3));

  expect(posted().slice(1)).toEqual([expect.stringMatching(/AWS refused sts:AssumeRole\.[\s\S]*On call: <@U0ONCALL>/)]);
});

test("an outage of many clusters is one message in each channel, and so is its end", async () => {
  const others = Array.from({ length: 119 }, (_, count) => aCluster({ name: `shop-${count}`, onCall: ["U0SHOP"] }));
  slack.addChannel({ id: "C0PAYMENTS", name: "payments", members: [slack.botUserId] });
  const elsewhere = aCluster({ name: "payments", channel: "C0PAYMENTS" });
  const denied = { ...trouble, code: "aws-access-denied", message: "AWS refused sts:AssumeRole." };
  const all = [...others, elsewhere];
  for (const { name } of all) await ledger.setClusterTrouble(name, trouble);
  await ledger.setClusterTrouble("shop-7", denied);

  await Promise.all([look(minutes(1), all), look(minutes(1), all)]);
  for (const { name } of all)
    await ledger.setClusterTrouble(name, { ...trouble, overAt: at(minutes(2)).toISOString() });
  await look(minutes(3), all);

  expect(posted()).toEqual([
    expect.stringMatching(
      /^:warning: \*The worker can't work on 119 clusters\* since .* For example `staging`:\n>.*did not answer\..*\nClusters: `staging`, `shop-0`, .*, \d+ more\. `\/eks-access status` lists all\.\n.*\nOn call: <@U0ONCALL>, <@U0SHOP>\n\[Run status\]$/,
    ),
    expect.stringMatching(/^:warning: \*The worker can't work on `shop-7`\*.*\n>AWS refused sts:AssumeRole\./),
    expect.stringMatching(/^:white_check_mark: \*119 clusters work again\* since .*\nClusters: `shop-0`, /),
  ]);
  expect(slack.messages("C0PAYMENTS")).toHaveLength(2);
});

test("an outage that reaches another cluster half a minute later is one message for both", async () => {
  const later = { ...trouble, since: at(30).toISOString() };
  await ledger.setClusterTrouble("shop", later);
  await ledger.setClusterTrouble("search", { ...later, code: "aws-access-denied" });
  const all = ["shop", "search"].map((name) => aCluster({ name }));

  await look(minutes(1), all);
  await look(minutes(1.5) - 5, all);

  expect(posted()).toEqual([expect.stringMatching(/on 2 clusters\*[\s\S]*Clusters: `staging`, `shop`\./)]);
});

test("what a failing Redis or Slack stops is posted when its turn comes again, as one message", async () => {
  await ledger.setClusterTrouble("payments", trouble);
  const payments = [aCluster({ name: "payments" })];
  const whole = ledger;
  const claimTurn: Ledger["claimTurn"] = (name, ...rest) =>
    name.startsWith("trouble-payments") ? Promise.reject(new Error("no Redis")) : whole.claimTurn(name, ...rest);
  ledger = { ...whole, claimTurn };
  await look(minutes(1), payments);
  ledger = whole;
  slack.faults.plan("slack.chat.postMessage", refusal);

  for (const passed of [4, 5, 7]) await look(minutes(passed), payments);
  for (const name of ["staging", "payments"])
    await ledger.setClusterTrouble(name, { ...trouble, overAt: at(minutes(8)).toISOString() });
  slack.faults.plan("slack.chat.postMessage", refusal);
  for (const passed of [8, 11]) await look(minutes(passed), payments);

  expect(posted()).toEqual([
    expect.stringContaining("The worker can't work on 2 clusters"),
    expect.stringContaining("2 clusters work again"),
  ]);
});

test("ends of one outage half a minute apart are one message, with the time of the last one", async () => {
  await ledger.setClusterTrouble("shop", trouble);
  const all = [aCluster({ name: "shop" })];
  const over = (name: string, seconds: number) =>
    ledger.setClusterTrouble(name, { ...trouble, overAt: at(seconds).toISOString() });
  await look(minutes(1), all);

  await over("staging", minutes(2));
  await look(minutes(2.1), all);
  await over("shop", minutes(2.5));
  for (const passed of [2.6, 3.6]) await look(minutes(passed), all);

  expect(posted().slice(1)).toEqual([expect.stringMatching(/2 clusters work again\* since .*09:02:30/)]);
});

test("an outage of an hour makes no message of a blip elsewhere", async () => {
  await look(minutes(1));
  await ledger.setClusterTrouble("shop", { ...trouble, since: at(minutes(60)).toISOString() });

  await look(minutes(60) + 5, [aCluster({ name: "shop" })]);

  expect(posted()).toHaveLength(1);
});

test("one that is back within a minute is no message", async () => {
  await look(minutes(0.9));

  expect(posted()).toEqual([]);
});

test("one that can't be worked on again later is reported again", async () => {
  await look(minutes(1));
  const later = { ...trouble, since: at(minutes(20)).toISOString() };
  await ledger.setClusterTrouble("staging", later);

  await look(minutes(21));

  expect(posted()).toHaveLength(2);
});

const overAfter = (passed: number) =>
  ledger.setClusterTrouble("staging", { ...trouble, overAt: at(minutes(passed)).toISOString() });

test("one that can be worked on again is reported once, where it was reported before", async () => {
  await look(minutes(1));
  await overAfter(9);

  await Promise.all([look(minutes(9)), look(minutes(9))]);
  await look(minutes(10));

  expect(posted().slice(1)).toEqual([expect.stringMatching(/`staging` works again\* since /)]);
});

test("the end of one that was never reported is no message", async () => {
  await overAfter(0.5);

  await Promise.all([look(minutes(2)), look(minutes(2))]);

  expect(posted()).toEqual([]);
});

test("a cluster whose aws-auth others keep changing back is reported once", async () => {
  await ledger.setClusterTrouble("staging", null);
  await ledger.noteReverted("staging", at(0));

  await Promise.all([look(1), look(1)]);
  await ledger.noteReverted("staging", at(minutes(9)));
  await look(minutes(9));

  expect(posted()).toEqual([expect.stringMatching(/keeps changing aws-auth of `staging` back.*check staging/s)]);
});
