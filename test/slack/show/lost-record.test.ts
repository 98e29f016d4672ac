import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SandboxMessage } from "../../../sandbox/slack/inputs.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

/** Redis lost the records; `log`: it lost the audit log too; `answers`: it does not answer. */
let lost: "nothing" | "records" | "log" | "answers";
let app: SlackApp;

beforeEach(async () => {
  lost = "nothing";
  app = await aSlackApp({
    ledger: (ledger) => ({
      ...ledger,
      get: async (id) => {
        if (lost === "answers") throw new Error("no answer");
        return lost === "nothing" ? ledger.get(id) : null;
      },
      eventsOf: async (...of) => (lost === "log" ? [] : ledger.eventsOf(...of)),
      migrations: { ...ledger.migrations, get: async (id) => (lost === "nothing" ? ledger.migrations.get(id) : null) },
    }),
  });
});

afterEach(() => app.stop());

const now = ({ ts }: SandboxMessage) =>
  textOf(
    [...app.slack.messages("C0ACCESS"), ...app.person("U0ENGINEER").directMessages()].find((each) => each.ts === ts) ??
      expect.unreachable(),
  );

async function shown(request: AccessRequest): Promise<readonly [card: SandboxMessage, direct: SandboxMessage]> {
  await app.put(request);
  const card = await app.show(request.id);
  return [card, app.person("U0ENGINEER").directMessages()[0] ?? expect.unreachable("no direct message")];
}

const gone = "no longer exists";
const lostCard = [
  ":warning: *Lost*: <@U0ENGINEER> asks for `viewer` on `staging`",
  ">the deployment of checkout hangs",
  `:warning: \`r-7k2m9x4q\` ${gone}.`,
].join("\n");

describe("a button on a message whose record Redis lost", () => {
  test.each(["Approve", "Deny", "Details"])("answers, and takes all buttons off the card: %s", async (button) => {
    const [card] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    lost = "log";

    await app.person("U0APPROVER").click(card, button);

    await expect.poll(() => now(card)).not.toMatch(/\[(Approve|Deny|Details)\]/);
    expect(now(card)).toBe(lostCard);
  });

  test.each(["Nudge", "Cancel"])("takes them off the direct message: %s", async (button) => {
    const [, direct] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    lost = "log";

    await app.person("U0ENGINEER").click(direct, button);

    await expect.poll(() => now(direct)).toContain(gone);
    expect(now(direct)).not.toContain("[");
  });

  test.each(["Extend", "Revoke"])("takes them off the card of a lease: %s", async (button) => {
    const [card] = await shown(aLeasedRequest({ state: "active" }, { id: "r-7k2m9x4q" }));
    lost = "log";

    await app.person("U0ENGINEER").click(card, button);

    await expect.poll(() => now(card)).toContain(gone);
    expect(now(card)).toMatch(/^:warning: \*Lost\*: Active until /);
    expect(now(card)).not.toContain("[");
  });

  test("keeps the title of a closed request: it leaves Redis in its time", async () => {
    const [asking, direct] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    await app.person("U0ENGINEER").click(direct, "Cancel");
    const card = await app.show("r-7k2m9x4q");
    lost = "records";

    await app.person("U0ENGINEER").click(card, "Request again");

    await expect.poll(() => now(asking)).toContain(gone);
    expect(now(asking)).toMatch(/^:no_entry: Cancelled /);
  });

  test("leaves Details, as long as the audit log has its history", async () => {
    const [card] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    lost = "records";

    await app.person("U0APPROVER").click(card, "Approve");

    await expect.poll(() => now(card)).toContain(gone);
    expect(now(card)).toContain("[Details]");
    expect(now(card)).not.toMatch(/\[(Approve|Deny)\]/);
  });

  test("takes them off the card of a migration", async () => {
    const migration = aPlannedMigration();
    await app.ledger.commit({
      after: { ...migration, version: 1 },
      event: eventOf("migration.asked", migration, "U0ONCALL", at(0)),
    });
    const card = await app.showMigration(migration.id);
    lost = "log";

    await app.person("U0APPROVER").click(card, "Stop");

    await expect.poll(() => now(card)).toContain(gone);
    expect(now(card)).not.toContain("[");
  });
});

