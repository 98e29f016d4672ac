import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf, problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import type { Migration } from "../../../src/access/migration.ts";
import {
  approveMigrationButton,
  denyMigrationButton,
  retryMigrationButton,
  stopMigrationButton,
} from "../../../src/slack/migrate/migration-buttons.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import { openingMigrationMessage } from "../../../src/slack/migrate/migration-message.ts";
import {
  migrationAskedAnswer,
  migrationRefusedAnswer,
  migrationRetriedAnswer,
  migrationThreadOf,
} from "../../../src/slack/migrate/migration-words.ts";
import { migrationStatusAnswer } from "../../../src/slack/migrate/plan-answer.ts";
import { detailsModal } from "../../../src/slack/show/message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aPlannedMigration, changedMigration, theLongestMigration } from "../../builders/a-migration.ts";
import { aPlannedRepair } from "../../builders/a-repair.ts";
import { aDecision } from "../../builders/a-request.ts";
import { anEvent } from "../../builders/an-event.ts";
import { at } from "../../builders/times.ts";
import { renderedLines } from "../decide/rendered-lines.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const long = "The principal is not there, or AWS does not show it, and nothing proves which one it was. ".repeat(20);
const cluster = { cluster: "payments-production", id: "migration-payments-production-12" };
const trouble = {
  ...{ code: "unexpected", message: long, attempts: 9, causes: [] },
  ...{ at: at(0).toISOString(), retryAt: at(1).toISOString() },
};
const approvals = [aDecision(), aDecision({ by: "U0APPROVER2" })];
const doubted = { approvals: approvals.slice(1), voided: { by: ["U0APPROVER"], message: long }, ...cluster };
const aPlace = { cluster: "payments-production", seal: "" };
const masters = ["system:masters"];
const steps = (aPlannedRepair(6).plan?.summary.steps ?? []).map(({ name }) => name);
const done = steps.slice(1).map((name) => ({ name, at: at(0).toISOString(), proof: [long], place: null }));
const begun = { name: steps[0] ?? "", at: at(0).toISOString(), place: aPlace };

const longest = theLongestMigration();
const longSteps = (longest.plan?.summary.steps ?? []).map(({ name }) => name);
const longDone = longSteps.slice(1).map((name) => ({ name, at: at(0).toISOString(), proof: [long], place: null }));

const migrations: Readonly<Record<string, Migration>> = {
  "the longest": theLongestMigration({ trouble: null, ...doubted }),
  "in trouble": theLongestMigration({ state: "running", approvals, done: longDone, ...cluster }),
  "with a begun step": theLongestMigration({ state: "running", approvals, begun, done: longDone, ...cluster }),
  done: theLongestMigration({ state: "done", approvals, done: longDone, trouble: null, ...cluster }),
  stopped: theLongestMigration({ state: "stopped", done: longDone, trouble: null, ...cluster }),
  refused: aPlannedMigration({ state: "refused", plan: null, refusal: { code: "x", message: long }, ...cluster }),
};

describe("the card of a migration", () => {
  test.each(Object.entries(migrations))("has at most twelve lines on a phone: %s", (_, migration) => {
    const message = migrationMessage(migration);

    expect(renderedLines(message.blocks), textOfBlocks(message)).toBeLessThanOrEqual(12);
    expect(problemsOf(message.blocks)).toEqual([]);
  });

  test("says what changes, what to consider and until when, and has no Approve", () => {
    expect(textOfBlocks(migrationMessage(aPlannedMigration()))).toMatchInlineSnapshot(`
      ":hourglass_flowing_sand: *<@U0ONCALL> asks to migrate \`staging\` from aws-auth to access entries*
      \`migration-staging-1\`, expires <!date^1772442000^{date_short_pretty} {time}|2026-03-02 09:00:00 UTC>
      1 of 1 item can move, in 3 steps
      Waiting for 2 different approvers
      :warning: *Warnings*: no way back to \`CONFIG_MAP\`
      [Review] [Deny] [Stop]"
    `);
  });
});

