import { expect, test } from "vitest";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../sandbox/slack/workspace.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { showRequest } from "../../src/slack/show/messenger.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { aLeasedRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { callsTo, noGroups } from "../slack/slack-context.ts";
import { silentContext } from "./silent-context.ts";

function aProcess(ledger: Ledger, slack: SandboxSlack) {
  const config = configOf(configText);
  return { ...silentContext(ledger), config, ...callsTo(slack), directory: noGroups };
}

test("a process that stood still before its update leaves no older message than the one that another process showed", async () => {
  const slack = await startSandboxSlack({ rateLimits: false });
  const ledger = memoryLedger();
  const [first, other] = [aProcess(ledger, slack), aProcess(ledger, slack)];
  const active = aLeasedRequest({}, { version: 1 });
  const [later, ended] = [
    aLeasedRequest({}, { version: 2 }),
    aLeasedRequest({ state: "ended", endedAt: at(hours(4)).toISOString() }, { version: 3 }),
  ];
  const card = () => textOf(slack.messages("C0ACCESS")[0] ?? { blocks: [] });
  await ledger.commit(aChange(active, "lease.active"));
  await showRequest(first, active.id);
  await ledger.commit(aChange(later, "lease.active"));
  let goOn = () => {};
  const stands = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const held = slack.faults.plan("slack.chat.update", { type: "watch" }, { onStrike: () => stands });
  const late = showRequest(first, active.id);
  await held.struck;
  await ledger.commit(aChange(ended, "lease.ended"));
  await showRequest(other, active.id);
  expect(card()).toContain("*Ended*");

  goOn();
  await late;
  for (const id of await ledger.unshown(1)) await showRequest(other, id);

  expect(card()).toContain("*Ended*");
  expect(await ledger.unshown(1)).toEqual([]);
  await slack.stop();
});

test("a lease that ends while Slack is slow with the channel is not reported to its holder as active", async () => {
  const slack = await startSandboxSlack({ rateLimits: false });
  const ledger = memoryLedger();
  const context = aProcess(ledger, slack);
  const active = aLeasedRequest({}, { version: 1 });
  const ended = aLeasedRequest({ state: "ended", endedAt: at(hours(4)).toISOString() }, { version: 2 });
  await ledger.commit(aChange(active, "lease.active"));
  slack.faults.plan(
    "slack.chat.update",
    { type: "cut-before" },
    { onStrike: async () => void (await ledger.commit(aChange(ended, "lease.ended"))) },
  );

  await expect(showRequest(context, active.id)).rejects.toMatchObject({ code: "slack-unreachable" });
  await showRequest(context, active.id);

  const told = slack.person("U0ENGINEER").directMessages().map(textOf);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("`viewer` on `staging` (`r-1`) ended: the entry is gone from aws-auth.");
  await slack.stop();
});
