import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient, refusalOf } from "./a-client.ts";
import { aModal } from "./a-modal.ts";
import { anApp, type RunningApp } from "./an-app.ts";

// Copies: the errors that https://docs.slack.dev/reference/methods lists for each method, under "Errors".

let slack: SandboxSlack;
let running: RunningApp | undefined;

beforeAll(async () => {
  slack = await startSandboxSlack();
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

afterAll(() => slack.stop());

const channel = "C0ACCESS";

/** A call that the real client would not make: with a body of our own. */
async function sent(method: string, contentType: string, body: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${slack.botToken}`, "content-type": contentType };
  return (await fetch(`${slack.apiUrl}${method}`, { method: "POST", headers, body })).json();
}

test.each(["{", "[]", '"text"'])("a body of JSON that is %s, no object, is invalid_json", async (body) => {
  expect(await sent("chat.postMessage", "application/json", body)).toEqual({ ok: false, error: "invalid_json" });
});

test.each(["{", "text", '{"type":"section"}'])(
  "blocks that are %s, no list, are invalid_blocks_format",
  async (blocks) => {
    const form = new URLSearchParams({ channel, text: "x", blocks }).toString();

    const answer = await sent("chat.postMessage", "application/x-www-form-urlencoded", form);

    expect(answer).toEqual({ ok: false, error: "invalid_blocks_format" });
  },
);

test("an absent user group is no_such_subteam", async () => {
  const refused = await refusalOf(aClient(slack).usergroups.users.list({ usergroup: "S0NOBODY" }));

  expect(refused.error).toBe("no_such_subteam");
});

test("what is sent to a response URL and is no object is invalid_payload, and it does not use the address up", async () => {
  const urls: string[] = [];
  running = await anApp(slack, (app) => {
    app.command("/eks-access", async ({ ack, command }) => {
      urls.push(command.response_url);
      await ack();
    });
  });
  await slack.person("U0ENGINEER").command("/eks-access help", channel);

  const answer = await fetch(urls[0] ?? "", { method: "POST", body: "[]" });

  expect([answer.status, await answer.json()]).toEqual([400, { ok: false, error: "invalid_payload" }]);
});

test("more than three modals on top of each other are push_limit_reached", async () => {
  const errors: string[] = [];
  running = await anApp(slack, (app) => {
    app.command("/eks-access", async ({ ack, command, client }) => {
      const opened = client.views.open({ trigger_id: command.trigger_id, view: aModal([]) });
      await opened.catch((error: { data: { error: string } }) => errors.push(error.data.error));
      await ack();
    });
  });
  const engineer = slack.person("U0ENGINEER");

  for (const id of ["a", "b", "c", "d"]) await engineer.command(`/eks-access ${id}`, channel);

  expect(errors).toEqual(["push_limit_reached"]);
});