test.each<[string, Migration, string]>([
  ["that waits", aPlannedMigration(), ":hourglass_flowing_sand:"],
  ["that runs", aPlannedMigration({ state: "running", approvals }), ":hourglass_flowing_sand:"],
  ["in trouble", aPlannedMigration({ state: "running", approvals, trouble }), ":warning:"],
  ["that is done", aPlannedMigration({ state: "done", approvals }), ":white_check_mark:"],
  ["that is denied", aPlannedMigration({ state: "denied" }), ":no_entry:"],
  ["that is stopped", aPlannedMigration({ state: "stopped" }), ":no_entry:"],
  ["that is refused", aPlannedMigration({ state: "refused", plan: null }), ":no_entry:"],
  ["that expired", aPlannedMigration({ state: "expired" }), ":hourglass:"],
])("the card of a migration %s begins with its state's sign", (_, migration, sign) => {
  expect(textOfBlocks(migrationMessage(migration)).split(" ")[0]).toBe(sign);
});

test.each<[string, Migration, RegExp]>([
  [
    "runs",
    aPlannedMigration({ state: "running", approvals }),
    /^Running: 0 of 3 steps\n<@U0ONCALL> migration of `staging`\n/,
  ],
  ["is done", aPlannedMigration({ state: "done", approvals }), /^Done .*\n<@U0ONCALL> migration of `staging`\n/],
  [
    "is denied",
    aPlannedMigration({ state: "denied", denial: aDecision({ why: "not now" }) }),
    /^Denied by <@\w+>: not now\n/,
  ],
])(
  "a migration that %s says so first to a screen reader, and no more that somebody asks for it",
  (_, migration, first) => {
    const { text } = migrationMessage(migration);

    expect(text).toMatch(first);
    expect(text).not.toContain("asks");
  },
);

test("the card of a migration says what the mode `API` would drop, also on a phone", () => {
  const { plan } = aPlannedMigration();
  const before = ["arn:aws:iam::111122223333:role/node", "arn:aws:iam::111122223333:user/founder"];
  const done = { state: "done", approvals, plan: plan && { ...plan, summary: { ...plan.summary, before } } } as const;

  const text = textOfBlocks(migrationMessage(aPlannedMigration(done)));

  expect(text).toContain("\nThe mode `API` would drop 2 items of aws-auth\n");
});

describe("a button that ends something, or can't be undone", () => {
  test("tells a screen reader what it is about", () => {
    const buttons = [approveMigrationButton, denyMigrationButton, stopMigrationButton, retryMigrationButton];

    expect(buttons.map((make) => make(aPlannedMigration()).accessibility_label)).toEqual(
      ["Approve this plan", "Deny", "Stop", "Try again"].map((label) => `${label}: staging, migration-staging-1`),
    );
  });

  test("Stop has the style of danger, and asks before", () => {
    const { style, confirm } = stopMigrationButton(aPlannedMigration());

    expect([style, confirm?.style, confirm?.title?.text]).toEqual(["danger", "danger", "Stop the migration?"]);
  });

  test.each<[string, Migration, string | undefined]>([
    ["the mode, which has no way back", aPlannedMigration(), "EKS can't switch back to CONFIG_MAP."],
    ["full control", aPlannedRepair(1, {}, masters), "This gives full control of staging."],
    ["nothing of that", aPlannedRepair(1), undefined],
  ])("Approve asks before a plan that changes %s", (_, migration, sure) => {
    expect(approveMigrationButton(migration).confirm?.text.text).toBe(sure);
  });
});

