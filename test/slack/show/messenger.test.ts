import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { slackDirectory } from "../../../src/slack/app/directory.ts";
import { backgroundClient } from "../../../src/slack/app/web-client.ts";
import { showRequest as showMessage } from "../../../src/slack/show/messenger.ts";
import type { MessengerContext } from "../../../src/slack/show/show-in-channel.ts";
import { showThread } from "../../../src/slack/show/thread.ts";
import { configOf, configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest, revise } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { aChange } from "../../builders/an-event.ts";
import { at, hours } from "../../builders/times.ts";
import { silentContext } from "../../fault/silent-context.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";
import { callsTo } from "../slack-context.ts";

let slack: SandboxSlack;
let ledger: Ledger;

beforeEach(async () => {
  slack = await startSandboxSlack({ rateLimits: false });
  ledger = memoryLedger();
});

afterEach(() => slack.stop());

/** A messenger that wakes no one: it only reads the ledger and calls Slack. */
function aContext(configuration = configText): MessengerContext {
  const config = configOf(configuration);
  const calls = callsTo(slack);
  const directory = slackDirectory(calls.client, () => new Date());
  return { ...silentContext(ledger), config, ...calls, directory };
}

/** As the jobs of the queue do it, one after the other. */
async function showRequest(context: MessengerContext, id: string): Promise<void> {
  await showMessage(context, id);
  await showThread(context, id);
}

async function recorded<Of extends AccessRequest>(request: Of): Promise<Of> {
  await ledger.commit(aChange(request));
  return request;
}

const inChannel = () => slack.messages("C0ACCESS").map(textOf);
const inThread = () => slack.messages("C0ACCESS").flatMap((message) => slack.replies(message).map(textOf));
const toPerson = (user: string) => slack.person(user).directMessages().map(textOf);
const archive = () =>
  slack.addChannel({
    id: "C0ACCESS",
    name: "cluster-access",
    members: ["U0ENGINEER", slack.botUserId],
    archived: true,
  });
const toEngineer = () => slack.person("U0ENGINEER").directMessages().map(textOf);

test("who wrote a channel into Redis in the place of a person makes the bot say nothing there", async () => {
  slack.addChannel({ id: "C0OPERATORS", name: "operators", members: ["U0ENGINEER", slack.botUserId] });
  const forged = { requester: "C0OPERATORS", askedBy: "#operators", reason: "Restart with the key that I sent you" };
  const request = await recorded(aPreviewedRequest(forged));

  await showRequest(aContext(), request.id);
  await recorded(revise(request, { state: "expired" }));
  await showRequest(aContext(), request.id);

  expect(slack.messages("C0OPERATORS")).toEqual([]);
  expect(await ledger.unshown(10)).toEqual([]);
});

