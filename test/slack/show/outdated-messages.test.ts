import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SandboxMessage } from "../../../sandbox/slack/inputs.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPlannedMigration, reviseMigration } from "../../builders/a-migration.ts";
import { aDecision, aLeasedRequest, aPreviewedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});

afterEach(() => app.stop());

/** Whether the bot is in the channel of the cards. */
function inChannel(isThere: boolean): void {
  const members = ["U0ENGINEER", "U0APPROVER", ...(isThere ? [app.slack.botUserId] : [])];
  app.slack.addChannel({ id: "C0ACCESS", name: "cluster-access", members });
}

/** Slack takes no change of any message: each is too old for the workspace's limit on edits. */
const tooOld = () =>
  app.slack.faults.plan(
    "slack.chat.update",
    { type: "answer", status: 200, body: JSON.stringify({ ok: false, error: "edit_window_closed" }) },
    { times: 1 },
  );

const cards = () => app.slack.messages("C0ACCESS").map(textOf);
const buttonsIn = (text = "") => text.match(/\[[A-Z][^\]]*\]/g)?.join(" ") ?? "";
const now = ({ ts }: SandboxMessage) =>
  textOf(
    [...app.slack.messages("C0ACCESS"), ...app.person("U0ENGINEER").directMessages()].find((each) => each.ts === ts) ??
      expect.unreachable(),
  );

async function shown(request: AccessRequest): Promise<SandboxMessage> {
  await app.put(request);
  return app.show(request.id);
}

async function expires(id = "r-1"): Promise<void> {
  const request = (await app.ledger.get(id)) ?? expect.unreachable();
  await app.ledger.commit(aChange(revise(request, { state: "expired" }), "request.expired"));
  await app.show(id);
}

describe("a card that changed while the bot was out of its channel", () => {
  test("changes when the bot is back, although nothing else does", async () => {
    await shown(aPreviewedRequest());
    inChannel(false);
    await expires();
    const meanwhile = cards();
    inChannel(true);

    await app.show("r-1");

    expect(meanwhile.map(buttonsIn)).toEqual(["[Approve] [Deny] [Details]"]);
    expect(cards()).toEqual([expect.stringContaining("Expired")]);
    expect(cards().map(buttonsIn)).toEqual(["[Request again] [Details]"]);
    expect(await app.ledger.outdated()).toEqual(new Map());
  });

  test("is posted then if it never was there, as long as someone must decide", async () => {
    await app.put(aPreviewedRequest());
    inChannel(false);
    await app.show("r-1").catch(() => {});
    const meanwhile = cards();
    inChannel(true);

    await app.show("r-1");

    expect([meanwhile, cards().map(buttonsIn)]).toEqual([[], ["[Approve] [Deny] [Details]"]]);
  });

  test("wakes the others of the channel", async () => {
    for (const id of ["r-1", "r-2", "r-3"]) await shown(aPreviewedRequest({ id }));
    inChannel(false);
    for (const id of ["r-1", "r-2", "r-3"]) await expires(id);
    inChannel(true);
    app.woken();

    await app.show("r-2");

    const cardsWoken = app.woken().filter(({ type }) => type === "show");
    expect(cardsWoken).toEqual(["r-1", "r-3"].map((record) => ({ type: "show", record })));
  });

  test("of a migration changes too, and is not posted a second time", async () => {
    const migration = aPlannedMigration();
    await app.ledger.commit({ after: migration, event: eventOf("migration.planned", migration, "worker", at(0)) });
    await app.showMigration(migration.id);
    inChannel(false);
    const denial = { ...aDecision({ digest: migration.plan?.digest ?? "" }), why: "not today" };
    const after = reviseMigration(migration, { state: "denied", denial, endedAt: at(9).toISOString() });
    await app.ledger.commit({ after, event: eventOf("migration.denied", migration, "U0APPROVER", at(9)) });
    await app.showMigration(migration.id).catch(() => {});
    inChannel(true);

    await app.showMigration(migration.id);

    expect(cards()).toEqual([expect.stringContaining("Denied by")]);
    expect(cards().join()).not.toMatch(/\[(Deny|Stop)\]/);
  });

  test("answers a click meanwhile with the truth, and shows it", async () => {
    const card = await shown(aPreviewedRequest());
    inChannel(false);
    await expires();

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(card, "Approve"));

    expect(textOf(answer)).toContain("Already handled.");
    await expect.poll(() => now(card)).toContain("Expired");
    expect(buttonsIn(now(card))).toBe("[Request again] [Details]");
    expect((await app.ledger.get("r-1"))?.state).toBe("expired");
  });
});

