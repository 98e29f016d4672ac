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
