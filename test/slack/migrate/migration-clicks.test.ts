import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Migration } from "../../../src/access/migration.ts";
import { sealMigrationPlan } from "../../../src/access/seals.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { migrationStatusAnswer } from "../../../src/slack/migrate/plan-answer.ts";
import { configText } from "../../builders/a-cluster.ts";
import { reviseMigration } from "../../builders/a-migration.ts";
import { keys } from "../../builders/keys.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const id = "migration-staging-1";
const digest = "d".repeat(64);
const steps = [
  { name: "switch-mode", does: "Switch the mode.", proof: "EKS says so.", undo: "It can't be taken back." },
  {
    name: "remove-from-aws-auth",
    does: "Remove this item from aws-auth.",
    proof: "It is read back.",
    undo: "Write it again.",
  },
];
const item = {
  place: "mapRoles line 4",
  arn: "arn:aws:iam::111122223333:role/dev",
  outcome: "moves" as const,
  sentences: ["Gets an access entry."],
};
const summary = { mode: "CONFIG_MAP", items: [item], steps, keptBecause: null, before: [], digest };

let app: SlackApp;
beforeEach(async () => {
  const config = configText.replace(/ {4}approvers: .*/, "$&\n    onCall: [U0ONCALL]");
  const planned = { type: "planned", ...summary };
  app = await aSlackApp({ config, worker: async ({ type }) => (type === "migrate" ? planned : true) });
});
afterEach(() => app.stop());

const migrationNow = async () => {
  const migration = await app.ledger.migrations.get(id);
  if (!migration) throw new Error("Nobody asked for it.");
  return migration;
};
const eventsNow = async () => (await app.ledger.eventsOf(id, 99)).map(({ event }) => event);

/** What the worker does. */
async function revise(
  change: Partial<Migration>,
  type: "migration.planned" | "migration.stepped" | "migration.done" = "migration.planned",
) {
  const after = reviseMigration(await migrationNow(), change);
  await app.ledger.commit({ after, event: eventOf(type, after, "worker", new Date()) });
  return after;
}

/** On-call asks, and the worker plans: the message is there with its buttons. */
async function asked(): Promise<ReturnType<SlackApp["showMigration"]>> {
  await app.say("U0ONCALL", "migrate staging ask");
  const unsealed = { at: new Date().toISOString(), digest, summary, outs: [item.arn] };
  await revise({ plan: sealMigrationPlan({ id }, unsealed, keys.preview) });
  return app.showMigration(id);
}

/** Approve is under the whole plan. Here all have it open, also people who see no Approve, so that each click comes in. */
async function planWithApprove(): Promise<Awaited<ReturnType<SlackApp["showMigration"]>>> {
  const { text, blocks } = migrationStatusAnswer({ migration: await migrationNow(), events: [], acts: ["approve"] });
  await aClient(app.slack).chat.postMessage({ channel: "C0ACCESS", text, blocks: [...blocks] });
  return app.slack.until(() => app.slack.messages("C0ACCESS").at(-1));
}
const placeOf = (button: string) => (button === "approve" ? planWithApprove() : app.showMigration(id));

const click = async (user: string, button: string) => {
  const message = await placeOf(button);
  return textOf(await app.answered(user, () => app.person(user).click(message, button)));
};
/** A click that is answered by the message alone. */
const decide = async (user: string, button: string) => {
  const message = await placeOf(button);
  const before = (await migrationNow()).version;
  await app.person(user).click(message, button);
  await expect.poll(async () => (await migrationNow()).version).toBeGreaterThan(before);
};

