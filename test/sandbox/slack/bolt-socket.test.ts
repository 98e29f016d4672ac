import type { App, BlockAction } from "@slack/bolt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient, actions, button, refusalOf } from "./a-client.ts";
import { aSocketApp, type RunningApp } from "./an-app.ts";

let slack: SandboxSlack;
let running: RunningApp | undefined;

beforeEach(async () => {
  slack = await startSandboxSlack();
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
  await slack.stop();
});

async function listening(listen: (app: App) => void): Promise<void> {
  running = await aSocketApp(slack, listen);
}

test("commands and their answers go through the socket that the app opened", async () => {
  await listening((app) => {
    app.command("/eks-access", async ({ ack, command }) => ack(`you said: ${command.text}`));
  });

  const answer = await slack.person("U0ENGINEER").command("/eks-access help");

  expect(answer).toMatchObject({ status: 200, text: "you said: help" });
});

test("clicks and submissions go through the socket too", async () => {
  const modal = {
    type: "modal",
    callback_id: "asking",
    title: { type: "plain_text", text: "Ask" },
    submit: { type: "plain_text", text: "Send" },
    blocks: [
      {
        type: "input",
        block_id: "reason",
        label: { type: "plain_text", text: "Reason" },
        element: { type: "plain_text_input", action_id: "text" },
      },
    ],
  } as const;
  await listening((app) => {
    app.action<BlockAction>("ask", async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: body.trigger_id, view: { ...modal, blocks: [...modal.blocks] } });
    });
    app.view("asking", async ({ ack, view }) =>
      ack({ response_action: "errors", errors: { reason: `no: ${view.state.values.reason?.text?.value}` } }),
    );
  });
  const blocks = [actions(button("Ask", "ask"))];
  await aClient(slack).chat.postMessage({ channel: "C0ACCESS", text: "ask", blocks });
  const message = await slack.until(() => slack.messages("C0ACCESS").at(-1));
  const engineer = slack.person("U0ENGINEER");

  await engineer.click(message, "ask");
  await slack.until(() => engineer.view());
  const answer = await engineer.submit({ Reason: "because" });

  expect(answer.errors).toEqual({ reason: "no: because" });
});

test("a command that is not acknowledged within three seconds fails with operation_timeout", async () => {
  await listening((app) => {
    app.command("/eks-access", () => new Promise(() => {}));
  });

  const answer = await slack.person("U0ENGINEER").command("/eks-access help");

  expect(answer).toMatchObject({ status: 0, error: "operation_timeout" });
});

test("a connection is opened with the app-level token only, and each address serves once", async () => {
  const refused = await refusalOf(aClient(slack).apps.connections.open());
  const { url = "" } = await aClient(slack, slack.appToken).apps.connections.open();
  const first = await outcomeOf(new WebSocket(url));
  const second = await outcomeOf(new WebSocket(url));

  expect(refused.error).toBe("not_allowed_token_type");
  expect([first, second]).toEqual(["hello", "refused"]);
});

test("a refresh makes the app connect again, and commands continue", async () => {
  await listening((app) => {
    app.command("/eks-access", async ({ ack }) => ack("here"));
  });

  slack.refreshSockets();
  await expect.poll(() => slack.faults.calls("slack.apps.connections.open")).toBe(2);
  await expect
    .poll(
      async () =>
        (
          await slack
            .person("U0ENGINEER")
            .command("/eks-access help")
            .catch(() => undefined)
        )?.text,
    )
    .toBe("here");
});

function outcomeOf(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.on("message", (data) => {
      resolve(JSON.parse(String(data)).type);
      socket.close();
    });
    socket.on("error", () => resolve("refused"));
  });
}