describe("the copy of a card in direct messages, where the bot is out of the channel,", () => {
  const copy = (user: string) => textOf(app.person(user).directMessages()[0] ?? expect.unreachable("no copy"));
  /** From now on the process follows a file with these approvers. */
  const approvers = (names: string) => app.follow(configText.replace("[U0APPROVER, U0APPROVER2]", names));

  beforeEach(async () => {
    await app.put(aPreviewedRequest());
    inChannel(false);
    await app.show("r-1").catch(() => {});
  });

  test("has no buttons once its reader is no approver any more, and the others keep theirs", async () => {
    const before = ["U0APPROVER", "U0APPROVER2"].map(copy).map(buttonsIn);
    await approvers("[U0APPROVER2]");

    await app.show("r-1").catch(() => {});

    expect(before).toEqual(["[Approve] [Deny] [Details]", "[Approve] [Deny] [Details]"]);
    expect(copy("U0APPROVER")).toContain("You are no longer an approver of this.");
    expect(["U0APPROVER", "U0APPROVER2"].map(copy).map(buttonsIn)).toEqual(["", "[Approve] [Deny] [Details]"]);
  });

  test("leaves Details to someone on call", async () => {
    await app.follow(configText.replace("[U0APPROVER, U0APPROVER2]", "[U0APPROVER2]\n    onCall: [U0APPROVER]"));

    await app.show("r-1").catch(() => {});

    expect(buttonsIn(copy("U0APPROVER"))).toBe("[Details]");
  });

  test("answers a click before that with the truth, changes nothing, and loses its buttons", async () => {
    await approvers("[U0APPROVER2]");
    const [message = expect.unreachable()] = app.person("U0APPROVER").directMessages();

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(message, "Approve"));

    expect(textOf(answer)).toContain("Only approvers of `viewer` on `staging` can do this. Ask <@U0APPROVER2>.");
    await expect.poll(() => buttonsIn(copy("U0APPROVER"))).toBe("");
    expect((await app.ledger.get("r-1"))?.approvals).toEqual([]);
  });

  test("follows the record where the bot is back, beside the card", async () => {
    inChannel(true);
    await app.show("r-1");

    await expires();

    const all = [...cards(), copy("U0APPROVER"), copy("U0APPROVER2")];
    expect(all.map(buttonsIn)).toEqual(all.map(() => "[Request again] [Details]"));
  });
});

describe("a message that is too old to edit", () => {
  test("is posted again, and the old card loses its buttons at a click, which decides the same", async () => {
    const old = await shown(aPreviewedRequest());
    tooOld();
    const request = (await app.ledger.get("r-1")) ?? expect.unreachable();
    await app.ledger.commit(aChange(revise(request, { reminders: { sent: 1, nextAt: null } })));
    const newer = await app.show("r-1");

    await app.person("U0APPROVER").click(old, "Approve");

    await expect.poll(() => now(old)).toContain("no longer updates");
    expect(buttonsIn(now(old))).toBe("[Details]");
    expect((await app.ledger.get("r-1"))?.state).toBe("approved");
    await app.show("r-1");
    expect(now(newer)).toContain("Applying");
  });

  test("keeps only Details, however often it is clicked", async () => {
    const old = await shown(aPreviewedRequest());
    tooOld();
    await expires();

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(old, "Approve"));
    await expect.poll(() => now(old)).toContain("no longer updates");
    const once = now(old);
    await app.person("U0APPROVER").click(old, "Details");
    await app.slack.until(() => app.person("U0APPROVER").view());

    expect(textOf(answer)).toContain("Already handled.");
    expect(now(old)).toBe(once);
    expect(once.match(/no longer updates/g)).toHaveLength(1);
  });

  test("is a direct message: the newer one has the buttons, and the old one loses them at a click", async () => {
    await shown(aLeasedRequest({ state: "active" }));
    const [old = expect.unreachable()] = app.person("U0ENGINEER").directMessages();
    await app.ledger.commit(aChange(revise((await app.ledger.get("r-1")) ?? expect.unreachable(), {})));
    const refusing = app.slack.faults.plan(
      "slack.chat.update",
      { type: "answer", status: 200, body: JSON.stringify({ ok: false, error: "cant_update_message" }) },
      { nth: 2, times: 1 },
    );
    await app.show("r-1");
    refusing.cancel();

    await app.person("U0ENGINEER").click(old, "I'm done");

    await expect.poll(() => now(old)).toContain("no longer updates");
    expect(buttonsIn(now(old))).toBe("[Details]");
    expect(app.person("U0ENGINEER").directMessages().map(textOf).map(buttonsIn)).toContain("[Extend] [I'm done]");
  });
});

describe("Details on the card of a removed cluster", () => {
  const opened = async (user: string, card: SandboxMessage) => {
    await app.person(user).click(card, "Details");
    return textOf(await app.slack.until(() => app.person(user).view()));
  };

  test("shows the requester everything, and an approver why there is no more", async () => {
    const card = await shown(aPreviewedRequest());
    await app.follow(configText.replace("  staging:", "  another:"));
    await app.show("r-1");

    expect(buttonsIn(now(card))).toBe("[Details]");
    expect(await opened("U0ENGINEER", card)).toContain("the deployment of checkout hangs");
    expect(await opened("U0APPROVER", card)).toContain("staging is not in eks-access.yml. Ask an operator.");
  });
});
