import type { App, ButtonAction } from "@slack/bolt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../src/sandbox/slack/text-of.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../src/sandbox/slack/workspace.ts";
import { anApp } from "./an-app.ts";

let slack: SandboxSlack;
let stopApp: () => Promise<unknown>;

beforeEach(async () => {
  slack = await startSandboxSlack();
  stopApp = async () => {};
});

afterEach(async () => {
  await stopApp();
  await slack.stop();
});

async function listening(listen: (app: App) => void): Promise<void> {
  stopApp = (await anApp(slack, listen)).stop;
}

const approval = (text: string) => [
  { type: "section", text: { type: "mrkdwn", text } },
  {
    type: "actions",
    elements: [
      { type: "button", action_id: "approve", text: { type: "plain_text", text: "Approve" }, value: "request 1" },
    ],
  },
];

test("a slash command is signed as Slack signs, and its acknowledgement is seen by its sender alone", async () => {
  await listening((app) => {
    app.command("/eks-access", async ({ ack, command }) => ack(`you said: ${command.text}`));
  });

  const answer = await slack.person("U0ENGINEER").command("/eks-access help me", "C0ACCESS");

  expect(answer).toMatchObject({ status: 200, text: "you said: help me" });
  expect(slack.person("U0ENGINEER").ephemerals().map(textOf)).toEqual(["you said: help me"]);
  expect(slack.messages("C0ACCESS")).toEqual([]);
});

test("a click sends the value that the message holds now, and chat.update is seen", async () => {
  const values: unknown[] = [];
  await listening((app) => {
    app.action("approve", async ({ ack, body, client }) => {
      await ack();
      if (body.type !== "block_actions" || !body.channel || !body.message) return;
      values.push((body.actions[0] as ButtonAction).value, body.user.id);
      await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: "approved", blocks: [] });
    });
  });
  const posted = await aMessage();

  await slack.person("U0APPROVER").click(posted, "Approve");
  const seen = await slack.until(() => slack.messages("C0ACCESS").find((message) => message.edits === 1));

  expect(values).toEqual(["request 1", "U0APPROVER"]);
  expect(textOf(seen)).toBe("approved");
});

async function aMessage() {
  const { WebClient } = await import("@slack/web-api");
  const client = new WebClient(slack.botToken, { slackApiUrl: slack.apiUrl });
  await client.chat.postMessage({ channel: "C0ACCESS", text: "please approve", blocks: approval("please approve") });
  return slack.until(() => slack.messages("C0ACCESS").at(-1));
}