describe("what Slack shows is made to match the ledger", () => {
  test("without a message in the channel before the worker's look at the cluster", async () => {
    const request = await recorded(aRequest());

    await showRequest(aContext(), request.id);

    expect(inChannel()).toEqual([]);
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("with one message for a request, whatever becomes of it and however often it is shown", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    await showRequest(aContext(), request.id);
    await recorded(revise(request, { state: "expired" }));

    await showRequest(aContext(), request.id);

    expect(inChannel()).toHaveLength(1);
    expect(inChannel()[0]).toContain("without a decision");
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("with each thing reported to the requester once", async () => {
    const request = await recorded(aPreviewedRequest({ state: "expired" }));

    await showRequest(aContext(), request.id);
    await recorded(revise(request, {}));
    await showRequest(aContext(), request.id);

    expect(toEngineer().filter((text) => text.includes("`) expired without a decision"))).toHaveLength(1);
  });

  test("with one direct message to the requester, which follows the request, and a reply for what they must know", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    const [asked, ...none] = toEngineer();
    await recorded(anApprovedRequest({ version: 2 }));
    await showRequest(aContext(), request.id);
    const [approved] = toEngineer();
    await recorded({ ...aLeasedRequest({}), version: 3 });

    for (const _ of [1, 2]) await showRequest(aContext(), request.id);

    expect([asked, none]).toEqual([expect.stringContaining("[Nudge] [Details] [Cancel]"), []]);
    expect(approved).toContain("Applying it now.\n[Details]");
    const [message, ...more] = slack.person("U0ENGINEER").directMessages();
    expect(message && textOf(message)).toContain("[Extend] [I'm done]");
    // One for each change: what is shown already is not sent again, when the next change can be on its way.
    expect(message?.edits).toBe(2);
    expect(more.map(({ thread_ts }) => thread_ts)).toEqual([message?.ts]);
    expect(more.map(textOf)).toEqual(["<@U0ENGINEER> `viewer` on `staging` is active until 2026-03-01 13:02:00 UTC."]);
  });

  test("with no button left in the direct message of what was cancelled, but the one to ask again", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    await recorded(revise(request, { state: "cancelled" }));

    await showRequest(aContext(), request.id);

    expect(toEngineer()).toEqual(["`viewer` on `staging` (`r-1`) was cancelled.\n[Request again] [Details]"]);
  });

  test("with a thread that shows each thing once, and what came about meanwhile in its order", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    const approved = await recorded(anApprovedRequest({ version: 2 }));
    await showRequest(aContext(), request.id);
    const ended = aLeasedRequest({ state: "ended", endedAt: at(hours(5)).toISOString() });
    await recorded({ ...ended, version: approved.version + 1 });

    await showRequest(aContext(), request.id);
    await showRequest(aContext(), request.id);

    expect(inThread()).toEqual([
      "Approved by <@U0APPROVER> 2026-03-01 09:02:00 UTC.",
      [
        "Active since 2026-03-01 09:03:00 UTC, proved: ✓ mapped, ✓ authorized, – signed in not tested. Ends 2026-03-01 13:02:00 UTC.",
        "Ended 2026-03-01 14:00:00 UTC: the entry is gone from aws-auth.",
        "Not proved: the API server may accept a known token for about two minutes. Open watches and exec sessions stay open.",
      ].join("\n"),
    ]);
    expect(inChannel()).toHaveLength(1);
  });

  test("with the approvers called by a reply when they are reminded, but not once it is decided", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    const reminded = await recorded(revise(request, { reminders: { sent: 1, nextAt: null } }));
    await showRequest(aContext(), request.id);
    await recorded(revise(reminded, { state: "cancelled", reminders: { sent: 2, nextAt: null } }));

    await showRequest(aContext(), request.id);

    expect(inThread()).toEqual([
      "<@U0APPROVER>, <@U0APPROVER2>: <@U0ENGINEER> waits for your decision about `viewer` on `staging`. Decide above. Expires 2026-03-02 09:00:00 UTC.",
      "Cancelled by the requester.",
    ]);
  });

  describe("with approvers of a user group", () => {
    const byGroup = configText.replace("[U0APPROVER, U0APPROVER2]", "[S0PLATFORM]");
    const [approval] = anApprovedRequest().approvals;
    const half = { approvals: approval ? [approval] : [], approvalsWanted: 2 };
    const shownWith = async (members: readonly string[]) => {
      slack.addUsergroup("S0PLATFORM", members);
      const request = await recorded(aPreviewedRequest({ approvalsWanted: 2 }));
      await showRequest(aContext(byGroup), request.id);
      await recorded(revise(request, { ...half, reminders: { sent: 1, nextAt: null } }));
      await showRequest(aContext(byGroup), request.id);
      return inThread().join("\n");
    };

    test("the group is called first, and after one approval its other people, without who approved and who asks", async () => {
      const thread = await shownWith(["U0APPROVER", "U0APPROVER2", "U0ENGINEER"]);

      expect(inChannel().join()).toContain("<!subteam^S0PLATFORM>");
      expect(thread).toContain("<@U0APPROVER2>: `viewer` on `staging` for <@U0ENGINEER> needs your approval too.");
      expect(thread).toContain("<@U0APPROVER2>: <@U0ENGINEER> waits for your decision about `viewer` on `staging`.");
    });

    test.each([
      ["has many people", ["U0APPROVER", ...Array.from({ length: 12 }, (_, index) => `U0OTHER${index}`)]],
      ["does not have who approved", ["U0APPROVER2", "U0ONCALL"]],
    ])("a group that %s is called again", async (_, members) => {
      expect(await shownWith(members)).toContain("<!subteam^S0PLATFORM>: `viewer` on `staging`");
    });

    test("a group that Slack does not name is called again", async () => {
      slack.faults.plan("slack.usergroups.list", { type: "answer", status: 500 }, { times: 20 });

      expect(await shownWith(["U0APPROVER", "U0APPROVER2"])).toContain("<!subteam^S0PLATFORM>: `viewer` on `staging`");
    });
  });

  test("with nothing reported twice where only the thread failed", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    await recorded(revise(request, { state: "expired" }));
    // The first post is the direct message, the second one the reply.
    slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 503 }, { nth: 2 });

    await showRequest(aContext(), request.id).catch(() => {});
    const meanwhile = [toEngineer().length, inThread().length];
    await showRequest(aContext(), request.id);

    expect(meanwhile).toEqual([2, 0]);
    expect([toEngineer().length, inThread().length]).toEqual([2, 1]);
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("with a new message where a person deleted the old one", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    const shown = await ledger.shown(request.id);
    await aClient(slack).chat.delete({ channel: "C0ACCESS", ts: shown?.message?.ts ?? "" });
    await recorded(revise(request, { state: "expired" }));

    await showRequest(aContext(), request.id);

    expect(inChannel().filter((text) => text.includes("without a decision"))).toHaveLength(1);
    expect(toEngineer().filter((text) => text.includes("no longer updates; I posted it again."))).toHaveLength(1);
  });
});

