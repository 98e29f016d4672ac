import { expect, test } from "vitest";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { startSandboxSlack } from "../../sandbox/slack/workspace.ts";
import { readConfig } from "../../src/config/config.ts";
import { showRequest } from "../../src/slack/show/messenger.ts";
import { configText } from "../builders/a-cluster.ts";
import { aLeasedRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { callsTo, noGroups } from "../slack/slack-context.ts";
import { silentContext } from "./silent-context.ts";

test("a lease that ends while Slack is slow with the channel is not reported to its holder as active", async () => {
  const slack = await startSandboxSlack({ rateLimits: false });
  const ledger = memoryLedger();
  const reading = readConfig(configText);
  if (reading.type === "invalid") throw new Error(reading.problems.join("\n"));
  const context = {
    ...silentContext(ledger),
    config: reading.config,
    ...callsTo(slack),
    directory: noGroups,
  };
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
