import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Migration } from "../../../src/access/migration.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { aMigration, aPlannedMigration } from "../../builders/a-migration.ts";
import { aDecision } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const id = "migration-staging-1";

let app: SlackApp;
beforeEach(async () => {
  app = await aSlackApp();
});
afterEach(() => app.stop());

async function put(migration: Migration = aPlannedMigration()): Promise<void> {
  await app.ledger.commit({
    after: migration,
    event: eventOf("migration.asked", migration, migration.requester, at(0)),
  });
}
const say = async (user: string, text: string) => textOf(await app.say(user, text));
const stateNow = async () => (await app.ledger.migrations.get(id))?.state;
const lastEvent = async () => (await app.ledger.eventsOf(id, 9)).at(-1)?.event;

describe("the status of a migration", () => {
  test("is for the requester and the people responsible for the cluster, each with their buttons", async () => {
    await put();

    expect(await say("U0APPROVER", `status ${id}`)).toMatch(
      /Switch the authentication mode.*asked for a migration.*\[Approve this plan\]/s,
    );
    const asker = await say("U0ONCALL", `status ${id}`);
    expect(asker).toContain("[Stop]");
    expect(asker).not.toContain("[Approve this plan]");
  });

  test("is not for others; that they tried is recorded", async () => {
    await put();

    expect(await say("U0ENGINEER", `status ${id}`)).toContain("the approvers of `staging` and its on-call can do this");

    expect(await lastEvent()).toMatchObject({ type: "attempt.refused", detail: { act: "see", code: "not-yours" } });
  });

  test("of one that there is not says so", async () => {
    expect(await say("U0APPROVER", `status ${id}`)).toContain(`There is no migration or repair \`${id}\``);
  });
});

describe("a typed approve", () => {
  test("of a migration approves nothing: its plan is shown, and the button below approves exactly that", async () => {
    await put();

    const answer = await app.say("U0APPROVER", `approve ${id}`);
    const before = (await app.ledger.migrations.get(id))?.approvals;
    const then = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(answer, "approve"));

    expect(before).toEqual([]);
    expect(textOf(answer)).toMatch(/Not approved yet.*Remove this item from aws-auth/s);
    expect(textOf(then)).toBe("Approved. Needs 1 more approval.");
    expect(await app.ledger.migrations.get(id)).toMatchObject({
      state: "pending",
      approvals: [{ by: "U0APPROVER" }],
    });
  });

  test("by any other person is refused, and recorded", async () => {
    await put();

    expect(await say("U0ONCALL", `approve ${id}`)).toBe("Only approvers of `staging` can do this.");

    expect(await lastEvent()).toMatchObject({ type: "decision.refused", detail: { code: "not-an-approver" } });
  });

  test("before the worker has planned it has nothing to show", async () => {
    await put(aMigration());

    expect(await say("U0APPROVER", `approve ${id}`)).toBe(
      "The worker must check the cluster first. Try again in a minute.",
    );
  });
});

describe("a typed deny", () => {
  test("of a migration takes effect at once, with its reason", async () => {
    await put();

    expect(await say("U0APPROVER", `deny ${id} after the release`)).toBe(`Denied \`${id}\`. The requester reads why.`);

    expect(await app.ledger.migrations.get(id)).toMatchObject({
      state: "denied",
      denial: { why: "after the release" },
    });
  });

  test.each([
    ["without a reason", "U0APPROVER", `deny ${id}`, "Not denied. Say why"],
    ["by who may not", "U0ONCALL", `deny ${id} no`, "Only approvers of `staging` can do this."],
    [
      "of one that there is not",
      "U0APPROVER",
      "deny migration-staging-9 no",
      "There is no migration or repair `migration-staging-9`",
    ],
  ])("%s denies nothing", async (_, user, typed, sentence) => {
    await put();

    expect(await say(user, typed)).toContain(sentence);
    expect(await stateNow()).toBe("pending");
  });
});

test.each([`approve ${id}`, `deny ${id} no`, "migrate staging stop"])(
  "%s shows a person who can't see a migration nothing of how it ended, and records that they tried",
  async (typed) => {
    const denial = aDecision({ verdict: "denied", at: at(1).toISOString(), why: "the merger" });
    await put(aPlannedMigration({ state: "denied", denial, endedAt: denial.at }));

    expect(await say("U0ENGINEER", typed)).not.toContain("the merger");

    expect((await lastEvent())?.detail).toMatchObject({ code: expect.stringMatching(/^not-(an-approver|yours)$/) });
  },
);

test.each(["cancel", "revoke"])(
  "%s of a migration changes nothing, and names the command that stops it",
  async (word) => {
    await put();

    expect(await say("U0ONCALL", `${word} ${id}`)).toBe(
      "Nothing changed. To stop a migration or repair: `/eks-access migrate staging stop`.",
    );
    expect(await stateNow()).toBe("pending");
  },
);

describe("a request for a repair of dead entries", () => {
  const living = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_bbbbbbbbbbbbbbbb/alice@example.com";

  test("is a record of its own kind with the current ARN, and says what it asks", async () => {
    expect(await say("U0APPROVER", `repair staging \`${living}\`,`)).toContain("Requested the repair of `staging`");

    expect(await app.ledger.migrations.get(id)).toMatchObject({
      kind: "repair",
      givenArns: [living],
      state: "pending",
    });
    expect(await lastEvent()).toMatchObject({
      type: "migration.asked",
      detail: { kind: "repair", givenArns: [living] },
    });
    expect(await say("U0APPROVER", `status ${id}`)).toContain("asks to repair entries of deleted roles on `staging`");
    expect(await say("U0APPROVER", "list")).toContain("Repair of dead entries of `staging`");
  });

  test("is refused where someone with Redis wrote one with the highest number", async () => {
    await put(aMigration({ id: `migration-staging-${"9".repeat(15)}`, state: "done" }));
    const before = await lastEvent();

    expect(await say("U0APPROVER", `repair staging ${living}`)).toContain(
      "No number is free. Try again, then check Redis.",
    );

    expect(await lastEvent()).toEqual(before);
    expect(await app.ledger.get(`migration-staging-1${"0".repeat(15)}`)).toBeNull();
  });

  test("is for the people responsible for the cluster", async () => {
    await say("U0ENGINEER", `repair staging ${living}`);

    expect(await stateNow()).toBeUndefined();
  });
});