describe("a migration that is asked for", () => {
  test("by the button under its plan is one record, which the worker plans before any approver", async () => {
    const plan = await app.say("U0APPROVER", "migrate staging arn:aws:iam::111122223333:role/teams/dev");

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(plan, "ask-migration"));

    expect(textOf(answer)).toContain(`Requested the migration of \`staging\` (\`${id}\`)`);
    expect(await migrationNow()).toMatchObject({
      state: "pending",
      requester: "U0APPROVER",
      givenArns: ["arn:aws:iam::111122223333:role/teams/dev"],
      plan: null,
    });
    expect(textOf(await app.say("U0ONCALL", "migrate staging ask"))).toContain(`\`${id}\` of <@U0APPROVER> is open`);
    expect(textOf(await app.say("U0ONCALL", "migrate staging"))).not.toContain("Request this migration");
  });

  test.each([
    [
      "another command",
      "migrate staging repair",
      "it doesn't know `repair`. Write `/eks-access migrate <cluster> [ask|stop] [<arn> …]`.",
    ],
    ["a role without its account", "migrate staging ask role/dev", "it doesn't know `role/dev`."],
    ["a further word", "repair staging now", "it doesn't know `now`. Write `/eks-access repair <cluster> [<arn> …]`."],
    [
      "an ARN too many",
      `migrate staging ask ${"arn:aws:iam::111122223333:role/dev ".repeat(51)}`,
      "it takes at most 50 ARNs.",
    ],
  ])("is not one with %s", async (_, line, words) => {
    expect(textOf(await app.say("U0APPROVER", line))).toContain(`Nothing changed: ${words}`);

    expect(await app.ledger.migrations.latestOf("staging")).toBeNull();
  });

  test("is refused to people who are not responsible for the cluster; the attempt is recorded", async () => {
    expect(textOf(await app.say("U0ENGINEER", "migrate staging ask"))).toContain("Only approvers of `staging`");

    expect(await app.ledger.migrations.latestOf("staging")).toBeNull();
    const [last] = (await app.ledger.events(1, 99)).map(({ event }) => event).slice(-1);
    expect(last).toMatchObject({
      type: "attempt.refused",
      actor: "U0ENGINEER",
      detail: { act: "migrate", code: "not-yours" },
    });
  });

  test("is reported in the approvers' channel in a few lines, with the whole plan behind Review", async () => {
    const text = textOf(await asked());

    expect(text).toContain("<@U0ONCALL> asks to migrate `staging` from aws-auth to access entries");
    expect(text).toContain("1 of 1 item can move, in 2 steps");
    expect(text).toContain("Waiting for 2 different approvers");
    expect(text).toMatch(/\[Review\] \[Deny\] \[Stop\]$/);
  });
});

describe("a decision about a migration", () => {
  test("takes two different approvers, sealed; then it is carried out", async () => {
    await asked();

    expect(await click("U0APPROVER", "approve")).toContain("Approved. Needs 1 more approval");
    expect(textOf(await app.showMigration(id))).toContain("Approved by <@U0APPROVER>");
    expect(await click("U0APPROVER", "approve")).toContain("You approved it already");
    expect((await migrationNow()).state).toBe("pending");
    await decide("U0APPROVER2", "approve");

    expect(await migrationNow()).toMatchObject({
      state: "running",
      approvals: [{ by: "U0APPROVER", digest }, { by: "U0APPROVER2" }],
    });
    expect((await eventsNow()).slice(-3)).toMatchObject([
      { type: "migration.approved", actor: "U0APPROVER", detail: { plan: digest, slack: { channel: "C0ACCESS" } } },
      { type: "decision.refused", actor: "U0APPROVER", detail: { code: "approved-already" } },
      { type: "migration.approved", actor: "U0APPROVER2", detail: { state: "running" } },
    ]);
    expect(textOf(await app.showMigration(id))).toMatch(/Running: 0 of 2 steps.*\[Stop\]/s);
  });

  test("is not for who is on call", async () => {
    await asked();

    expect(await click("U0ONCALL", "approve")).toContain("Only approvers of `staging` can do this");
    const [last] = (await app.ledger.events(1, 99)).map(({ event }) => event).slice(-1);
    expect(last).toMatchObject({ type: "decision.refused", actor: "U0ONCALL", detail: { code: "not-an-approver" } });
  });

  test("counts for no other plan than the one above the button", async () => {
    await asked();
    const old = await planWithApprove();
    const unsealed = { at: "", digest: "e".repeat(64), summary: { ...summary, digest: "e".repeat(64) }, outs: [] };
    await revise({ plan: sealMigrationPlan({ id }, unsealed, keys.preview) });

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(old, "approve"));

    expect(textOf(answer)).toContain("The change is different now.");
    expect((await migrationNow()).approvals).toEqual([]);
  });

  test("opens no form to deny for people who can't decide: it says who can", async () => {
    await app.person("U0ONCALL").click(await asked(), "deny");
    const view = await app.slack.until(() => app.person("U0ONCALL").view());

    expect(textOf(view)).toMatch(/^Deny the plan\nOnly approvers of `staging` can do this/);
  });

  test("that denies it ends it, with a reason that the requester reads", async () => {
    await app.person("U0APPROVER").click(await asked(), "deny");
    const form = await app.slack.until(() => app.person("U0APPROVER").view());

    await app.person("U0APPROVER").submit({ why: "after the release" });

    expect(textOf(form)).toMatch(/^Deny the plan\n\*<@U0ONCALL> asks to migrate `staging` from aws-auth/);
    await expect.poll(async () => (await migrationNow()).state).toBe("denied");
    expect(textOf(await app.showMigration(id))).toContain("Denied by <@U0APPROVER>: after");
    const told = app.person("U0ONCALL").directMessages().map(textOf);
    expect(told.join()).toContain("after the release");
    expect(await app.say("U0ONCALL", "migrate staging ask").then(textOf)).toContain("migration-staging-2");
  });
});

