import { describe, expect, test, vi } from "vitest";
import { commands } from "../../../src/slack/app/commands.ts";
import type { Account, Directory } from "../../../src/slack/app/directory.ts";
import { handlerOf } from "../../../src/slack/app/registrations.ts";
import { breakGlassClusterAction } from "../../../src/slack/ask/break-glass.ts";
import { formActions, requestModalId } from "../../../src/slack/ask/request-modal.ts";
import * as ofButtons from "../../../src/slack/show/buttons.ts";
import { denyModalId, detailsModalId, revokeModalId } from "../../../src/slack/show/message.ts";
import { aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, atStart, noClicks, noGroups } from "../slack-context.ts";

type Sent = Parameters<ReturnType<typeof handlerOf>>[0];

const user = { id: "U0ENGINEER" };
const click = JSON.stringify({ request: "r-1", digest: "d".repeat(64) });
const view = { id: "V1", type: "modal", private_metadata: "r-1", state: { values: {} } };

/** Everything that a person can send, by what it is. */
function everything(): readonly (readonly [name: string, sent: object])[] {
  const buttons = Object.values(ofButtons).flatMap((each) =>
    typeof each === "string" ? each : typeof each === "object" ? Object.values(each) : [],
  );
  const press = (action_id: string, more: object) => ({
    action: { type: "button", action_id, value: click },
    body: { type: "block_actions", user, actions: [{ type: "button", action_id, value: click }], ...more },
  });
  const forms = [requestModalId, detailsModalId, denyModalId, revokeModalId, "break-glass", "extend", "reviewed"];
  const searches = [formActions.cluster, formActions.namespaces, breakGlassClusterAction];
  const home = { type: "app_home_opened", user: user.id, tab: "home", channel: "D1" };
  const alone = { command: "/eks-access", text: "request", user_id: user.id };
  return [
    ...["", ...commands.map(({ word }) => word), "sttaus"].map((word) => {
      const command = { command: "/eks-access", text: `${word} staging ${engineerArn}`, user_id: user.id };
      return [`/eks-access ${word}`, { command, body: command }] as const;
    }),
    ["/eks-access request alone", { command: alone, body: alone }],
    ...buttons.flatMap((id) => [
      [`the button ${id} of a message`, press(id, { response_url: "https://slack.test" })] as const,
      [`the button ${id} of App Home`, press(id, { view: { ...view, type: "home" } })] as const,
      [`the button ${id} of the details`, press(id, { view: { ...view, callback_id: detailsModalId } })] as const,
    ]),
    ...[...Object.values(formActions), breakGlassClusterAction].map(
      (id) => [`the field ${id} of the form`, press(id, { view: { ...view, callback_id: requestModalId } })] as const,
    ),
    ...forms.map((callback_id) => {
      const form = { ...view, callback_id };
      return [`the form ${callback_id}`, { view: form, body: { type: "view_submission", user, view: form } }] as const;
    }),
    ...searches.map((action_id) => {
      const search = { type: "block_suggestion", user, action_id, value: "" };
      return [`a search by ${action_id}`, { options: search, payload: search, body: search }] as const;
    }),
    ["App Home", { event: home, body: { event: home } }],
  ];
}

/** What is said by a process to which `sent` comes, in whatever way it says it. */
async function saidTo(sent: object, account: Account | (() => Promise<Account>)): Promise<string> {
  const said: unknown[] = [];
  const say = async (...words: unknown[]) => void said.push(words);
  const client = new Proxy({}, { get: () => new Proxy({}, { get: () => say }) });
  const directory: Directory = {
    ...noGroups,
    accountOf: typeof account === "function" ? account : async () => account,
  };
  const ledger = memoryLedger();
  await ledger.commit(aChange({ ...aPreviewedRequest(), version: 1 }));
  const handle = handlerOf(atStart(aSlackContext(ledger, undefined, directory)), noClicks);

  await handle({ ...sent, context: {}, ack: say, respond: say, client } as unknown as Sent);

  if ((await ledger.get("r-1"))?.version !== 1) said.push("changed r-1 on staging");
  return JSON.stringify(said);
}

const silent = () => Promise.reject(new Error("Slack does not answer"));

