import type { App, BlockAction, ButtonAction } from "@slack/bolt";
import type { KnownBlock } from "@slack/types";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signRequest } from "../../../sandbox/slack/delivery.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient, actions, button, section } from "./a-client.ts";
import { anApp, type RunningApp } from "./an-app.ts";

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

async function listening(listen: (app: App) => void): Promise<RunningApp> {
  running = await anApp(slack, listen);
  return running;
}

async function posted(...blocks: KnownBlock[]) {
  const channel = "C0ACCESS";
  const { ts } = await aClient(slack).chat.postMessage({ channel, text: "please decide", blocks });
  return slack.until(() => slack.messages(channel).find((message) => message.ts === ts));
}

describe("a slash command", () => {
  test("is answered in its acknowledgement, for its sender alone", async () => {
    await listening((app) => {
      app.command("/eks-access", async ({ ack, command }) => ack(`you said: ${command.text}`));
    });

    const answer = await slack.person("U0ENGINEER").command("/eks-access help me", "C0ACCESS");

    expect(answer).toMatchObject({ status: 200, text: "you said: help me" });
    expect(slack.person("U0ENGINEER").ephemerals().map(textOf)).toEqual(["you said: help me"]);
    expect(slack.person("U0APPROVER").ephemerals()).toEqual([]);
    expect(slack.messages("C0ACCESS")).toEqual([]);
  });

  test("says who sent it, where, and where to answer", async () => {
    const commands: Record<string, string>[] = [];
    await listening((app) => {
      app.command("/eks-access", async ({ ack, command }) => {
        commands.push(command);
        await ack();
      });
    });

    await slack.person("U0ONCALL").command("/eks-access  whoami ");

    expect(commands).toMatchObject([
      { user_id: "U0ONCALL", user_name: "on-call", channel_name: "directmessage", command: "/eks-access" },
    ]);
    expect(commands[0]).toMatchObject({ text: " whoami", team_id: slack.teamId, api_app_id: slack.appId });
  });

  test("without an acknowledgement within three seconds fails with operation_timeout", async () => {
    await listening((app) => {
      app.command("/eks-access", () => new Promise(() => {}));
    });

    const answer = await slack.person("U0ENGINEER").command("/eks-access help");

    expect(answer).toMatchObject({ error: "operation_timeout" });
    expect(answer.milliseconds).toBeGreaterThanOrEqual(2_900);
  });

  test("that the app refuses fails with dispatch_failed", async () => {
    const { eventsUrl } = await listening(() => {});
    slack.connect(`${eventsUrl}/elsewhere`);

    const answer = await slack.person("U0ENGINEER").command("/eks-access help");

    expect(answer).toMatchObject({ status: 404, error: "dispatch_failed" });
  });
});

describe("a signature", () => {
  const body = new URLSearchParams({ command: "/eks-access", text: "help", user_id: "U0ENGINEER" }).toString();
  const send = (url: string, signature: Record<string, string>) =>
    fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/x-www-form-urlencoded", ...signature },
    });
  const seconds = () => Math.floor(Date.now() / 1000);

  test("by the app's secret is taken", async () => {
    const { eventsUrl } = await listening((app) => {
      app.command("/eks-access", async ({ ack }) => ack());
    });

    const response = await send(eventsUrl, signRequest(body, { timestamp: seconds(), secret: slack.signingSecret }));

    expect(response.status).toBe(200);
  });

  test.each([
    ["by another secret", () => signRequest(body, { timestamp: seconds(), secret: "another" })],
    ["older than five minutes", () => signRequest(body, { timestamp: seconds() - 301, secret: slack.signingSecret })],
    ["of another body", () => signRequest(`${body}&x=1`, { timestamp: seconds(), secret: slack.signingSecret })],
  ])("%s is refused by Bolt", async (_name, sign) => {
    const { eventsUrl } = await listening((app) => {
      app.command("/eks-access", async ({ ack }) => ack());
    });

    const response = await send(eventsUrl, sign());

    expect(response.status).toBe(401);
  });
});

describe("a click", () => {
  test("sends the value that the message holds now, not the one it was read with", async () => {
    const clicks: unknown[] = [];
    await listening((app) => {
      app.action<BlockAction<ButtonAction>>("approve", async ({ ack, body, action }) => {
        await ack();
        clicks.push([body.user.id, action.value, body.container.message_ts]);
      });
    });
    const message = await posted(section("old"), actions(button("Approve", "approve", "old digest")));
    const blocks = [section("new"), actions(button("Approve", "approve", "new digest"))];
    await aClient(slack).chat.update({ channel: "C0ACCESS", ts: message.ts, text: "new", blocks });

    await slack.person("U0APPROVER").click(message, "Approve");

    expect(clicks).toEqual([["U0APPROVER", "new digest", message.ts]]);
  });

  test("on an absent button names the present ones", async () => {
    await listening(() => {});
    const message = await posted(actions(button("Approve", "approve"), button("Deny", "deny")));

    const click = slack.person("U0APPROVER").click(message, "Cancel");

    await expect(click).rejects.toThrow('there is no button "Cancel" here, only "Approve", "Deny"');
  });

  test("needs a message that the person sees", async () => {
    await listening(() => {});
    slack.addChannel({ id: "C0SECRET", name: "secret", members: ["U0APPROVER", slack.botUserId] });
    const blocks = [actions(button("Approve", "approve"))];
    await aClient(slack).chat.postMessage({ channel: "C0SECRET", text: "x", blocks });
    const message = await slack.until(() => slack.messages("C0SECRET").at(-1));

    const click = slack.person("U0ENGINEER").click(message, "Approve");

    await expect(click).rejects.toThrow("engineer does not see the message");
  });

  test("on an ephemeral message carries no message, and its response URL replaces it", async () => {
    const bodies: BlockAction[] = [];
    await listening((app) => {
      app.command("/eks-access", async ({ ack }) => ack({ text: "sure?", blocks: [actions(button("Yes", "yes"))] }));
      app.action<BlockAction>("yes", async ({ ack, body, respond }) => {
        bodies.push(body);
        await ack();
        await respond({ replace_original: true, text: "done" });
      });
    });
    const engineer = slack.person("U0ENGINEER");
    const { message } = await engineer.command("/eks-access cancel", "C0ACCESS");
    if (message === undefined) throw new Error("the command was not answered");

    await engineer.click(message, "Yes");
    const replaced = await slack.until(() => engineer.ephemerals().find(({ edits }) => edits > 0));

    expect(bodies[0]).not.toHaveProperty("message");
    expect(bodies[0]?.container).toMatchObject({ is_ephemeral: true, message_ts: message.ts });
    expect(replaced.text).toBe("done");
    expect(engineer.ephemerals()).toHaveLength(1);
  });
});