/** One of so many items, each with an ARN of its own. */
function aMigrationOf(count: number): Migration {
  const arns = Array.from({ length: count }, (_, index) => `arn:aws:iam::111122223333:role/teams/developers-${index}`);
  const planned = aPlannedMigration();
  if (!planned.plan) throw new Error("It has a plan.");
  const { summary } = planned.plan;
  const [first, give, remove] = summary.steps;
  if (!first || !give || !remove) throw new Error("It has three steps.");
  const items = arns.map((arn, index) => ({
    ...{ place: `mapRoles line ${index}`, arn, outcome: "moves" as const },
    sentences: ["Gets an access entry."],
  }));
  const steps = [
    first,
    ...arns.map((arn) => ({ ...give, name: `give-entry ${arn}`, does: `Create the access entry of ${arn}.` })),
    { ...remove, does: `Remove these ${count} items from aws-auth: ${arns.join(", ")}.` },
  ];
  return aPlannedMigration({ plan: { ...planned.plan, summary: { ...summary, items, steps } } });
}

describe("an approver reads the whole plan before Approve (law 4)", () => {
  const acts = ["approve", "deny"] as const;
  const answerIn = (place: "message" | "view", migration: Migration) =>
    migrationStatusAnswer({ migration, events: [], acts }, place);

  test("in Details, of as many items as a large aws-auth has", () => {
    const migration = aMigrationOf(300);

    const { blocks, ...details } = answerIn("view", migration);
    const text = textOfBlocks({ ...details, blocks });

    for (const { arn } of migration.plan?.summary.items ?? []) {
      expect(text).toContain(`→ \`${arn}\` (mapRoles`);
      expect(text).toContain(`· Create the access entry of \`${arn}\`.`);
    }
    expect(text).toMatch(/\[Approve this plan\] \[Deny\]$/);
    expect(problemsOfView(detailsModal(migration.id, { text, blocks }, null))).toEqual([]);
    expect(JSON.stringify(blocks).length).toBeLessThan(250_000);
  });

  test("a message that is too short for it has Details instead", () => {
    const text = textOfBlocks(answerIn("message", aMigrationOf(50)));

    expect(text).toContain("Press *Details* to read and approve it.");
    expect(text).toMatch(/\[Details\] \[Deny\]$/);
  });

  test("what no view can show, nobody can approve", () => {
    const text = textOfBlocks(answerIn("view", theLongestMigration()));

    expect(text).toContain("Too long to approve:");
    expect(text).toMatch(/\[Deny\]$/);
  });
});

const cards: Readonly<Record<string, Migration>> = {
  "of one entry": aPlannedRepair(1, doubted, masters),
  "of one with many groups": aPlannedRepair(1, doubted, Array(7).fill("team:developers-of-payments")),
  "of as many as one can have": aPlannedRepair(9, doubted, masters),
  "in trouble": aPlannedRepair(6, { state: "running", approvals, begun, done, trouble, ...cluster }),
  done: aPlannedRepair(6, { state: "done", approvals, done, ...cluster }),
  stopped: aPlannedRepair(6, { state: "stopped", approvals, begun, done, ...cluster }),
  denied: aPlannedRepair(6, { state: "denied", denial: aDecision({ why: "x y ".repeat(75) }), ...cluster }),
  expired: aPlannedRepair(6, { state: "expired", ...cluster }),
  refused: aPlannedRepair(6, { state: "refused", plan: null, refusal: { code: "x", message: long }, ...cluster }),
};

