import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { startSlackApp } from "../../../src/slack/app/app.ts";
import { installationOf, isFrom } from "../../../src/slack/app/payload.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackApp } from "../a-slack-app.ts";
import { aSlackContext, atStart, noClicks } from "../slack-context.ts";

const oneWorkspace = installationOf({
  ok: true,
  team_id: "T0OURS",
  enterprise_id: "E0ORG",
  is_enterprise_install: false,
});
const organization = installationOf({
  ok: true,
  team_id: "E0ORG",
  enterprise_id: "E0ORG",
  is_enterprise_install: true,
});

/** As Slack names its origin in each kind of payload. */
const payloads = (team: string, enterprise: string | null): readonly [string, object][] => [
  ["a command", { team_id: team, ...(enterprise && { enterprise_id: enterprise }) }],
  ["a click", { team: { id: team }, enterprise: enterprise && { id: enterprise } }],
  ["an event", { team_id: team, authorizations: [{ team_id: team, enterprise_id: enterprise }] }],
];

describe.each(payloads("T0OURS", "E0ORG"))("%s of our workspace", (_kind, body) => {
  test("is ours, for a workspace and for an organization", () => {
    expect([isFrom(oneWorkspace, body), isFrom(organization, body)]).toEqual([true, true]);
  });
});

describe.each(payloads("T0SISTER", "E0ORG"))("%s of another workspace of the organization", (_kind, body) => {
  test("is ours only if the app is installed for the organization", () => {
    expect([isFrom(oneWorkspace, body), isFrom(organization, body)]).toEqual([false, true]);
  });
});

describe.each([...payloads("T0OTHER", "E0OTHER"), ...payloads("T0OTHER", null)])("%s from elsewhere", (_kind, body) => {
  test("is not ours", () => {
    expect([isFrom(oneWorkspace, body), isFrom(organization, body)]).toEqual([false, false]);
  });
});

test("an event of the organization that names no workspace is ours if the app is installed for the organization", () => {
  const body = { authorizations: [{ enterprise_id: "E0ORG", team_id: null, is_enterprise_install: true }] };

  expect([isFrom(oneWorkspace, body), isFrom(organization, body)]).toEqual([false, true]);
});

test("an app of an organization does not start without the workspace of its user groups", async () => {
  const slack = await startSandboxSlack();
  const body = JSON.stringify({ ok: true, team_id: "E0ORG", enterprise_id: "E0ORG", is_enterprise_install: true });
  slack.faults.plan("slack.auth.test", { type: "answer", status: 200, body });
  const { botToken, signingSecret, appToken, apiUrl } = slack;
  const environment = { botToken, signingSecret, appToken, apiUrl, port: 0 };

  const starting = startSlackApp(atStart(aSlackContext(memoryLedger())), environment, "http", noClicks);

  await expect(starting).rejects.toThrow(/installed for the organization E0ORG. Set slack\.workspace/);
  await slack.stop();
});

/** A click without an answer of ours in Slack: `details` opens a form. */
function aClickOn(slack: { readonly teamId: string; readonly appId: string }) {
  const action = { type: "button", action_id: "details", value: "r-1", action_ts: "1" };
  const from = { user: { id: "U0APPROVER" }, team: { id: slack.teamId }, api_app_id: slack.appId };
  return { type: "block_actions", ...from, actions: [action], trigger_id: "1.2.3" };
}

/** As anyone with the signing secret sends it. */
function send(url: string, signingSecret: string, click: object): Promise<Response> {
  const body = new URLSearchParams({ payload: JSON.stringify(click) }).toString();
  const time = String(Math.floor(Date.now() / 1000));
  const signed = createHmac("sha256", signingSecret).update(`v0:${time}:${body}`).digest("hex");
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": time,
    "x-slack-signature": `v0=${signed}`,
  };
  return fetch(url, { method: "POST", headers, body });
}

test("a click with another bot's token is answered as ours: with the signing secret alone no answer goes to another workspace", async () => {
  const app = await aSlackApp();
  const click = aClickOn(app.slack);

  const sent = await send(app.eventsUrl, app.slack.signingSecret, {
    ...click,
    function_data: { execution_id: "Fx1" },
    bot_access_token: "xoxb-of-an-attacker",
  });

  // Its trigger opens nothing, so the answer is a direct message: only our token reaches this person.
  expect(sent.status).toBe(200);
  await app.slack.until(() => app.person("U0APPROVER").directMessages().at(-1));
  await app.stop();
});

test("a click that names another address in response_urls, which Bolt answers too, is refused", async () => {
  const app = await aSlackApp();
  const asked: string[] = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("ok");
  }).listen(0);
  const { port } = elsewhere.address() as AddressInfo;
  const click = aClickOn(app.slack);

  const sent = await send(app.eventsUrl, app.slack.signingSecret, {
    ...click,
    message: { ts: "1.1", text: "a card", blocks: [] },
    response_urls: [{ response_url: `http://127.0.0.1:${port}/of-an-attacker` }],
  });

  await app.stop();
  elsewhere.close();
  expect({ status: sent.status, asked }).toEqual({ status: 400, asked: [] });
});