describe.each<[Account, string]>([
  ["deactivated", "the Slack account is deactivated"],
  ["guest", "guests of the workspace get no access"],
  ["of-another-workspace", "the account is of another workspace"],
  ["bot", "only people get access"],
  ["unknown", "Slack does not know the account"],
])("a person whose account is %s", (account, reason) => {
  test.each(everything())("learns and changes nothing by %s", async (name, sent) => {
    const said = await saidTo(sent, account);

    expect(said).not.toMatch(/staging|viewer|admin@|U0APPROVER/);
    if (name.startsWith("a search")) expect(said).toBe('[[{"options":[]}]]');
    else expect(said).toContain(reason);
  });
});

describe("a click of a guest", () => {
  const clickIn = (channel: string) => {
    const block = { type: "actions", elements: [{ type: "button", action_id: "ask-again" }] };
    const container = { type: "message", channel_id: channel, message_ts: "1.2" };
    const message = { text: "denied", blocks: [{ type: "section" }, block] };
    const action = { type: "button", action_id: "ask-again", value: "r-1" };
    const body = { type: "block_actions", user, container, message, actions: [action], response_url: "https://slack" };
    return { action, body };
  };
  const gone = "You can't use eks-access: guests of the workspace get no access. Ask a member.";

  test("in their direct message takes its buttons away, and says why", async () => {
    const said = await saidTo(clickIn("D0ENGINEER"), "guest");

    expect(said).toContain('"replace_original":true');
    expect(said).toContain(`:warning: ${gone}`);
    expect(said).not.toContain('"button"');
  });

  test("leaves the buttons that others see", async () => {
    const said = await saidTo(clickIn("C0ACCESS"), "guest");

    expect(said).toContain('"response_type":"ephemeral"');
    expect(said).toContain('"replace_original":false');
  });

  test("leaves them while Slack does not confirm the account", async () => {
    expect(await saidTo(clickIn("D0ENGINEER"), silent)).toContain('"replace_original":false');
  });
});

test("a person whose account is active is shown clusters and levels", async () => {
  const [, sent] = everything().find(([name]) => name === "/eks-access clusters") ?? expect.fail("no such command");

  const said = await saidTo(
    { ...sent, command: { command: "/eks-access", text: "clusters", user_id: user.id } },
    "active",
  );

  expect(said).toMatch(/staging.*viewer/);
});

describe("a person about which Slack does not answer", () => {
  const isEnding = ([name]: readonly [string, object]) => /\b(?:revoke|done|cancel)\b/.test(name);

  test.each(everything().filter((each) => !isEnding(each)))("learns nothing by %s", async (name, sent) => {
    const said = await saidTo(sent, silent);

    expect(said).not.toMatch(/staging|viewer|admin@|U0APPROVER/);
    if (name.startsWith("a search")) expect(said).toBe('[[{"options":[]}]]');
  });

  test.each([
    { command: { command: "/eks-access", text: "cancel r-1", user_id: user.id } },
    { action: { type: "button", action_id: "cancel", value: "r-1" } },
    { action: { type: "button", action_id: "stop-migration", value: "migration-staging-1" } },
  ])("can still cancel their request, or stop a migration: %j", async (sent) => {
    const body = "command" in sent ? sent.command : { type: "block_actions", user, actions: [sent.action] };

    const said = await saidTo({ ...sent, body }, silent);

    expect(said).not.toContain("Slack did not confirm");
  });

  test.each([
    "request",
    "clusters",
    "status r-1",
    "list active",
    "help",
    "migrate stagin stop",
    "migrate staging stop",
  ])("reads why %s shows nothing", async (text) => {
    const command = { command: "/eks-access", text, user_id: user.id };

    const said = await saidTo({ command, body: command }, silent);

    expect(said).toContain("Slack did not confirm the account. Try again in a minute.");
  });
});

test("a guest whom Slack names late ends nothing", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const late = () => new Promise<Account>((answer) => setTimeout(answer, 1_500, "guest"));
  const command = { command: "/eks-access", text: "cancel r-1", user_id: user.id };

  const saying = saidTo({ command, body: command }, late);
  await vi.advanceTimersByTimeAsync(4_000);
  vi.useRealTimers();

  expect(await saying).not.toContain("Cancelled");
});

test("a person whom Slack does not confirm in time gets an answer within a second", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const never = () => new Promise<Account>(() => {});
  const command = { command: "/eks-access", text: "clusters", user_id: user.id };

  const saying = saidTo({ command, body: command }, never);
  await vi.advanceTimersByTimeAsync(1_000);
  vi.useRealTimers();

  expect(await saying).toContain("Slack did not confirm the account.");
});
