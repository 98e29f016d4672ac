import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { linkEvent } from "../../../src/access/audit-event.ts";
import { arnsOf } from "../../../src/access/identities.ts";
import { decideLink } from "../../../src/slack/link/link.ts";
import { configText } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

const arn = "arn:aws:iam::111122223333:role/developers";
const confirming = `${configText}administrators: [U0ONCALL, U0APPROVER2]\nlinking: { confirm: administrator }\n`;
const others = "arn:aws:iam::111122223333:role/others";
let app: SlackApp;

const refuseUpdates = () =>
  app.slack.faults.plan("slack.chat.update", { type: "answer", status: 503 }, { times: Number.POSITIVE_INFINITY });

const questions = (user: string) => app.person(user).directMessages().map(textOf);

const say = async (user: string, text: string) => textOf(await app.say(user, text));
const eventTypes = async () => (await app.ledger.events(1, 50)).map(({ event }) => event.type);
/** The newest direct message to a person, once there are so many. */
const told = (user: string, count = 1) =>
  app.slack.until(() =>
    app
      .person(user)
      .directMessages()
      .slice(count - 1)
      .at(-1),
  );

/** What is answered to `by`, who clicks Confirm about the proposal of `user`. */
async function decide(user: string, by: string, ids = [by]): Promise<string> {
  const proposal = await app.ledger.linkProposalOf(user);
  if (!proposal) throw new Error("There is nothing to decide.");
  const directory = { ...noGroups, idsOf: async () => ids };
  const context = { ...aSlackContext(app.ledger, confirming), directory };
  const decided = await decideLink(context, JSON.stringify({ user, id: proposal.id, arn: proposal.arn }), by, true);
  return decided.type === "refused" ? decided.answer.text : "decided";
}

afterEach(() => app.stop());

describe("link, where every person may make one,", () => {
  beforeEach(async () => {
    app = await aSlackApp();
  });

  test("ties the Slack account to the principal at once, with its event", async () => {
    const answer = await say("U0ENGINEER", `link ${arn}`);

    expect(answer).toContain(`You are linked to \`${arn}\` now.`);
    expect(arnsOf(await app.ledger.linksOf("U0ENGINEER"))).toEqual([arn]);
    expect(await eventTypes()).toEqual(["link.made"]);
    expect((await app.ledger.events(1, 1))[0]?.event).toMatchObject({
      actor: "U0ENGINEER",
      detail: { user: "U0ENGINEER", arn, before: null },
    });
  });

  test("says what it took a session for", async () => {
    const printed = '{ "UserId": "AROA:jane", "Arn": "arn:aws:sts::111122223333:assumed-role/developers/jane" }';
    const answer = await say("U0ENGINEER", `link ${printed}`);

    expect(answer).toContain("People choose the session names of this role.");
    expect(arnsOf(await app.ledger.linksOf("U0ENGINEER"))).toEqual([arn]);
  });

  test("refuses what could never ask for access, and changes nothing", async () => {
    expect(await say("U0ENGINEER", "link arn:aws:iam::999988887777:role/developers")).toContain(
      "No link made. No cluster accepts principals of account 999988887777",
    );
    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
    expect(await eventTypes()).toEqual(["attempt.refused"]);
  });

  test("alone shows how it went, and makes nothing twice", async () => {
    const before = await say("U0ENGINEER", "link");
    await say("U0ENGINEER", `link ${arn}`);

    expect(before).toContain("No linked AWS identity.");
    expect(await say("U0ENGINEER", "link")).toContain(`Your AWS identities:\n• \`${arn}\``);
    expect(await say("U0ENGINEER", `link ${arn}`)).toContain("already");
    expect(await eventTypes()).toEqual(["link.made"]);
  });
});

test("a person links what only their first request named, so that approvers are not warned of it any more", async () => {
  app = await aSlackApp();
  await say("U0ENGINEER", `request staging ${arn} viewer look at the pods`);

  const answers = [await say("U0ENGINEER", `link ${arn}`), await say("U0ENGINEER", `link ${arn}`)];

  expect(answers).toEqual([expect.stringContaining("linked to"), expect.stringContaining("already linked to")]);
  expect((await app.ledger.linksOf("U0ENGINEER"))[0]?.seal?.by).toBe("U0ENGINEER");
});

