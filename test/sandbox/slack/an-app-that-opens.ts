import type { App } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import type { SandboxPerson } from "../../../sandbox/slack/person.ts";
import type { SandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { anApp, type RunningApp } from "./an-app.ts";

export interface OpeningApp extends RunningApp {
  /** Who sent the command. */
  engineer: SandboxPerson;
  /** The triggers that the app was given, oldest first. */
  triggers: readonly string[];
}

/** An app that opens `modal` for a command, and the engineer who has just sent that command. */
export async function anAppThatOpens(
  slack: SandboxSlack,
  modal: ModalView,
  listen: (app: App) => void = () => {},
): Promise<OpeningApp> {
  const triggers: string[] = [];
  const running = await anApp(slack, (app) => {
    app.command("/eks-access", async ({ ack, command, client }) => {
      triggers.push(command.trigger_id);
      await client.views.open({ trigger_id: command.trigger_id, view: modal });
      await ack();
    });
    listen(app);
  });
  const engineer = slack.person("U0ENGINEER");
  await engineer.command("/eks-access request");
  return { ...running, engineer, triggers };
}
