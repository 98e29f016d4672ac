import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, type SandboxSlackOptions, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient, refusalOf, section } from "./a-client.ts";

let slack: SandboxSlack;

beforeEach(async () => {
  slack = await startSandboxSlack();
});

afterEach(() => slack.stop());

async function startedWith(options: SandboxSlackOptions): Promise<void> {
  await slack.stop();
  slack = await startSandboxSlack(options);
}

const channel = "C0ACCESS";

describe("a token", () => {
  test("names its bot", async () => {
    const answer = await aClient(slack).auth.test();

    expect(answer).toMatchObject({ ok: true, user_id: slack.botUserId, team_id: slack.teamId });
  });

  test("that is unknown, absent or of the wrong kind is refused with HTTP 200", async () => {
    const unknown = await refusalOf(aClient(slack, "xoxb-unknown").auth.test());
    const wrongKind = await refusalOf(aClient(slack, slack.appToken).auth.test());
    const absent = await fetch(`${slack.apiUrl}auth.test`, { method: "POST" });

    expect([unknown.error, wrongKind.error]).toEqual(["invalid_auth", "not_allowed_token_type"]);
    expect([absent.status, await absent.json()]).toEqual([200, { ok: false, error: "not_authed" }]);
  });

  test("without a scope gets the needed scope and its own scopes", async () => {
    await startedWith({ scopes: ["commands", "users:read"] });

    const refused = await refusalOf(aClient(slack).chat.postMessage({ channel, text: "hello" }));

    expect(refused).toMatchObject({
      error: "missing_scope",
      needed: "chat:write",
      provided: "commands,users:read",
    });
  });
});

describe("people", () => {
  test("are known by id, with an address only for an app that may read it", async () => {
    const withAddress = await aClient(slack).users.info({ user: "U0APPROVER" });
    const absent = await refusalOf(aClient(slack).users.info({ user: "U0NOBODY" }));
    await startedWith({ scopes: ["users:read"] });
    const without = await aClient(slack).users.info({ user: "U0APPROVER" });

    expect(withAddress.user).toMatchObject({ name: "approver", profile: { email: "approver@example.com" } });
    expect(absent.error).toBe("user_not_found");
    expect(without.user?.profile).not.toHaveProperty("email");
  });

  test("of a user group are listed", async () => {
    slack.addUsergroup("S0APPROVERS", ["U0APPROVER", "U0APPROVER2"]);

    const { users } = await aClient(slack).usergroups.users.list({ usergroup: "S0APPROVERS" });

    expect(users).toEqual(["U0APPROVER", "U0APPROVER2"]);
  });
});

test("views.publish refuses a Home tab over one that the app has not seen", async () => {
  const client = aClient(slack);
  const home = (text: string) => ({ type: "home" as const, blocks: [section(text)] });
  const first = await client.views.publish({ user_id: "U0ENGINEER", view: home("one") });
  const hash = first.view?.hash ?? "";
  await client.views.publish({ user_id: "U0ENGINEER", view: home("two"), hash });

  const late = await refusalOf(client.views.publish({ user_id: "U0ENGINEER", view: home("three"), hash }));

  expect(late.error).toBe("hash_conflict");
  expect(slack.person("U0ENGINEER").home()).toMatchObject({ updates: 1 });
});

test("a method that Slack does not have is unknown", async () => {
  const refused = await refusalOf(aClient(slack).apiCall("chat.shout", { channel }));

  expect(refused.error).toBe("unknown_method");
});

test("a fault strikes the call that it is planned for", async () => {
  slack.faults.plan("slack.chat.update", { type: "cut-after" });
  const client = aClient(slack);
  const { ts = "" } = await client.chat.postMessage({ channel, text: "one" });

  const update = client.chat.update({ channel, ts, text: "two" });

  await expect(update).rejects.toThrow();
  expect(slack.messages(channel).map(textOf)).toEqual(["two"]);
});