describe("without a click, what waits for a decision and Redis lost", () => {
  test("has no buttons within a minute, and its requester knows it", async () => {
    const [card, direct] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    lost = "log";

    for (const _ of [1, 2]) await app.lookForLost();

    expect(now(card)).toBe(lostCard);
    expect(now(direct)).toBe(":warning: `viewer` on `staging` (`r-7k2m9x4q`) has no record any more. Ask again.");
    const replies = app.person("U0ENGINEER").directMessages().map(textOf).slice(1);
    expect(replies).toEqual(["<@U0ENGINEER> `viewer` on `staging` has no record any more. Ask again."]);
  });

  test("keeps Details while the audit log has its history", async () => {
    const [card] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    lost = "records";

    await app.lookForLost();

    expect(now(card).match(/\[[A-Z][^\]]*\]/g)).toEqual(["[Details]"]);
  });

  test("gets its buttons back when a backup brings the record", async () => {
    const [card, direct] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    const before = [now(card), now(direct)];
    lost = "log";
    await app.lookForLost();
    lost = "nothing";
    app.woken();

    await app.lookForLost();
    const woken = app.woken();
    await app.show("r-7k2m9x4q");

    expect(woken).toEqual([{ type: "show", record: "r-7k2m9x4q" }]);
    expect([now(card), now(direct)]).toEqual(before);
  });

  test("stays as it is while Redis does not answer, and after a decision that another process shows", async () => {
    const [card] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
    const waiting = now(card);
    lost = "answers";
    await app.lookForLost().catch(() => {});
    const unanswered = now(card);
    lost = "nothing";
    await app.say("U0APPROVER", "deny r-7k2m9x4q no");
    await app.lookForLost();
    lost = "log";

    await app.lookForLost();

    expect([unanswered, now(card)]).toEqual([waiting, waiting]);
  });

  test("is also an approved request whose access no worker has given: only Redis knew of it", async () => {
    const [card, direct] = await shown(aLeasedRequest({ state: "scheduled" }, { id: "r-7k2m9x4q" }));
    lost = "log";

    await app.lookForLost();

    expect(now(card)).toContain(gone);
    expect(`${now(card)}${now(direct)}`).not.toContain("[");
  });

  test("is no lease: its cluster remembers it, and a worker gives it its record again", async () => {
    const [card] = await shown(aLeasedRequest({ state: "active" }, { id: "r-7k2m9x4q" }));
    const before = now(card);
    lost = "log";

    await app.lookForLost();

    expect(now(card)).toBe(before);
  });

  test.each(["pending", "running"] as const)("is also the card of a migration that is %s", async (state) => {
    const migration = aPlannedMigration({ state });
    await app.ledger.commit({
      after: { ...migration, version: 1 },
      event: eventOf("migration.asked", migration, "U0ONCALL", at(0)),
    });
    const card = await app.showMigration(migration.id);
    lost = "log";

    await app.lookForLost();

    expect(now(card)).toContain(gone);
    expect(now(card)).not.toContain("[");
  });
});

test("while Redis does not answer, the buttons stay: the record may be there", async () => {
  const [card] = await shown(aPreviewedRequest({ id: "r-7k2m9x4q" }));
  const before = now(card);
  lost = "answers";

  const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(card, "Approve"));
  lost = "nothing";
  await app.person("U0APPROVER").click(card, "Approve");

  expect(textOf(answer)).toMatch(/^:warning: /);
  expect(now(card)).toBe(before);
  expect((await app.ledger.get("r-7k2m9x4q"))?.state).toBe("approved");
});
