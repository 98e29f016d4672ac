import { beforeEach, describe, expect, test } from "vitest";
import { createMigration, type Migration } from "../../../src/access/migration.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import type { Account } from "../../../src/slack/app/directory.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { statusAnswer } from "../../../src/slack/look/status-answer.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import { decideOnMigration } from "../../../src/slack/migrate/migration-clicks.ts";
import { migrationBlocks } from "../../../src/slack/migrate/plan-answer.ts";
import { threadOf } from "../../../src/slack/show/thread.ts";
import { aCluster, configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { click } from "../../fault/click.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

const withGroup = `${configText.replace(/approvers: .*/, "approvers: [S0PLATFORM]")}
policy:
  rules:
    - name: two for everything
      approvals: 2
`;
const [one, two, three] = ["U0ONE", "U0TWO", "U0THREE"] as const;

const accounts = new Map<string, Account>();
const members = new Set<string>();
let slackAnswers = true;

const directory = {
  ...noGroups,
  accountOf: async (user: string) => {
    if (!slackAnswers) throw new Error("Slack does not answer");
    return accounts.get(user) ?? "active";
  },
  membershipsOf: async (user: string, named: readonly string[]) =>
    members.has(user) ? named.filter((name) => name === "S0PLATFORM") : [],
};

let ledger = memoryLedger();
let context = aSlackContext(ledger, withGroup, directory);

beforeEach(() => {
  ledger = memoryLedger();
  context = aSlackContext(ledger, withGroup, directory);
  slackAnswers = true;
  accounts.clear();
  members.clear();
  for (const user of [one, two, three]) members.add(user);
});

/** How a person is no approver any more. */
const departures: readonly (readonly [string, () => void, string])[] = [
  ["was deactivated", () => accounts.set(one, "deactivated"), "their Slack account is deactivated"],
  ["is a guest now", () => accounts.set(one, "guest"), "they are now a guest of the workspace"],
  ["left the user group", () => members.delete(one), "they are no longer an approver"],
];

const eventsOf = async (id: string) => (await ledger.eventsOf(id, 20)).map(({ event }) => event);

describe("of a request, an approval of a person who meanwhile", () => {
  let request: AccessRequest;

  beforeEach(async () => {
    const cluster = context.config.clusters.get("staging") ?? expect.fail("there is no cluster");
    request = { ...aPreviewedRequest({}, null, cluster), version: 1 };
    await ledger.commit(aChange(request));
    await click(context, "approved", request, one);
  });

  test.each(departures)("%s does not count, and is reported", async (_, depart, why) => {
    depart();

    const said = await click(context, "approved", request, two);

    const after = (await ledger.get(request.id)) ?? expect.fail("it is gone");
    expect(said[0]).toContain("Needs 1 more approval");
    expect(after).toMatchObject({ state: "pending", lease: null, approvals: [{ by: two, stillApprovers: [two] }] });
    expect((await eventsOf(request.id)).filter(({ type }) => type === "approval.dropped")).toMatchObject([
      { actor: "slack", detail: { approver: one, why } },
    ]);
    const told = `The approval by <@${one}> no longer counts.\n>${why}`;
    expect(textOfBlocks(statusAnswer({ request: after, events: [], acts: [] }))).toContain(told);
    expect(JSON.stringify(approvalMessage(after, aCluster()))).toContain("an approval no longer counts");
    expect(threadOf(after, [], undefined).map(({ text }) => text)).toContain(told);
    await click(context, "approved", request, three);
    expect(await ledger.get(request.id)).toMatchObject({
      state: "approved",
      approvals: [{ by: two }, { by: three, stillApprovers: [two, three] }],
    });
  });

  test("leaves an answer that names only those who are still there", async () => {
    const text = withGroup.replace("[S0PLATFORM]", `[${one}, ${two}, ${three}]`);
    accounts.set(three, "deactivated");

    const said = await click(aSlackContext(ledger, text, directory), "approved", request, one);

    expect(said).toEqual([`You approved it already. Needs 1 more approval, from <@${two}>.`]);
  });

  test("stays is recorded before Slack is asked about the others that its answer names", async () => {
    const next = { ...request, id: "r-next", approvals: [] };
    await ledger.commit(aChange({ ...next, version: 1 }));
    const recorded: (number | undefined)[] = [];
    const accountOf = async (user: string) => {
      if (user === two) recorded.push((await ledger.get(next.id))?.approvals.length);
      return "active" as const;
    };
    const text = withGroup.replace("[S0PLATFORM]", `[${one}, ${two}]`);

    const said = await click(aSlackContext(ledger, text, { ...directory, accountOf }), "approved", next, one);

    expect(said).toEqual([`Approved. Needs 1 more approval, from <@${two}>.`]);
    expect(recorded).toEqual([1]);
  });

  test("is not counted where Slack does not say whether they are there", async () => {
    slackAnswers = false;

    await click(context, "approved", request, two).catch(() => {});

    expect(await ledger.get(request.id)).toMatchObject({ state: "pending", approvals: [{ by: one }] });
  });
});

describe("of a migration, an approval of a person who meanwhile", () => {
  const id = "migration-staging-1";
  const digest = "d".repeat(64);
  const approve = (by: string) => decideOnMigration(context, id, { verdict: "approved", by, digest, why: "" });

  beforeEach(async () => {
    const summary = { mode: "CONFIG_MAP", items: [], steps: [], keptBecause: null, before: [], digest };
    const asked = createMigration(
      { id, cluster: "staging", requester: "U0ONCALL", givenArns: [] },
      context.now(),
      3600,
    );
    const after: Migration = { ...asked, plan: { at: asked.createdAt, digest, summary, outs: [], seal: "" } };
    await ledger.commit({
      after,
      event: eventOf("migration.planned", after, "worker", context.now()),
    });
    await approve(one);
  });

  test.each(departures)("%s does not count, and is reported", async (_, depart, why) => {
    depart();

    await approve(two);

    const after = (await ledger.migrations.get(id)) ?? expect.fail("it is gone");
    expect(after).toMatchObject({ state: "pending", approvals: [{ by: two, stillApprovers: [two] }] });
    expect((await eventsOf(id)).filter(({ type }) => type === "migration.approval-dropped")).toMatchObject([
      { actor: "slack", detail: { approver: one, why } },
    ]);
    expect(JSON.stringify(migrationMessage(after))).toContain("an approval no longer counts");
    expect(textOfBlocks({ blocks: migrationBlocks(after, "view") })).toContain(
      `The approval by <@${one}> no longer counts.\n>${why}`,
    );
    await approve(three);
    expect(await ledger.migrations.get(id)).toMatchObject({ state: "running" });
  });
});
