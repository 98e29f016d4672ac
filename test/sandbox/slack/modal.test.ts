import type { App, ViewOutput } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient, refusalOf, section } from "./a-client.ts";
import { aModal, menuInput, plain, textInput } from "./a-modal.ts";
import { anApp, type RunningApp } from "./an-app.ts";
import { anAppThatOpens, type OpeningApp } from "./an-app-that-opens.ts";

let slack: SandboxSlack;
let running: RunningApp | undefined;
let now: Date;

beforeEach(async () => {
  now = new Date();
  slack = await startSandboxSlack({ now: () => now });
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

describe("opening", () => {
  test("shows the modal to the owner of the trigger alone", async () => {
    const { engineer } = await opening(aModal([section("Which cluster?"), menuInput("cluster", "Cluster", "Prod")]));

    const view = engineer.view();

    expect(view && textOf(view)).toBe("Ask for access\nWhich cluster?\nCluster");
    expect(slack.person("U0APPROVER").view()).toBeUndefined();
  });

  test("takes a trigger once", async () => {
    const { triggers } = await opening(aModal([section("x")]));

    const again = await refusalOf(aClient(slack).views.open({ trigger_id: triggers[0] ?? "", view: aModal([]) }));

    expect(again.error).toBe("exchanged_trigger_id");
  });

  test("takes no trigger that is older than three seconds", async () => {
    const triggers: string[] = [];
    running = await anApp(slack, (app) => {
      app.command("/eks-access", async ({ ack, command }) => {
        triggers.push(command.trigger_id);
        await ack();
      });
    });
    await slack.person("U0ENGINEER").command("/eks-access request");
    now = new Date(now.getTime() + 3_001);

    const refused = await refusalOf(aClient(slack).views.open({ trigger_id: triggers[0] ?? "", view: aModal([]) }));

    expect(refused.error).toBe("expired_trigger_id");
  });

  test("takes no trigger that Slack did not give", async () => {
    const refused = await refusalOf(aClient(slack).views.open({ trigger_id: "1.2.3", view: aModal([]) }));

    expect(refused.error).toBe("invalid_trigger_id");
  });

  test("refuses a modal that breaks a limit, with the place", async () => {
    const view = aModal([section("x")], { title: plain("a title of 25 characters.") });

    const refused = await refusalOf(aClient(slack).views.open({ trigger_id: "1.2.3", view }));

    expect(refused.error).toBe("invalid_arguments");
    expect(refused.response_metadata?.messages).toEqual([
      "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
    ]);
  });
});

describe("an open modal", () => {
  test("that is updated keeps what was typed where the input stays", async () => {
    const { engineer } = await opening(aModal([textInput("reason", "Reason"), textInput("old", "Old")]));
    engineer.fill({ Reason: "a deploy", Old: "gone" });
    const view_id = engineer.view()?.id ?? "";

    await aClient(slack).views.update({
      view_id,
      view: aModal([textInput("reason", "Why"), textInput("new", "New")]),
    });

    expect(engineer.view()?.inputs).toMatchObject({
      reason: { "reason-text": { value: "a deploy" } },
      new: { "new-text": { value: null } },
    });
    expect(engineer.view()?.inputs).not.toHaveProperty("old");
  });

  test("is not updated by an app that saw an older one", async () => {
    const { engineer } = await opening(aModal([section("one")]));
    const { id = "", hash = "" } = engineer.view() ?? {};
    const client = aClient(slack);
    await client.views.update({ view_id: id, hash, view: aModal([section("two")]) });

    const refused = await refusalOf(client.views.update({ view_id: id, hash, view: aModal([section("three")]) }));

    expect(refused.error).toBe("hash_conflict");
  });

  test("that is closed can't be updated", async () => {
    const { engineer } = await opening(aModal([section("one")]));
    const view_id = engineer.view()?.id ?? "";
    engineer.close();

    const refused = await refusalOf(aClient(slack).views.update({ view_id, view: aModal([]) }));

    expect(refused.error).toBe("not_found");
  });

  test("asks the app at once where an input dispatches, and offers what the app loads", async () => {
    const search = { type: "external_select", action_id: "role", min_query_length: 2 } as const;
    const modal = aModal([textInput("role", "Role", { element: search, dispatch_action: true })]);
    const heard: string[] = [];
    const { engineer } = await opening(modal, (app) => {
      app.options<"block_suggestion">("role", ({ ack, payload }) =>
        ack({ options: [{ text: plain(`${payload.value}-admin`), value: "arn:1" }] }),
      );
      app.action({ type: "block_actions", action_id: "role" }, async ({ ack, action }) => {
        heard.push(action.type === "external_select" ? (action.selected_option?.value ?? "") : "");
        await ack();
      });
    });
    const view = engineer.view();
    if (view === undefined) throw new Error("no modal was opened");

    const offered = await engineer.suggestions("Role", "db");
    await engineer.choose(view, "Role", "db-admin");

    expect(offered).toEqual(["db-admin"]);
    expect(heard).toEqual(["arn:1"]);
  });
});

test("opening the Home tab asks the app to publish it", async () => {
  running = await anApp(slack, (app) => {
    app.event("app_home_opened", async ({ event, client }) => {
      await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [section("Your leases")] } });
    });
  });
  const engineer = slack.person("U0ENGINEER");

  await engineer.openHome();
  const home = await slack.until(() => engineer.home());

  expect(textOf(home)).toBe("Your leases");
});

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