describe("a lease that another one extends", () => {
  const endsAt = at(hours(8)).toISOString();
  const own = () => inChannel().find((text) => /Extended by|because one/.test(text));
  const direct = () => toEngineer().find((text) => text.startsWith("`viewer` on `staging` (`r-1`)"));
  const extension = () => aLeasedRequest({ endsAt }, { id: "r-2", version: 1, extends: "r-1", reason: "because two" });

  beforeEach(async () => {
    await recorded(aLeasedRequest({}, { version: 1, reason: "because one" }));
    await showRequest(aContext(), "r-1");
    await recorded(extension());
    await showRequest(aContext(), "r-2");
    await showRequest(aContext(), "r-1");
  });

  test("shows the new end everywhere, and only the other one has buttons that act", async () => {
    expect(own()).toMatch(/\*Active\* until 2026-03-01 17:00:00 UTC\n.*\nExtended by `r-2`\n/);
    expect(own()).toMatch(/\n\[Details\]$/);
    expect(direct()).toContain("is active until 2026-03-01 17:00:00 UTC, extended by `r-2`");
    expect(direct()).toMatch(/\n\[Details\]$/);
    expect(inChannel().find((text) => text.includes("because two"))).toContain("[Extend] [Revoke] [Details]");
  });

  test("continues as its extension when its own time is over, without a message that access ended", async () => {
    const ended = { state: "ended", endedAt: at(hours(4)).toISOString() } as const;
    await recorded(aLeasedRequest(ended, { version: 2, reason: "because one" }));

    await showRequest(aContext(), "r-1");

    expect(own()).toMatch(/\*Active\* until 2026-03-01 17:00:00 UTC\n.*\nExtended by `r-2`\n/);
    expect(own()).not.toContain("[Request again]");
    expect(toEngineer().filter((text) => text.includes("Ended"))).toEqual([]);
  });

  describe("in a chain of three", () => {
    const ended = { state: "ended", endedAt: at(hours(4)).toISOString() } as const;
    const endsLater = at(hours(12)).toISOString();
    const second = { id: "r-2", version: 2, extends: "r-1", reason: "because two" };
    const third = { id: "r-3", extends: "r-2", reason: "because three" };
    const show = async (...ids: readonly string[]) => {
      for (const id of ids) await showRequest(aContext(), id);
    };

    beforeEach(async () => {
      await recorded(aLeasedRequest({ endsAt: endsLater }, { ...third, version: 1 }));
      await recorded(aLeasedRequest(ended, { version: 2, reason: "because one" }));
      await show("r-3", "r-2", "r-1");
      await recorded(aLeasedRequest({ state: "ended", endedAt: endsAt }, second));
      await show("r-2", "r-1");
    });

    const olderCards = () => inChannel().filter((text) => text.includes("Extended by `r-3`"));
    const olderDirect = () => toEngineer().filter((text) => /^`viewer` on `staging` \(`r-[12]`/.test(text));

    test("shows the newest end and its id everywhere, also after the first two ended", () => {
      const newest = "until 2026-03-01 21:00:00 UTC, extended by `r-3`";
      const until = expect.stringContaining("*Active* until 2026-03-01 21:00:00 UTC\n");
      expect(olderCards()).toEqual([until, until]);
      expect(olderDirect()).toEqual([expect.stringContaining(newest), expect.stringContaining(newest)]);
      expect(toEngineer().join()).not.toContain("Ended");
    });

    test("shows when the last one ended, and only that one asks again", async () => {
      await recorded(aLeasedRequest({ state: "ended", endedAt: endsLater }, { ...third, version: 2 }));

      await show("r-3", "r-2", "r-1");

      const newest = "*Ended* 2026-03-01 21:00:00 UTC";
      expect(olderCards()).toEqual([expect.stringContaining(newest), expect.stringContaining(newest)]);
      for (const text of [...olderCards(), ...olderDirect()]) expect(text).toMatch(/\n\[Details\]$/);
      expect(olderDirect().join()).toContain("ended 2026-03-01 21:00:00 UTC, extended by `r-3`");
    });
  });

  test("has its own end and buttons again where the other one ended alone", async () => {
    await recorded({
      ...extension(),
      ...aLeasedRequest({ state: "ended", endedAt: endsAt }, { id: "r-2", version: 2, extends: "r-1" }),
    });

    await showRequest(aContext(), "r-1");

    expect(own()).toContain("[Extend] [Revoke] [Details]");
    expect(direct()).toContain("[Extend] [I'm done]");
  });
});

describe("people who have left Slack", () => {
  test("among the approvers are named in the message, beside who is left", async () => {
    slack.deactivate("U0APPROVER");
    const request = await recorded(aPreviewedRequest());

    await showRequest(aContext(), request.id);

    expect(inChannel()[0]).toMatch(/Waiting for <@U0APPROVER2>\n.*Can't approve: <@U0APPROVER>/s);
    expect(toEngineer()).toEqual([expect.stringContaining("to decide about")]);
  });

  test("and left too few to decide: the requester learns which person to ask, once", async () => {
    for (const user of ["U0APPROVER", "U0APPROVER2"]) slack.deactivate(user);
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    await recorded(revise(request, { reminders: { sent: 1, nextAt: null } }));

    await showRequest(aContext(), request.id);

    expect(toEngineer().filter((text) => text.includes("Too few approvers"))).toEqual([
      "Too few approvers for `viewer` on `staging` (`r-1`): none. An operator can add approvers for `staging`. Expires 2026-03-02 09:00:00 UTC.",
    ]);
    expect(inChannel()[0]).toContain("No approver is left in Slack. Ask an operator to add approvers");
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("and a user group in which nobody else is left: the message says so", async () => {
    const config = `${configText}policy: { rules: [{ name: all, approvals: 2, approvers: [S0PAIR] }] }\n`;
    slack.addUsergroup("S0PAIR", ["U0APPROVER2"]);
    const { approvals } = anApprovedRequest({});
    const given = approvals.map((approval) => ({ ...approval, by: "U0APPROVER2" }));
    const request = await recorded(aPreviewedRequest({ approvals: given, approvalsWanted: 2 }));

    await showRequest(aContext(config), request.id);

    expect(inChannel()[0]).toContain("No approver is left in Slack. Ask an operator to add approvers");
  });

  test("are not asked in direct messages, which Slack would take and no one read", async () => {
    slack.deactivate("U0APPROVER");
    const request = await recorded(aPreviewedRequest());

    await showRequest(aContext(configText.replace("C0ACCESS", "C0NOWHERE")), request.id);

    expect([toPerson("U0APPROVER").length, toPerson("U0APPROVER2").length]).toEqual([0, 1]);
  });

  test("can't be looked up while Slack does not answer, and no one waits for that", async () => {
    slack.faults.plan("slack.users.info", { type: "answer", status: 503 }, { times: 2 });
    const request = await recorded(aPreviewedRequest());

    await showRequest(aContext(), request.id);

    expect(inChannel()[0]).toContain("[Approve]");
  });
});

describe("where Slack fails", () => {
  test("for a while, nothing is taken for shown, and the next run shows it", async () => {
    const request = await recorded(aPreviewedRequest());
    slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 503 });

    const failure = await showRequest(aContext(), request.id).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: "slack-unreachable", retryable: true });
    expect(await ledger.unshown(10)).toEqual([request.id]);
    await showRequest(aContext(), request.id);
    expect(inChannel()).toHaveLength(1);
  });

  test("to take a reply now and asks to wait, nothing waits, and the reply comes later, once", async () => {
    const request = await recorded(aPreviewedRequest({ state: "expired" }));
    await showMessage(aContext(), request.id);
    const { botToken, signingSecret, apiUrl } = slack;
    const client = backgroundClient({ botToken, signingSecret, apiUrl, appToken: undefined, port: 0 });
    slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 429, headers: { "retry-after": "30" } });

    await expect(showThread({ ...aContext(), client }, request.id)).rejects.toMatchObject({ retryable: true });
    for (const _ of [1, 2]) await showThread({ ...aContext(), client }, request.id);

    expect(inThread()).toHaveLength(1);
  });

  test("or Redis takes no writes meanwhile, a reply and a notification come once", async () => {
    const context = aContext();
    const { id } = await recorded(aPreviewedRequest({ askedBy: "U0ONCALL" }));
    await showMessage(context, id);
    const request = await recorded(aPreviewedRequest({ askedBy: "U0ONCALL", state: "expired", version: 2 }));
    const refused = async () => Promise.reject(new AccessError("ledger-unreachable", "Redis takes no writes"));
    const full = { ...context, ledger: { ...ledger, addThreadEntries: refused, markShown: refused } };

    for (const show of [showMessage, showMessage, showThread, showThread])
      await expect(show(full, id)).rejects.toMatchObject({ retryable: true });
    for (const _ of [1, 2]) await showRequest(context, id);

    expect(["U0ENGINEER", "U0ONCALL"].map((user) => toPerson(user).length)).toEqual([2, 2]);
    expect(inThread()).toHaveLength(1);
    expect(await ledger.threadEntryNames(request.id)).toEqual(["expired"]);
  });

  test("or Redis takes no writes meanwhile, the copy for one more approver comes once, and so do reminders beside copies", async () => {
    archive();
    const request = await recorded(aPreviewedRequest());
    const one = aContext(configText.replace("[U0APPROVER, U0APPROVER2]", "[U0APPROVER]"));
    await showMessage(one, request.id);
    await recorded(revise(request, { reminders: { sent: 1, nextAt: null } }));
    const both = { ...one, config: configOf(configText) };
    const refused = async () => Promise.reject(new AccessError("ledger-unreachable", "Redis takes no writes"));
    const full = { ...both, ledger: { ...ledger, addThreadEntries: refused, markShown: refused } };

    for (const show of [showMessage, showThread]) {
      for (const _ of [1, 2]) await expect(show(full, request.id)).rejects.toMatchObject({ retryable: true });
      await show(both, request.id);
    }

    expect(["U0APPROVER", "U0APPROVER2"].map((user) => toPerson(user).length)).toEqual([2, 2]);
    expect((await ledger.shown(request.id))?.copies.map(({ user }) => user)).toEqual(["U0APPROVER", "U0APPROVER2"]);
  });

  test("to take updates now, the thread and the App Homes are woken all the same", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    await ledger.rememberHome("U0ENGINEER", "1.abc");
    await recorded(revise(request, { state: "expired" }));
    const context = aContext();
    const woken: string[] = [];
    const add = async (name: string) => void woken.push(name);
    const addBulk = async (jobs: readonly { name: string }[]) => void woken.push(...jobs.map(({ name }) => name));
    const queues = { ...context.queues, messages: { ...context.queues.messages, add, addBulk } };
    const headers = { "retry-after": "30" };
    slack.faults.plan("slack.chat.update", { type: "answer", status: 429, headers }, { times: 2 });

    const showing = showMessage({ ...context, queues } as unknown as MessengerContext, request.id);

    await expect(showing).rejects.toMatchObject({ retryable: true });
    expect(woken).toEqual(["show-home", "show-thread"]);
  });

  test("while Slack fails for any other reason, the sweep finds the request again, also when its job has no try left", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    await recorded(revise(request, { state: "expired" }));
    const failing = slack.faults.plan("slack.chat.update", { type: "answer", status: 503 }, { times: 1_000 });

    await expect(showMessage(aContext(), request.id)).rejects.toMatchObject({ retryable: true });

    expect(await ledger.unshown(10)).toEqual([request.id]);
    failing.cancel();
    for (const record of await ledger.unshown(10)) await showRequest(aContext(), record);
    expect(inChannel().join()).not.toMatch(/\[(Approve|Deny)\]/);
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("after the channel is archived, the requester reads the progress, and nothing waits for the channel", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    archive();
    await recorded(revise(request, { state: "expired" }));

    for (const _ of [1, 2]) await showRequest(aContext(), request.id);

    expect(toEngineer().filter((text) => text.includes("`) expired without a decision"))).toHaveLength(1);
    expect(toEngineer().filter((text) => text.includes("no longer updates"))).toEqual([
      expect.stringContaining("Unarchive it, invite the bot, or set another channel."),
    ]);
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("because it was archived while a decision is waited for, the approvers are asked in direct messages, once each", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(), request.id);
    archive();
    const reminded = await recorded(revise(request, { reminders: { sent: 1, nextAt: null } }));
    for (const _ of [1, 2]) await showRequest(aContext(), request.id);
    const asked = ["U0APPROVER", "U0APPROVER2"].map(toPerson);
    const called = slack.replies(slack.person("U0APPROVER").directMessages()[0] ?? expect.fail("nobody was asked"));
    await recorded(revise(reminded, { state: "cancelled" }));

    await showRequest(aContext(), request.id);

    const [message, reminder, ...more] = toPerson("U0APPROVER");

    expect(asked.map((texts) => texts.length)).toEqual([2, 2]);
    expect(asked.every(([first]) => first?.includes("[Approve] [Deny] [Details]"))).toBe(true);
    expect(called.map(textOf)).toEqual([expect.stringContaining("waits for your decision")]);
    expect([message, reminder, ...more]).toEqual([
      expect.stringContaining("Cancelled by the requester"),
      expect.stringContaining("waits for your decision"),
    ]);
    expect(toEngineer().at(-1)).toContain("I sent direct messages to <@U0APPROVER>, <@U0APPROVER2>.");
    expect(inThread()).toEqual([]);
  });

  test("an approver who has left Slack is named neither on the card nor to the requester", async () => {
    slack.deactivate("U0APPROVER");
    const request = await recorded(aPreviewedRequest());

    for (const _ of [1, 2]) await showRequest(aContext(), request.id);

    expect(inChannel().join()).toContain("Waiting for <@U0APPROVER2>");
    expect(toEngineer()).toEqual([expect.stringMatching(/^Waiting for <@U0APPROVER2> to decide/)]);
  });

  test("because the bot is not in the channel, the requester learns what to repair, once, and the approvers are asked all the same", async () => {
    const request = await recorded(aPreviewedRequest());
    const context = aContext(configText.replace("C0ACCESS", "C0NOWHERE"));

    for (const _ of [1, 2]) await showRequest(context, request.id);

    expect(toEngineer()).toEqual([
      "Couldn't reach the approvers of `staging` in their channel about `viewer` on `staging` (`r-1`). Can't reach the channel C0NOWHERE of staging: Slack answers channel_not_found. Unarchive it, invite the bot, or set another channel. I sent direct messages to <@U0APPROVER>, <@U0APPROVER2>.",
      expect.stringMatching(/^Waiting for <@U0APPROVER> or <@U0APPROVER2> to decide/),
    ]);
    expect(toPerson("U0APPROVER")[0]).toContain("[Approve]");
    expect(await ledger.unshown(10)).toEqual([]);
  });

  test("a broken glass is reported to the approvers one by one, to be reviewed", async () => {
    const request = await recorded(anEmergency());

    await showRequest(aContext(configText.replace("C0ACCESS", "C0NOWHERE")), request.id);

    expect(toPerson("U0APPROVER")[0]).toContain("[Mark reviewed]");
    expect(toPerson("U0APPROVER2")[0]).toContain("took emergency `admin` on `staging`");
  });

  test("a broken glass is remembered in those messages until its review", async () => {
    const request = await recorded(anEmergency());
    const context = aContext(configText.replace("C0ACCESS", "C0NOWHERE"));
    await showRequest(context, request.id);
    await recorded(revise(request, { emergency: { ...request.emergency, reminders: 1 } }));

    for (const _ of [1, 2]) await showRequest(context, request.id);

    for (const user of ["U0APPROVER", "U0APPROVER2"]) {
      expect(toPerson(user)).toEqual([
        expect.stringContaining("[Mark reviewed]"),
        expect.stringContaining("needs your review"),
      ]);
    }
  });

  test("a broken glass is reported to the people of a user group too, not to the person who took it, nor to guests", async () => {
    slack.addUsergroup("S0APPROVERS", ["U0APPROVER", "U0ENGINEER", "U0APPROVER2"]);
    const request = await recorded(anEmergency());
    const configuration = configText.replace("[U0APPROVER, U0APPROVER2]", "[S0APPROVERS]");
    const context = aContext(configuration.replace("C0ACCESS", "C0NOWHERE"));
    const accountOf = async (user: string) => (user === "U0APPROVER2" ? "guest" : context.directory.accountOf(user));

    await showRequest({ ...context, directory: { ...context.directory, accountOf } }, request.id);

    expect(toPerson("U0APPROVER")[0]).toContain("[Mark reviewed]");
    expect(toEngineer().join()).not.toContain("[Mark reviewed]");
    expect(toPerson("U0APPROVER2")).toEqual([]);
  });

  test("and the channel is back, it is asked there as well", async () => {
    const request = await recorded(aPreviewedRequest());
    await showRequest(aContext(configText.replace("C0ACCESS", "C0NOWHERE")), request.id);
    await recorded(revise(request, { reminders: { sent: 1, nextAt: null } }));

    await showRequest(aContext(), request.id);

    expect(inChannel()).toEqual([expect.stringContaining("[Approve]")]);
    expect(toPerson("U0APPROVER")).toHaveLength(1);
  });

  test("because the bot has lost its rights, no one takes it for shown", async () => {
    const request = await recorded(aPreviewedRequest());
    const body = JSON.stringify({ ok: false, error: "invalid_auth" });
    slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 200, body });

    await expect(showRequest(aContext(), request.id)).rejects.toMatchObject({ code: "slack-refused" });
    expect(await ledger.unshown(10)).toEqual([request.id]);
  });

  test("a request of a cluster that is not configured any more still shows the requester how it ended", async () => {
    const request = await recorded(aPreviewedRequest({ cluster: "retired", state: "expired" }, null));

    await showRequest(aContext(), request.id);

    expect(inChannel()).toEqual([]);
    expect(toEngineer()).toHaveLength(1);
  });
});
