import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient, actions, button, section } from "./a-client.ts";
import { anApp, type RunningApp } from "./an-app.ts";

const channel = "C0ACCESS";
let slack: SandboxSlack;
let running: RunningApp;
let now: Date;
/** The response URLs that the app was given, oldest first. */
let urls: string[];

beforeEach(async () => {
  now = new Date();
  urls = [];
  slack = await startSandboxSlack({ now: () => now });
  running = await anApp(slack, (app) => {
    app.command("/eks-access", async ({ ack, command }) => {
      urls.push(command.response_url);
      await ack();
    });
    app.action("approve", async ({ ack, body }) => {
      if (body.type === "block_actions") urls.push(body.response_url);
      await ack();
    });
  });
});

afterEach(async () => {
  await running.stop();
  await slack.stop();
});

async function respond(body: object): Promise<{ status: number; error: unknown }> {
  const response = await fetch(urls.at(-1) ?? "", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  return { status: response.status, error: (answer as { error?: string }).error };
}

const seenByEngineer = () => slack.person("U0ENGINEER").ephemerals().map(textOf);

describe("the response URL of a command", () => {
  beforeEach(async () => {
    await slack.person("U0ENGINEER").command("/eks-access help", channel);
  });

  test("shows a message to the sender alone", async () => {
    await respond({ text: "for you" });

    expect(seenByEngineer()).toEqual(["for you"]);
    expect(slack.messages(channel)).toEqual([]);
  });

  test("serves five times", async () => {
    const statuses: number[] = [];
    for (const text of ["1", "2", "3", "4", "5"]) statuses.push((await respond({ text })).status);
    const sixth = await respond({ text: "6" });

    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    expect(sixth).toEqual({ status: 404, error: "used_url" });
    expect(seenByEngineer()).toHaveLength(5);
  });

  test("serves for thirty minutes", async () => {
    now = new Date(now.getTime() + 30 * 60_000);
    const inTime = await respond({ text: "in time" });
    now = new Date(now.getTime() + 1);
    const late = await respond({ text: "late" });

    expect(inTime.status).toBe(200);
    expect(late).toEqual({ status: 404, error: "expired_url" });
  });

  test("refuses blocks that break a limit", async () => {
    const refused = await respond({ blocks: [section("")] });

    expect(refused).toEqual({ status: 400, error: "invalid_blocks" });
  });

  test("can be made to fail", async () => {
    slack.faults.plan("slack.response_url", { type: "answer", status: 500, body: "{}" });

    const answer = await respond({ text: "lost" });

    expect(answer.status).toBe(500);
    expect(seenByEngineer()).toEqual([]);
  });
});

describe("the response URL of a click", () => {
  beforeEach(async () => {
    const blocks = [section("decide"), actions(button("Approve", "approve"))];
    await aClient(slack).chat.postMessage({ channel, text: "decide", blocks });
    const message = await slack.until(() => slack.messages(channel).at(-1));
    await slack.person("U0ENGINEER").click(message, "Approve");
  });

  test("replaces the message with the button", async () => {
    await respond({ replace_original: true, blocks: [section("approved")] });

    expect(slack.messages(channel).map(textOf)).toEqual(["approved"]);
  });

  test("adds a message for the clicker alone where the app says neither", async () => {
    await respond({ text: "only you" });

    expect(slack.messages(channel)).toHaveLength(1);
    expect(seenByEngineer()).toEqual(["only you"]);
  });
});

test("an address that Slack never gave does not exist", async () => {
  urls.push(`${slack.url}/actions/T0SANDBOX/1/x`);

  const answer = await respond({ text: "hello" });

  expect(answer.status).toBe(404);
});
