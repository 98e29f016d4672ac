import { describe, expect, test } from "vitest";
import { conversation, direct, home, readViewer, threadsOf, type Viewer } from "../../../sandbox/page/conversation.ts";
import { conversationIn } from "../../../sandbox/page/live/live-page.ts";
import { composer, homeTab, modal, peopleSwitch, placesNav } from "../../../sandbox/page/page.ts";
import type { SandboxMessage, SandboxView } from "../../../sandbox/slack/inputs.ts";
import { startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient } from "../slack/a-client.ts";
import { input, plain, section, typed } from "../slack/some-blocks.ts";
import { approver, aReader, engineer } from "./a-reader.ts";

const people = [engineer, approver];
const { channels } = aReader();

function aMessage(ts: string, change: Partial<SandboxMessage> = {}): SandboxMessage {
  return { channel: "C0ACCESS", ts, user: "U0BOT", text: `said at ${ts}`, blocks: [], edits: 0, ...change };
}

function aView(change: Partial<SandboxView> = {}): SandboxView {
  const json = { type: "modal", submit: plain("Ask"), close: plain("Not now") };
  const texts = { title: "Ask for access", callback_id: "", private_metadata: "", external_id: "", hash: "" };
  return { id: "V1", type: "modal", ...texts, blocks: [], json, inputs: {}, errors: {}, updates: 0, ...change };
}

describe("who looks at what", () => {
  test.each([
    ["?as=U0APPROVER&in=direct&at=checkout", "U0APPROVER", direct, "checkout"],
    ["?as=U0ENGINEER&in=home", "U0ENGINEER", home, "staging"],
    ["", "U0ENGINEER", "C0ACCESS", "staging"],
    ["?as=U0NOBODY&in=C0ELSEWHERE&at=nowhere", "U0ENGINEER", "C0ACCESS", "staging"],
  ])("%s is %s in %s, at %s", (query, user, place, at) => {
    const known = { people, channels: ["C0ACCESS"], clusters: ["staging", "checkout"] };
    const viewer = readViewer(new URLSearchParams(query), known);

    expect([viewer.as.id, viewer.place, viewer.at]).toEqual([user, place, at]);
  });

  const viewer: Viewer = { as: engineer, place: "C0ACCESS", at: "staging" };

  test("the switch says who I am, and who has something new", () => {
    const { markup } = peopleSwitch(viewer, people, (user) => (user === approver.id ? 2 : 0));

    expect(markup).toMatch(/aria-current="true">[\s\S]*engineer<\/a>/);
    expect(markup).toContain(
      'approver <span class="badge"><span aria-hidden="true">2</span><span class="quiet">, 2 new</span>',
    );
  });

  test("the places say where I am, and where something is new", () => {
    const joined = channels.map((channel) => ({ ...channel, members: [engineer.id] }));

    const { markup } = placesNav(viewer, joined, () => 1);

    expect(markup).toContain('aria-current="page"># cluster-access</a>');
    expect(markup.match(/, 1 new/g)).toHaveLength(2);
  });
});

describe("a conversation", () => {
  test("has a reply in a direct message once", async () => {
    const slack = await startSandboxSlack();
    const client = aClient(slack);
    const { channel = "", ts = "" } = await client.chat.postMessage({ channel: "U0ENGINEER", text: "first" });
    await client.chat.postMessage({ channel, thread_ts: ts, text: "reply" });

    const shown = conversationIn(slack, "U0ENGINEER", direct).map(({ text }) => text);
    await slack.stop();

    expect(shown).toEqual(["first", "reply"]);
  });

  test("keeps a thread with its first message, in order", () => {
    const first = aMessage("1.1");
    const replies = [aMessage("3.1", { thread_ts: "1.1" }), aMessage("4.1", { thread_ts: "1.1" })];

    const threads = threadsOf([first, aMessage("2.1"), ...replies]);

    expect(threads.map(({ first: { ts }, replies: said }) => [ts, said.length])).toEqual([
      ["1.1", 2],
      ["2.1", 0],
    ]);
    expect(conversation([first, ...replies], aReader(), "#x").markup).toContain(
      "<summary>2 replies, the last at 01:00</summary>",
    );
  });

  test("shows a reply alone if its first message is not here", () => {
    expect(threadsOf([aMessage("2.1", { thread_ts: "1.1" })])).toHaveLength(1);
  });

  test("says which messages only I see, and how often a message was changed", () => {
    const { markup } = conversation([aMessage("1.1", { ephemeralTo: engineer.id, edits: 3 })], aReader(), "#x");

    expect(markup).toContain("Only visible to you");
    expect(markup).toContain('data-edits="3"');
  });
});

describe("a modal", () => {
  const why = { ...input(typed()), block_id: "why" };

  test("is a dialog with a title, and its inputs belong to the submitted form", () => {
    const { markup } = modal(aView({ blocks: [why] }), aReader());

    expect(markup).toContain('aria-labelledby="view-V1-title"');
    expect(markup).toContain('<h2 id="view-V1-title">Ask for access</h2>');
    expect(markup).toContain('form="view-V1-form"');
    expect(markup).toContain('action="/act/submit" id="view-V1-form"');
    expect(markup).toContain('<button class="button primary">Ask</button>');
    expect(markup).toContain('<button class="button plain">Not now</button>');
  });

  test("without inputs has no button to submit, unless the app names one", () => {
    const { markup } = modal(aView({ json: { type: "modal" }, blocks: [section()] }), aReader());

    expect(markup).not.toContain("button primary");
  });

  test("shows the mistake next to the input", () => {
    const { markup } = modal(aView({ blocks: [why], errors: { why: "Please say why." } }), aReader());

    expect(markup).toContain('aria-invalid="true"');
    expect(markup).toContain("Please say why.");
  });
});

test("the Home tab shows what the app has published, or says that it has nothing", () => {
  expect(homeTab(aView({ type: "home", blocks: [section()] }), aReader()).markup).toContain('class="block section"');
  expect(homeTab(undefined, aReader()).markup).toContain("The app shows nothing here.");
});

test("the field completes whole lines for a role, so that no one types an ARN", () => {
  const { markup } = composer({ as: engineer, place: "C0ACCESS", at: "staging" }, "#cluster-access", []);

  expect(markup).toContain("/eks-access why staging arn:aws:iam::111122223333:role/developers");
});
