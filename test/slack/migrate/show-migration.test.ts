import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import type { Migration } from "../../../src/access/migration.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { openingMigrationMessage, showMigration } from "../../../src/slack/migrate/migration-message.ts";
import { showThread } from "../../../src/slack/show/thread.ts";
import { aCluster, configText } from "../../builders/a-cluster.ts";
import { aPlannedMigration, reviseMigration } from "../../builders/a-migration.ts";
import { aDecision } from "../../builders/a-request.ts";
import { at, hours } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, callsTo, noGroups } from "../slack-context.ts";

const id = "migration-staging-1";

let slack: SandboxSlack;
let ledger: Ledger;
beforeEach(async () => {
  slack = await startSandboxSlack({ rateLimits: false });
  ledger = memoryLedger();
  await put(aPlannedMigration());
});
afterEach(() => slack.stop());

async function put(after: Migration): Promise<void> {
  await ledger.commit({ after, event: eventOf("migration.planned", after, "worker", at(0)) });
}
async function revise(change: Partial<Migration>): Promise<void> {
  const migration = await ledger.migrations.get(id);
  await put(reviseMigration(migration ?? expect.fail("there is no move"), change));
}
async function show(own = ledger): Promise<void> {
  const context = { ...aSlackContext(own), ...callsTo(slack) };
  await showMigration(context, id);
  await showThread(context, id);
}
const reminded = (sent: number) => revise({ reminders: { sent, nextAt: at(hours(1)).toISOString() } });

const digest = aPlannedMigration().plan?.digest ?? "";
const approval = aDecision({ digest });

/** What the thread under the channel's message says. */
async function thread(): Promise<readonly string[]> {
  const { message } = (await ledger.shown(id)) ?? {};
  const parent = slack.messages("C0ACCESS").find(({ ts }) => ts === message?.ts) ?? expect.fail("there is no message");
  return slack.replies(parent).map(textOf);
}

test("the thread of a migration mentions the approvers who have not decided, once for each reminder", async () => {
  await show();
  await reminded(1);
  await show();
  await show();
  await revise({ approvals: [approval] });
  await reminded(2);
  await show();

  const [first, second, ...more] = await thread();

  expect(first).toMatch(/^<@U0APPROVER>, <@U0APPROVER2>: <@U0ONCALL> waits for your decision about .* Expires /);
  expect(second).toContain("<@U0APPROVER2>: <@U0ONCALL> waits for your decision about the migration of `staging`");
  expect(second).not.toContain("<@U0APPROVER>, <@U0APPROVER2>");
  expect(more).toEqual([]);
});

test("the first post of a migration mentions everyone who can approve it, and one approval those who are left", async () => {
  const first = openingMigrationMessage(aPlannedMigration(), aCluster());
  await revise({ approvals: [approval] });

  await show();

  expect(first.text).toMatch(/^<@U0APPROVER>, <@U0APPROVER2>: <@U0ONCALL> asks to migrate `staging`/);
  expect((await thread()).join()).toMatch(
    /approved by <@U0APPROVER> .*\. <@U0APPROVER2>: the migration of `staging` needs your approval too\./,
  );
});

test.each([
  ["decided", { state: "running" }],
  ["stopped", { state: "stopped", endedAt: at(9).toISOString() }],
  ["planned anew", { plan: null, reminders: null }],
] as const)("no one is reminded of a migration that was %s before the reminder was shown", async (_, change) => {
  await show();
  await reminded(1);
  await revise(change);

  await show();

  expect((await thread()).join()).not.toContain("waits for your decision");
});