describe("a migration under way", () => {
  const running = async () => {
    await asked();
    await click("U0APPROVER", "approve");
    await decide("U0APPROVER2", "approve");
    await expect.poll(async () => (await migrationNow()).state).toBe("running");
  };
  const done = (name: string) => ({ name, at: new Date().toISOString(), proof: [`${name} is proved.`], place: null });

  test("counts each proved step in its message, marks it in Details, and tells it once in the thread", async () => {
    await running();
    await revise({ done: [done("switch-mode")] }, "migration.stepped");

    const message = await app.showMigration(id);
    await app.showMigration(id);

    expect(textOf(message)).toContain("Running: 1 of 2 steps");
    expect(textOf(await app.say("U0APPROVER", `status ${id}`))).toMatch(
      /✓ Switch the mode\..*· Remove this item from/s,
    );
    expect(message.edits).toBeGreaterThan(1);
    const replies = app.slack.replies(message).map(textOf).join("\n");
    expect(replies.match(/switch-mode is proved/g)).toHaveLength(1);
    expect(replies).toContain("approved by <@U0APPROVER2>");
  });

  test("says what failed and how to fix it, and is tried again by a click", async () => {
    await running();
    const message = "EKS refused it in staging. Give the worker's own role the statements.";
    const retryAt = new Date(Date.now() + 600_000).toISOString();
    await revise({ trouble: { code: "access-entry-denied", message, at: "", attempts: 1, retryAt, causes: [] } });

    const shown = await app.showMigration(id);
    expect(textOf(shown)).toMatch(/failing; next try.*\[Try again\].*\[Stop\]/s);
    expect(app.slack.replies(shown).map(textOf).join()).toContain("Give the worker's own role");
    expect(await click("U0ONCALL", "retry-migration")).toMatch(/^Trying migration .* again\./);

    expect(Date.parse((await migrationNow()).trouble?.retryAt ?? "")).toBeLessThanOrEqual(Date.now());
  });

  test("is stopped by a click or by the command, which says what stays", async () => {
    await running();
    await revise({ done: [done("switch-mode")] }, "migration.stepped");

    expect(textOf(await app.say("U0APPROVER", "migrate staging stop not today"))).toContain(
      "*Stopped* by <@U0APPROVER>: not today. 1 step done and kept",
    );

    expect((await migrationNow()).state).toBe("stopped");
    expect(textOf(await app.showMigration(id))).not.toContain("[Stop]");
    expect(textOf(await app.say("U0APPROVER", "migrate staging stop"))).toContain("Already handled");
  });

  test("remembers no more of the reason than a revocation does", async () => {
    await running();

    await app.say("U0APPROVER", `migrate staging stop ${"because ".repeat(400)}`);

    expect((await migrationNow()).stop?.why).toHaveLength(300);
  });

  test("tells the next one how long a deletion that EKS did not answer can still arrive", async () => {
    const settlesAt = new Date(Date.now() + 400_000).toISOString();
    await running();
    await revise({ settlesAt });
    await app.say("U0APPROVER", "migrate staging stop");

    await app.say("U0ONCALL", "migrate staging ask");

    expect(await app.ledger.migrations.get("migration-staging-2")).toMatchObject({ state: "pending", settlesAt });
  });

  test("is not for an engineer to stop", async () => {
    await running();

    expect(await click("U0ENGINEER", "stop-migration")).toContain("can do this");
    expect((await migrationNow()).state).toBe("running");
  });

  test("that is done names the last step, which is an operator's own", async () => {
    await running();
    await revise(
      { state: "done", done: steps.map(({ name }) => done(name)), endedAt: new Date().toISOString() },
      "migration.done",
    );

    expect(textOf(await app.showMigration(id))).toMatch(/\*Done\*.*An operator can switch the mode to `API`/s);
    expect(app.person("U0ONCALL").directMessages().map(textOf).join()).toContain("of `staging`: *Done*");
  });
});

test("a migration that is stopped while Slack limits updates says so on the clicked card, without its buttons", async () => {
  const card = await asked();
  const headers = { "retry-after": "20" };
  app.slack.faults.plan("slack.chat.update", { type: "answer", status: 429, headers }, { times: 10 });

  await app.person("U0ONCALL").click(card, "Stop");
  const text = textOf(await app.showMigration(id));

  expect(text).toContain("*Stopped* by <@U0ONCALL>");
  expect(text).not.toMatch(/\[Review\]|\[Deny\]|\[Stop\]/);
});