describe("chat.postMessage", () => {
  test("takes JSON as well as a form", async () => {
    const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
      method: "POST",
      headers: { authorization: `Bearer ${slack.botToken}`, "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify({ channel, blocks: [section("from JSON")], text: "fallback" }),
    });

    expect(await response.json()).toMatchObject({ ok: true, channel });
    expect(slack.messages(channel).map(textOf)).toEqual(["from JSON"]);
  });

  test("to a person opens the direct conversation", async () => {
    await aClient(slack).chat.postMessage({ channel: "U0ENGINEER", text: "for you" });

    expect(slack.person("U0ENGINEER").directMessages().map(textOf)).toEqual(["for you"]);
    expect(slack.person("U0APPROVER").directMessages()).toEqual([]);
  });

  test("gives each message an id of its own, and each block one", async () => {
    const client = aClient(slack);
    const sent = await Promise.all([1, 2, 3].map((n) => client.chat.postMessage({ channel, text: `message ${n}` })));
    const { message } = await client.chat.postMessage({ channel, text: "x", blocks: [section("x")] });

    expect(new Set(sent.map(({ ts }) => ts)).size).toBe(3);
    expect(message?.blocks?.[0]?.block_id).toEqual(expect.any(String));
  });

  test.each([
    ["an unknown channel", { channel: "C0NOWHERE" }, "channel_not_found"],
    ["a channel that the bot is not in", { channel: "C0OTHERS" }, "not_in_channel"],
    ["a private channel that the bot is not in", { channel: "C0HIDDEN" }, "channel_not_found"],
    ["an archived channel", { channel: "C0OLD" }, "is_archived"],
    ["no text", { text: "" }, "no_text"],
    ["a text of 40,001 characters", { text: "x".repeat(40_001) }, "msg_too_long"],
    [
      "blocks with more text than a message holds",
      { blocks: Array(5).fill(section("x".repeat(2_900))) },
      "msg_blocks_too_long",
    ],
  ])("refuses %s", async (_name, change, error) => {
    slack.addChannel({ id: "C0OTHERS", name: "others", members: ["U0ENGINEER"] });
    slack.addChannel({ id: "C0HIDDEN", name: "hidden", members: ["U0ENGINEER"], private: true });
    slack.addChannel({ id: "C0OLD", name: "old", members: [slack.botUserId], archived: true });

    const refused = await refusalOf(aClient(slack).apiCall("chat.postMessage", { channel, text: "x", ...change }));

    expect(refused.error).toBe(error);
  });

  test("refuses blocks that break a limit, in Slack's words", async () => {
    const blocks = [section("x".repeat(3_001))];

    const refused = await refusalOf(aClient(slack).chat.postMessage({ channel, text: "x", blocks }));

    expect(refused).toMatchObject({
      error: "invalid_blocks",
      response_metadata: {
        messages: [
          "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]",
          "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ],
      },
    });
  });

  test("is limited to one a second and channel beyond a short burst, and says how long to wait", async () => {
    let now = new Date();
    await startedWith({ now: () => now });
    const post = (to: string) =>
      fetch(`${slack.apiUrl}chat.postMessage`, {
        method: "POST",
        headers: { authorization: `Bearer ${slack.botToken}`, "content-type": "application/json" },
        body: JSON.stringify({ channel: to, text: "x" }),
      });
    const burst = await Promise.all(Array.from({ length: 11 }, () => post(channel)));
    const elsewhere = await post("U0ENGINEER");
    now = new Date(now.getTime() + 1_000);
    const later = await post(channel);

    expect(burst.map(({ status }) => status)).toEqual([...Array(10).fill(200), 429]);
    expect(burst.at(-1)?.headers.get("retry-after")).toBe("1");
    expect([elsewhere.status, later.status]).toEqual([200, 200]);
  });
});

describe("chat.update", () => {
  test("keeps the blocks that it does not name, and an empty list removes them", async () => {
    const client = aClient(slack);
    const { ts = "" } = await client.chat.postMessage({ channel, text: "one", blocks: [section("block")] });

    await client.chat.update({ channel, ts, text: "two" });
    const kept = slack.messages(channel).map(textOf);
    await client.chat.update({ channel, ts, text: "three", blocks: [] });

    expect(kept).toEqual(["block"]);
    expect(slack.messages(channel)).toMatchObject([{ text: "three", blocks: [], edits: 2 }]);
  });

  test("finds no absent message", async () => {
    const refused = await refusalOf(aClient(slack).chat.update({ channel, ts: "1.2", text: "x" }));

    expect(refused.error).toBe("message_not_found");
  });
});

test("chat.delete takes a message away, once", async () => {
  const client = aClient(slack);
  const { ts = "" } = await client.chat.postMessage({ channel, text: "oops" });

  await client.chat.delete({ channel, ts });
  const gone = await refusalOf(client.chat.delete({ channel, ts }));

  expect(slack.messages(channel)).toEqual([]);
  expect(gone.error).toBe("message_not_found");
});