describe("where the channel is gone", () => {
  const gone = configText.replace("channel: C0ACCESS", "channel: C0GONE");
  const showGone = async (directory = noGroups, text = gone, own = ledger) => {
    const context = { ...aSlackContext(own, text, directory), ...callsTo(slack) };
    await showMigration(context, id);
    await showThread(context, id);
  };
  const toldTo = (user: string) => slack.person(user).directMessages().map(textOf);

  test("the approvers are asked and reminded one by one, each once for each time, and the requester knows", async () => {
    await showGone();
    await showGone();
    await reminded(1);
    await showGone();

    const card = /asks to migrate `staging`.*Waiting for 2 different approvers.*\[Review\] \[Deny\] \[Stop\]/s;
    for (const user of ["U0APPROVER", "U0APPROVER2"]) {
      const reminder = expect.stringContaining("waits for your decision");
      expect(toldTo(user)).toEqual([expect.stringMatching(card), reminder]);
    }
    expect(toldTo("U0ONCALL").join()).toContain("I sent direct messages to <@U0APPROVER>, <@U0APPROVER2>.");
  });

  test("a person who approved it is not reminded, but the others are", async () => {
    await showGone();
    await revise({ approvals: [approval] });
    await reminded(1);

    await showGone();

    expect(toldTo("U0APPROVER").join()).not.toContain("waits for your decision");
    expect(toldTo("U0APPROVER2").join()).toContain("waits for your decision");
  });

  test("a person who approved it is not asked again, and no one is after the decision", async () => {
    await revise({ approvals: [approval] });
    await showGone();
    await revise({ state: "running" });
    await reminded(1);
    await showGone();

    expect(toldTo("U0APPROVER")).toEqual([]);
    expect(toldTo("U0APPROVER2")).toHaveLength(1);
  });

  test.each([
    ["decided", { state: "running" }],
    ["approved by them", { approvals: [{ ...approval, by: "U0APPROVER2" }] }],
    ["planned anew", { plan: null, reminders: null }],
  ] as const)("no one is asked about a migration that was %s while another approver was asked", async (_, change) => {
    const markShown: Ledger["markShown"] = async (of, shown) => {
      await ledger.markShown(of, shown);
      await revise(change);
    };

    await showGone(noGroups, gone, { ...ledger, markShown });

    expect(toldTo("U0APPROVER")).toHaveLength(1);
    expect(toldTo("U0APPROVER2")).toEqual([]);
  });

  test("the requester reads where to look for an approved one, and not that an approver is asked", async () => {
    await revise({ state: "running" });

    await showGone();

    const [told = ""] = toldTo("U0ONCALL");
    expect(told).toMatch(/^The message about `migration-staging-1` no longer updates\..*I'll DM you instead\.$/);
    expect(told).not.toContain("asked");
  });

  test("the people of a user group are asked, and one who can't be reached holds no one up", async () => {
    const text = gone.replace("[U0APPROVER, U0APPROVER2]", "[S0PLATFORM]");
    const directory = { ...noGroups, membersOf: async () => ["U0NOBODY", "U0APPROVER2"] };

    await showGone(directory, text);

    expect(toldTo("U0APPROVER2")).toHaveLength(1);
    expect(await ledger.unshown(9)).toEqual([]);
  });
});

test("the requester learns what keeps the worker from planning, once for each kind of failure", async () => {
  const trouble = (code: string, attempts: number) => ({
    ...{ code, message: "EKS refused it. Give the worker's own role the statements.", attempts },
    ...{ at: at(0).toISOString(), retryAt: at(attempts).toISOString(), causes: [] },
  });
  for (const next of [trouble("access-denied", 1), trouble("access-denied", 2), trouble("aws-throttled", 3)]) {
    await revise({ plan: null, trouble: next });
    await show();
  }

  const told = slack.person("U0ONCALL").directMessages().map(textOf);

  expect(told).toHaveLength(2);
  expect(told[0]).toMatch(
    /^Migration `migration-staging-1` of `staging`: .* Next try: .*\n>.*Give the worker's own role/,
  );
});

test("the direct messages about a repair call it a repair", async () => {
  const failure = { code: "access-denied", message: "EKS refused it.", attempts: 1, causes: [] };
  const trouble = { ...failure, at: at(0).toISOString(), retryAt: at(1).toISOString() };
  await revise({ kind: "repair", plan: null, trouble });
  await show();
  await revise({ state: "expired", endedAt: at(9).toISOString(), trouble: null });
  await show();

  const told = slack.person("U0ONCALL").directMessages().map(textOf);

  expect(told).toHaveLength(2);
  for (const text of told) expect(text).toMatch(/^Repair `migration-staging-1` of `staging`: /);
});

test("no reminder follows a migration that a person stops during the update of its message", async () => {
  await show();
  await reminded(1);
  let reads = 0;
  const get = async (of: string) => {
    const migration = await ledger.migrations.get(of);
    reads += 1;
    if (reads === 1) await revise({ state: "stopped", endedAt: at(9).toISOString() });
    return migration;
  };

  await show({ ...ledger, migrations: { ...ledger.migrations, get } });

  expect((await thread()).join()).not.toContain("waits for your decision");
  expect(await ledger.unshown(9)).toEqual([id]);
});