test("a person links one identity in each account, and asks for each cluster with the one of its account", async () => {
  app = await aSlackApp({
    config: configText.replace("    approvers:", '    foreignAccounts: ["999900001111"]\n    approvers:'),
  });
  const elsewhere = "arn:aws:iam::999900001111:role/engineer";
  await say("U0ENGINEER", `link ${elsewhere}`);
  await say("U0ENGINEER", `link ${arn}`);

  const answer = await say("U0ENGINEER", "request staging viewer look at the pods");

  expect(await say("U0ENGINEER", "link")).toContain(`• \`${arn}\`\n• \`${elsewhere}\``);
  expect(answer).toContain(`Principal: \`${arn}\``);
});

test("a link that is made reads as made, also if Redis fails right after it", async () => {
  const gone = () => Promise.reject(new AccessError("ledger-unreachable", "Redis did not answer"));
  app = await aSlackApp({ ledger: (ledger) => ({ ...ledger, swapLinkQuestions: gone }) });

  expect(await say("U0ENGINEER", `link ${arn}`)).toContain("You are linked to");
});

describe("link, where an administrator has to confirm it,", () => {
  beforeEach(async () => {
    app = await aSlackApp({ config: confirming });
  });

  test("changes nothing before, asks every administrator, and is made by the one who confirms", async () => {
    const answer = await say("U0ENGINEER", `link ${arn}`);
    const before = await app.ledger.linksOf("U0ENGINEER");
    const question = await told("U0ONCALL");
    await told("U0APPROVER2");

    await app.person("U0ONCALL").click(question, "Confirm");

    expect(answer).toContain("Asked: <@U0ONCALL>, <@U0APPROVER2>.");
    expect(before).toEqual([]);
    expect(textOf(await told("U0ENGINEER"))).toContain(`<@U0ONCALL> confirmed your link to \`${arn}\`.`);
    expect(arnsOf(await app.ledger.linksOf("U0ENGINEER"))).toEqual([arn]);
    expect(await eventTypes()).toEqual(["link.proposed", "link.confirmed"]);
  });

  test("leaves everything as it was where the administrator refuses, and shows so", async () => {
    await say("U0ENGINEER", `link ${arn}`);

    await app.person("U0ONCALL").click(await told("U0ONCALL"), "Refuse");

    expect(textOf(await told("U0ENGINEER"))).toContain("<@U0ONCALL> refused");
    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
    expect(await eventTypes()).toEqual(["link.proposed", "link.refused"]);
  });

  test("is decided once: where Slack takes no update, the other administrator's click says so, and takes the buttons off", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    const [first, second] = [await told("U0ONCALL"), await told("U0APPROVER2")];
    refuseUpdates();
    await app.person("U0ONCALL").click(first, "Confirm");
    await told("U0ENGINEER");

    const answer = await app.answered("U0APPROVER2", () => app.person("U0APPROVER2").click(second, "Refuse"));

    expect(textOf(answer)).toContain("Decided or replaced");
    await expect
      .poll(() => questions("U0APPROVER2").join())
      .toMatch(/asks to link to .*\n.*\n:warning: Decided or replaced/);
    expect(questions("U0APPROVER2").join()).not.toContain("[");
    expect(arnsOf(await app.ledger.linksOf("U0ENGINEER"))).toEqual([arn]);
  });

  test.each([
    ["takes no answer to the click", "slack.response_url"],
    ["delivers no message to the person", "slack.chat.postMessage"],
  ])("is decided where Slack %s: no one reads of a failure, and no question keeps its buttons", async (_, call) => {
    await say("U0ENGINEER", `link ${arn}`);
    const [first] = [await told("U0ONCALL"), await told("U0APPROVER2")];
    app.slack.faults.plan(call, { type: "answer", status: 503 }, { times: Number.POSITIVE_INFINITY });

    await app.person("U0ONCALL").click(first, "Confirm");

    for (const user of ["U0ONCALL", "U0APPROVER2"])
      await expect.poll(() => questions(user).join()).toContain("confirmed by <@U0ONCALL>");
    expect(app.person("U0ONCALL").ephemerals()).toEqual([]);
  });

  test("waits again with buttons after a failover that lost the decision, and not after one that lost nothing", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    const [first] = [await told("U0ONCALL"), await told("U0APPROVER2")];
    const [proposal, asked] = [await app.ledger.linkProposalOf("U0ENGINEER"), await app.ledger.linkQuestions()];
    await app.person("U0ONCALL").click(first, "Confirm");
    await expect.poll(() => questions("U0APPROVER2").join()).toContain("confirmed by");
    const settled = questions("U0ONCALL");
    await app.showQuestions("U0ENGINEER");
    expect(questions("U0ONCALL")).toEqual(settled);

    Object.assign(app.ledger, memoryLedger());
    const event = linkEvent("link.proposed", "U0ENGINEER", new Date(), { user: "U0ENGINEER", arn, before: null });
    await app.ledger.changeLink({ user: "U0ENGINEER", expected: null, link: null, proposal, event });
    await app.ledger.swapLinkQuestions("U0ENGINEER", null, asked.get("U0ENGINEER") ?? null);
    await app.showQuestions("U0ENGINEER");

    for (const user of ["U0ONCALL", "U0APPROVER2"])
      expect(questions(user)).toEqual([expect.stringMatching(/asks to link to[\s\S]*\[Confirm\] \[Refuse\]/)]);
    await app.person("U0ONCALL").click(await told("U0ONCALL"), "Confirm");
    await expect.poll(async () => arnsOf(await app.ledger.linksOf("U0ENGINEER"))).toEqual([arn]);
  });

  describe("where Slack takes no update for a while,", () => {
    const handled = "<@U0ENGINEER> asked for a link. Decided or replaced.";

    async function decidedMeanwhile(error?: string): Promise<void> {
      await say("U0ENGINEER", `link ${arn}`);
      const [first] = [await told("U0ONCALL"), await told("U0APPROVER2")];
      const refusing = error
        ? app.slack.faults.plan(
            "slack.chat.update",
            { type: "answer", status: 200, body: JSON.stringify({ ok: false, error }) },
            { times: Number.POSITIVE_INFINITY },
          )
        : refuseUpdates();
      await app.person("U0ONCALL").click(first, "Confirm");
      await told("U0ENGINEER");
      await expect.poll(async () => (await app.ledger.outdated()).size).toBe(error ? 0 : 1);
      refusing.cancel();
    }

    test("the other administrators' questions lose their buttons afterwards, without a click", async () => {
      await decidedMeanwhile();
      const before = questions("U0APPROVER2").join();
      const records = [...(await app.ledger.outdated()).keys()];
      const woken = app.woken();

      await app.showOutdated();

      expect(before).toContain("[Confirm] [Refuse]");
      expect(woken).toEqual(records.map((record) => ({ type: "show", record })));
      expect(questions("U0APPROVER2")).toEqual([handled]);
      expect(await app.ledger.outdated()).toEqual(new Map());
    });

    test("a question that is gone is not tried again", async () => {
      await decidedMeanwhile("message_not_found");

      expect(app.woken().filter(({ type }) => type === "show")).toEqual([]);
    });

    test("no other message is overwritten, whatever Redis says where the question is", async () => {
      await decidedMeanwhile();
      const [id = ""] = (await app.ledger.outdated()).keys();
      const outcome = await told("U0ENGINEER");
      await app.ledger.rememberOutdated(id.replace(/ \d+\.\d+ /, ` ${outcome.ts} `), outcome.channel);
      await app.ledger.rememberOutdated(id, outcome.channel);

      await app.showOutdated();

      expect([...questions("U0ENGINEER"), ...questions("U0APPROVER2")].join()).not.toContain(handled);
      expect(await app.ledger.outdated()).toEqual(new Map());
    });
  });

  test("asks about the newer ARN alone where two commands come at the same time and Slack is slow for the first", async () => {
    app.slack.faults.plan("slack.chat.postMessage", { type: "delay", ms: 700 }, { times: 2 });
    const first = say("U0ENGINEER", `link ${arn}`);
    await expect.poll(async () => (await app.ledger.linkProposalOf("U0ENGINEER"))?.arn).toBe(arn);
    await expect.poll(() => app.slack.faults.calls("slack.chat.postMessage")).toBe(2);

    await say("U0ENGINEER", `link ${others}`);
    await first;

    const open = () => questions("U0ONCALL").filter((text) => text.includes("[Confirm]"));
    await expect.poll(open).toEqual([expect.stringContaining(others)]);
    expect(questions("U0ONCALL").join()).toContain("asked for a link. Decided or replaced.");
  });

  test("leaves no administrator a button once another one has decided", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    const [first] = [await told("U0ONCALL"), await told("U0APPROVER2")];

    await app.person("U0ONCALL").click(first, "Confirm");

    const decided = `<@U0ENGINEER> is linked to \`${arn}\`: confirmed by <@U0ONCALL>`;
    for (const user of ["U0ONCALL", "U0APPROVER2"]) await expect.poll(() => questions(user)).toEqual([decided]);
  });

  test("replaces the older question when the person wants another ARN", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    await told("U0APPROVER2");

    await say("U0ENGINEER", `link ${others}`);

    for (const user of ["U0ONCALL", "U0APPROVER2"]) {
      await expect
        .poll(() => questions(user))
        .toEqual([
          `<@U0ENGINEER> asks to link to \`${others}\` instead. Answer the newer message.`,
          expect.stringMatching(/role\/others`\*\n.*\n\[Confirm\] \[Refuse\]$/),
        ]);
    }
  });

  test("keeps one question alone with buttons when the person asks again", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    await told("U0APPROVER2");
    app.pass(601);

    await say("U0ENGINEER", `link ${arn}`);

    await expect
      .poll(() => questions("U0ONCALL"))
      .toEqual([
        `<@U0ENGINEER> asks again to link to \`${arn}\`. Answer the newer message.`,
        expect.stringContaining("[Confirm] [Refuse]"),
      ]);
  });

  test("overwrites no other message, whatever Redis says where the questions are", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    const { channel, ts } = await told("U0APPROVER2");
    const real = await app.ledger.swapLinkQuestions("U0ENGINEER", null, null);
    const { seal } = real && real !== "outdated" ? real : expect.unreachable("no questions");
    await app.ledger.swapLinkQuestions("U0ENGINEER", null, { places: [{ channel, ts }], seal });

    await say("U0ENGINEER", `link ${others}`);
    await told("U0APPROVER2", 2);

    expect(questions("U0APPROVER2")[0]).toContain("[Confirm]");
  });

  test("accepts no old button for another ARN than the one above it", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    const old = await told("U0ONCALL");
    refuseUpdates();
    await say("U0ENGINEER", `link ${others}`);
    await told("U0ONCALL", 2);

    const answer = await app.answered("U0ONCALL", () => app.person("U0ONCALL").click(old, "Confirm"));

    expect(textOf(answer)).toContain("Decided or replaced.");
    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
  });

  test("can't be confirmed for the only administrator: it says whom to ask, and leaves no proposal", async () => {
    await app.stop();
    app = await aSlackApp({ config: confirming.replace(", U0APPROVER2]\nlinking", "]\nlinking") });

    expect(await say("U0ONCALL", `link ${arn}`)).toBe(
      "No link made. Another administrator must confirm it. Ask an operator for one.",
    );
    expect(await app.ledger.linkProposalOf("U0ONCALL")).toBeNull();
  });

  test("is asked of the other administrators alone where an administrator wants it", async () => {
    await say("U0ONCALL", `link ${arn}`);

    await told("U0APPROVER2");

    expect(app.person("U0ONCALL").directMessages()).toEqual([]);
  });

  test.each([
    ["somebody who is no administrator", "U0APPROVER", " can do this."],
    ["themselves", "U0ENGINEER", " can do this."],
  ])("is confirmed by no one else, no matter who got hold of the button: %s", async (_, by, words) => {
    await say("U0ENGINEER", `link ${arn}`);

    expect(await decide("U0ENGINEER", by)).toContain(words);
    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
  });

  test.each([
    ["", "U0ONCALL"],
    [", also with a newer id of their organization", "W0ONCALL"],
  ])("is confirmed by no administrator for themselves%s", async (_, by) => {
    await say("U0ONCALL", `link ${arn}`);

    expect(await decide("U0ONCALL", by, [by, "U0ONCALL"])).toContain("You can't decide about your own link.");
    expect(await app.ledger.linksOf("U0ONCALL")).toEqual([]);
  });

  test("a question to a former administrator loses its buttons at their click", async () => {
    await say("U0ENGINEER", `link ${arn}`);
    const question = await told("U0ONCALL");
    const before = questions("U0ONCALL").join();
    await app.follow(confirming.replace("U0ONCALL, ", ""));

    await app.person("U0ONCALL").click(question, "Confirm");

    await expect.poll(() => questions("U0ONCALL").join()).not.toMatch(/\[(Confirm|Refuse)\]/);
    expect(before).toContain("[Confirm] [Refuse]");
    expect(questions("U0APPROVER2").join()).toContain("[Confirm] [Refuse]");
    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
  });

  test("asks no one twice for the same", async () => {
    await say("U0ENGINEER", `link ${arn}`);

    expect(await say("U0ENGINEER", `link ${arn}`)).toContain("has waited since");
    expect(await eventTypes()).toEqual(["link.proposed"]);
  });

  test("is not made by asking for access", async () => {
    await say("U0ENGINEER", `request staging ${arn} viewer the deployment hangs`);

    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
  });
});