describe("the card of a repair", () => {
  test.each(Object.entries(cards))("has at most twelve lines on a phone, and keeps Slack's limits: %s", (_, repair) => {
    const message = migrationMessage(repair);

    expect(renderedLines(message.blocks), textOfBlocks(message)).toBeLessThanOrEqual(12);
    expect(problemsOf(message.blocks)).toEqual([]);
  });

  test("says what changes, what to consider and until when", () => {
    expect(
      textOfBlocks(migrationMessage(aPlannedRepair(1, { approvals: [aDecision()] }, masters))),
    ).toMatchInlineSnapshot(`
      ":hourglass_flowing_sand: *<@U0ONCALL> asks to repair entries of deleted roles on \`staging\`*
      \`migration-staging-1\`, expires <!date^1772442000^{date_short_pretty} {time}|2026-03-02 09:00:00 UTC>
      \`PlatformEngineering0_bbbbbbbbbbbbbbbb\` gets \`system:masters\`, 1 more
      Approved by <@U0APPROVER>. Waiting for another approver
      :warning: *Warnings*: full control
      [Review] [Deny] [Stop]"
    `);
    expect(textOfBlocks(migrationMessage(aPlannedRepair(9)))).toContain("6 entries change, 3 others stay");
  });

  test("has no Approve: it is under the text of each replacement, which no card has room for (law 4)", () => {
    const repair = aPlannedRepair(6);

    const details = migrationStatusAnswer({ migration: repair, events: [], acts: ["approve", "deny"] });
    const text = textOfBlocks(details);

    expect(JSON.stringify(migrationMessage(repair))).not.toContain("Approve this plan");
    expect(text).toContain("[Approve this plan]");
    expect(repair.plan?.replacements).toHaveLength(6);
    for (const { from, to, username } of repair.plan?.replacements ?? []) {
      expect(text).toContain(
        `\`${from}\` (an access entry)\n      Becomes \`${to}\`, as \`${username}\`, \`team:developers\`, \`AmazonEKSViewPolicy\` in \`shop\`.`,
      );
    }
    expect(text).not.toContain("not shown");
    expect(lengthOfText(details.blocks)).toBeLessThan(longestText);
  });
});

const longestSteps = (theLongestMigration().plan?.summary.steps ?? []).map(({ name }) => name);
const proved = (name: string) => ({ name, at: at(0).toISOString(), proof: ["&".repeat(3_000)], place: null });

test.each([
  ["waits for a decision", theLongestMigration()],
  ["is carried out", theLongestMigration({ state: "running", done: longestSteps.slice(0, 50).map(proved) })],
  [
    "was planned anew in its midst",
    theLongestMigration({ state: "running", done: longestSteps.map((name) => proved(`${name}b`)) }),
  ],
  [
    "was stopped",
    theLongestMigration({ state: "stopped", done: longestSteps.map(proved), endedAt: at(9).toISOString() }),
  ],
])("the message of the longest migration that %s fits Slack's limits", (_, migration) => {
  const { blocks } = migrationMessage(migration);

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});

test.each([
  ["no-preview", "The worker must check the cluster first. Try again in a minute."],
  ["change-differs", "The change is different now. Read it again, then decide."],
  ["quiet", "`staging` takes no approvals now: &lt;!channel&gt; a `*big*` release."],
] as const)(
  "a person who can't decide now, because %s, reads where to look, with what an operator wrote as plain text",
  (code, text) => {
    const cluster = aCluster({ quiet: "<!channel> a *big* release." });

    expect(migrationRefusedAnswer(code, aPlannedMigration(), cluster).text).toBe(text);
  },
);

test("every text about a repair calls it a repair", () => {
  const repair = aPlannedMigration({ kind: "repair", reminders: { sent: 1, nextAt: at(9).toISOString() } });
  const running = changedMigration(repair, { state: "running" });
  const asked = anEvent({ type: "migration.asked", detail: {} });
  const events = [{ sequence: 1, event: asked, previous: "", hash: "" }];
  const cluster = aCluster();
  const expired = migrationRefusedAnswer("expired", repair, cluster).text;

  const texts = [
    ...[openingMigrationMessage(repair, cluster), migrationMessage(repair), migrationMessage(running)].map(
      textOfBlocks,
    ),
    textOfBlocks(migrationStatusAnswer({ migration: repair, events, acts: ["approve", "deny"] })),
    ...migrationThreadOf(repair, cluster).map(({ text }) => text),
    ...[repair, running].map((each) => JSON.stringify(stopMigrationButton(each).confirm)),
    ...[migrationAskedAnswer, migrationRetriedAnswer].map((answer) => answer(repair).text),
    expired,
  ];

  expect(texts.filter((text) => /migrat/i.test(text.replaceAll("migration-staging-1", "")))).toEqual([]);
  expect(expired).toContain("`/eks-access repair staging`");
  expect(texts.join("\n")).toContain("waits for your decision about the repair of `staging`");
});
