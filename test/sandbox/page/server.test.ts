import { request } from "node:http";
import type { BlockAction } from "@slack/bolt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LivePage } from "../../../sandbox/page/live/live-page.ts";
import { assetNames, refusalOf, startPageServer } from "../../../sandbox/page/server.ts";
import { channel } from "../../../sandbox/scene.ts";
import { anApp, type RunningApp } from "../slack/an-app.ts";
import { actions, button, input, plain, typed } from "../slack/some-blocks.ts";
import { aLivePage } from "./a-live-page.ts";
import { readRegions } from "./read-regions.ts";

let livePage: LivePage;
let server: Awaited<ReturnType<typeof startPageServer>>;
let app: RunningApp;
let clicks: { user: string; block: string | undefined }[] = [];
let submitted: unknown[] = [];

const view = {
  type: "modal" as const,
  callback_id: "why",
  title: { type: "plain_text" as const, text: "Why" },
  submit: { type: "plain_text" as const, text: "Send" },
  blocks: [{ ...input(typed()), block_id: "why", label: plain("Why") }],
};

beforeAll(async () => {
  livePage = await aLivePage();
  server = await startPageServer(livePage);
  app = await anApp(livePage.live.sandbox.slack, (bolt) => {
    bolt.command("/eks-access", async ({ ack, command, client }) => {
      await ack(command.text === "form" ? undefined : `you said ${command.text}`);
      if (command.text === "form") await client.views.open({ trigger_id: command.trigger_id, view });
    });
    bolt.action<BlockAction>("go", async ({ ack, body, action }) => {
      clicks.push({ user: body.user.id, block: action.block_id });
      await ack();
    });
    bolt.view("why", async ({ ack, view: { state } }) => {
      submitted.push(state.values.why?.a?.value);
      await (state.values.why?.a?.value === "no"
        ? ack({ response_action: "errors", errors: { why: "Say more." } })
        : ack());
    });
  });
});

afterAll(async () => {
  await app.stop();
  await server.stop();
  await livePage.stop();
});

beforeEach(() => {
  clicks = [];
  submitted = [];
});

/** What the page itself sends. */
function act(name: string, fields: Record<string, string>, origin = server.url.slice(0, -1)): Promise<Response> {
  return fetch(`${server.url}act/${name}`, { method: "POST", headers: { origin }, body: new URLSearchParams(fields) });
}

describe("the page", () => {
  test("is complete before any script runs, and can load nothing from elsewhere", async () => {
    const response = await fetch(`${server.url}?as=U0APPROVER&in=direct`);
    const markup = await response.text();

    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(markup).toContain("direct messages with eks-access");
    expect(markup).toContain("arn:aws:iam::111122223333:role/eks-node");
    expect(markup).not.toMatch(/<script>|\sstyle=|\son\w+=|https?:\/\/(?!127)/);
  });

  test("holds no secret of the workspace or of the account", async () => {
    const { sandbox } = livePage.live;
    const secrets = ["slack" as const, "worker" as const].flatMap((kind) =>
      Object.entries(sandbox.environmentOf(kind, { redisUrl: "redis://x" }))
        .filter(([name]) => /TOKEN|SECRET|KEY/.test(name))
        .map(([, value]) => value),
    );

    const markup = await (await fetch(server.url)).text();

    expect(secrets.length).toBeGreaterThan(5);
    expect(secrets.filter((secret) => markup.includes(secret))).toEqual([]);
  });

  test("has no other name", async () => {
    const status = await new Promise((resolve, reject) => {
      const asked = request(server.url, { headers: { host: "evil.example" } }, ({ statusCode }) => resolve(statusCode));
      asked.on("error", reject).end();
    });

    expect(status).toBe(403);
  });

  test.each(assetNames)("%s is served", async (name) => {
    const response = await fetch(`${server.url}assets/${name}`);

    expect(response.status).toBe(200);
    expect((await response.text()).length).toBeGreaterThan(50);
  });

  test.each(["nothing.js", "..%2f..%2fsandbox.ts", "constructor"])("%s is not", async (name) => {
    expect((await fetch(`${server.url}assets/${name}`)).status).toBe(404);
  });
});

describe("live", () => {
  test("all regions come first, then those that changed", async () => {
    const live = await readRegions(`${server.url}live?as=U0ENGINEER&in=${channel}`);

    const first = await live.next();
    await act("command", { as: "U0ENGINEER", in: channel, text: "/eks-access live" });
    const second = await live.nextWith("messages");
    live.close();

    expect(Object.keys(first)).toEqual(
      expect.arrayContaining([
        "who",
        "places",
        "messages",
        "composer",
        "modal",
        "access",
        "kubectl",
        "troubles",
        "audit",
        "calls",
      ]),
    );
    expect(second.messages).toContain("you said live");
    expect(second).not.toHaveProperty("access");
  });

  test("no one sees another person's ephemeral messages", async () => {
    await act("command", { as: "U0ENGINEER", in: channel, text: "/eks-access secret-word" });

    const live = await readRegions(`${server.url}live?as=U0APPROVER&in=${channel}`);
    const { messages } = await live.next();
    live.close();

    expect(messages).not.toContain("secret-word");
  });
});

