import type { App, ViewOutput } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { section } from "./a-client.ts";
import { aModal, menuInput, textInput } from "./a-modal.ts";
import type { RunningApp } from "./an-app.ts";
import { anAppThatOpens, type OpeningApp } from "./an-app-that-opens.ts";

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

async function opening(modal: ModalView, listen?: (app: App) => void): Promise<OpeningApp> {
  const opened = await anAppThatOpens(slack, modal, listen);
  running = opened;
  return opened;
}

describe("submitting", () => {
  const modal = aModal([
    menuInput("cluster", "Cluster", "Prod", "Staging"),
    textInput("reason", "Reason", { optional: true }),
  ]);

  test("sends the inputs' values, by block and action", async () => {
    const values: ViewOutput["state"]["values"][] = [];
    const { engineer } = await opening(modal, (app) => {
      app.view("asking", async ({ ack, view }) => {
        values.push(view.state.values);
        await ack();
      });
    });

    await engineer.submit({ Cluster: "Staging", reason: "a deploy" });

    expect(values[0]?.cluster?.["cluster-menu"]?.selected_option?.value).toBe("staging");
    expect(values[0]?.reason?.["reason-text"]).toEqual({ type: "plain_text_input", value: "a deploy" });
    expect(engineer.view()).toBeUndefined();
  });

  test("is refused by Slack itself while a required input is empty", async () => {
    const { engineer } = await opening(modal);

    const answer = await engineer.submit();

    expect(answer.errors).toEqual({ cluster: "Please complete this required field." });
    expect(slack.faults.calls("slack.views.open")).toBe(1);
  });

  test("shows the app's errors next to the inputs, keeps the typed text, and passes when it is corrected", async () => {
    const { engineer } = await opening(modal, (app) => {
      app.view("asking", async ({ ack, view }) => {
        const reason = view.state.values.reason?.["reason-text"]?.value;
        if (reason) await ack();
        else await ack({ response_action: "errors", errors: { reason: "Say why." } });
      });
    });

    const first = await engineer.submit({ Cluster: "Prod" });
    const shown = engineer.view()?.errors;
    const second = await engineer.submit({ Reason: "a deploy" });

    expect([first.errors, shown, second.errors]).toEqual([{ reason: "Say why." }, { reason: "Say why." }, {}]);
    expect(engineer.view()).toBeUndefined();
  });

  test("can change the view, which keeps its id", async () => {
    const { engineer } = await opening(modal, (app) => {
      app.view("asking", ({ ack }) =>
        ack({ response_action: "update", view: aModal([section("Sent.")], { callback_id: "sent" }) }),
      );
    });
    const before = engineer.view();

    await engineer.submit({ Cluster: "Prod" });

    const after = engineer.view();
    expect(after && textOf(after)).toContain("Sent.");
    expect(after).toMatchObject({ id: before?.id, callback_id: "sent", updates: 1 });
  });

  test("can close every modal", async () => {
    const { engineer } = await opening(modal, (app) => {
      app.view("asking", ({ ack }) => ack({ response_action: "clear" }));
    });

    await engineer.submit({ Cluster: "Prod" });

    expect(engineer.view()).toBeUndefined();
  });

  test("leaves the modal open and shows an error where the app answers with errors for what is no input", async () => {
    const { engineer } = await opening(modal, (app) => {
      app.view("asking", ({ ack }) => ack({ response_action: "errors", errors: { nowhere: "?" } }));
    });

    const answer = await engineer.submit({ Cluster: "Prod" });

    expect(answer.error).toBe("dispatch_unknown_error");
    expect(engineer.view()).toBeDefined();
  });

  test("choosing what is not offered says what is", async () => {
    const { engineer } = await opening(modal);

    const fill = () => engineer.fill({ Cluster: "Test" });

    expect(fill).toThrow('there is no option "Test" here, only: Prod, Staging');
  });
});