describe("an act", () => {
  test("of another site is refused, and nothing is done", async () => {
    const fields = { as: "U0ENGINEER", in: channel, text: "/eks-access by-another-site" };

    const response = await act("command", fields, "https://evil.example");

    expect(response.status).toBe(403);
    const seen = livePage.live.sandbox.slack.person("U0ENGINEER").ephemerals();
    expect(seen.filter(({ text }) => text.includes("by-another-site"))).toEqual([]);
  });

  test.each([
    ["hello", "The bot reads commands alone: begin with /eks-access."],
    ["/other", "/other is not a valid command."],
  ])("typing %s is answered as Slack would", async (text, notice) => {
    const response = await act("command", { as: "U0ENGINEER", in: channel, text });

    expect(await response.json()).toEqual({ notice });
  });

  test("a click in the second of two equal lines reaches the app as that one", async () => {
    const { slack } = livePage.live.sandbox;
    const line = (id: string) => ({ ...actions(button()), block_id: id });
    const { ts } = await app.app.client.chat.postMessage({
      channel,
      text: "x",
      blocks: [line("a"), line("b")],
    });

    const response = await act("click", { as: "U0ONCALL", channel, ts: ts ?? "", block: "b", action: "go" });

    expect(await response.json()).toEqual({ notice: null });
    expect(clicks).toEqual([{ user: "U0ONCALL", block: "b" }]);
    expect(slack.messages(channel).at(-1)?.ts).toBe(ts);
  });

  test("a form is filled in, refused with an error next to the field, and accepted", async () => {
    const { slack } = livePage.live.sandbox;
    const person = slack.person("U0ENGINEER");
    await act("command", { as: "U0ENGINEER", in: channel, text: "/eks-access form" });
    const opened = await slack.until(() => person.view());
    const fields = { as: "U0ENGINEER", view: opened.id };

    await act("fill", { ...fields, "in/why/a": "n" });
    const typedSoFar = person.view()?.inputs.why?.a?.value;
    await act("submit", { ...fields, "in/why/a": "no" });
    const errors = person.view()?.errors;
    await act("submit", { ...fields, "in/why/a": "to see why" });

    expect(typedSoFar).toBe("n");
    expect(errors).toEqual({ why: "Say more." });
    expect(submitted).toEqual(["no", "to see why"]);
    expect(person.view()).toBeUndefined();
  });

  test("on what is gone says so", async () => {
    const response = await act("click", { as: "U0ENGINEER", channel, ts: "1.1", block: "a", action: "go" });

    expect([response.status, await response.text()]).toEqual([409, "This message no longer exists."]);
  });

  test("a trouble is made, and counted", async () => {
    await act("trouble", { trouble: "one", does: "start" });

    expect(livePage.troubles[0]?.state().struck).toBe(1);
    expect((await act("trouble", { trouble: "two", does: "start" })).status).toBe(409);
  });
});

const own = { host: "127.0.0.1:4477" };
const origin = "http://127.0.0.1:4477";
const asked = (method: string, headers: Record<string, string>) => refusalOf({ method, headers }, 4477);

test.each([
  ["the page itself", "GET", own],
  ["by its other name", "GET", { host: "localhost:4477" }],
  ["an address that somebody types", "GET", { ...own, "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }],
  ["a link on another site", "GET", { ...own, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
  ["an act of the page", "POST", { ...own, origin }],
])("%s gets in", (_, method, headers) => {
  expect(asked(method, headers)).toBeUndefined();
});

test.each([
  ["a name that leads here by DNS rebinding", "GET", { host: "evil.example:4477" }],
  ["that name with an Origin of its own", "POST", { host: "evil.example:4477", origin: "http://evil.example:4477" }],
  ["no Host", "GET", {}],
  ["another port's Host", "GET", { host: "127.0.0.1:80" }],
  ["another site's script", "GET", { ...own, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ["another site's form", "POST", { ...own, origin: "https://evil.example" }],
  ["a form of a file or of a sandboxed frame", "POST", { ...own, origin: "null" }],
  ["an act without an Origin", "POST", own],
  ["another page of this machine", "POST", { ...own, origin: "http://127.0.0.1:3000" }],
])("%s is refused", (_, method, headers) => {
  expect(asked(method, headers)).toBeTypeOf("string");
});
