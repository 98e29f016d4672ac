import { setTimeout as wait } from "node:timers/promises";
import { WebClient } from "@slack/web-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { type FinishedCall, finishedCalls } from "../../../src/operations/announcements.ts";
import { usualDeadlines, withinDeadline } from "../../../src/operations/deadlines.ts";
import { slackDirectory } from "../../../src/slack/app/directory.ts";
import {
  directoryClient,
  messengerClient,
  observedFetch,
  webClientOptions,
} from "../../../src/slack/app/web-client.ts";
import { aSlackApp } from "../a-slack-app.ts";

let slack: SandboxSlack;
let calls: FinishedCall[];
let stopListening: () => void;

beforeEach(async () => {
  slack = await startSandboxSlack({ rateLimits: false });
  calls = [];
  // The files of a worker share a process: a call that another one has left on its way ends here, too.
  stopListening = finishedCalls.subscribe((call) => call.service === "slack" && calls.push(call));
});
afterEach(async () => {
  stopListening();
  await slack.stop();
});

const told = () => calls.map(({ service, operation, result }) => `${service} ${operation}: ${result}`);
const client = (timeoutMs = 2_500) => {
  const { botToken, signingSecret, appToken, apiUrl } = slack;
  return new WebClient(
    botToken,
    webClientOptions({ botToken, signingSecret, appToken, apiUrl, port: 0 }, { timeoutMs, retries: 0 }),
  );
};

test("a call of the Web API is reported by its method, and a refusal by Slack's word for it", async () => {
  await client().auth.test();
  await client()
    .users.info({ user: "U0NOBODY" })
    .catch(() => {});

  expect(told()).toEqual(["slack auth.test: ok", "slack users.info: user_not_found"]);
});

test("a text with half a character, as a cut through an emoji leaves it, arrives with a mark in its place", async () => {
  const { botToken, signingSecret, appToken, apiUrl } = slack;
  const { chat } = messengerClient({ botToken, signingSecret, appToken, apiUrl, port: 0 });

  await chat.postMessage({ channel: "C0ACCESS", text: "why \ud83d" });

  expect(slack.messages("C0ACCESS").at(-1)?.text).toBe("why \ufffd");
});

test("an answer to a command is reported without its address, which is a secret", async () => {
  // The worker takes longer than the acknowledgement waits.
  const app = await aSlackApp({ worker: () => wait(300, true) });
  await app.say("U0ENGINEER", "whoami");

  const answers = () => told().filter((call) => call.includes("response"));
  await expect.poll(answers).toEqual(["slack response_url: ok"]);
  await app.stop();
});

test("an answer of megabytes is not read to its end", async () => {
  const body = JSON.stringify({ ok: true, users: ["U".repeat(5 * 2 ** 20)] });
  slack.faults.plan("slack.auth.test", { type: "answer", status: 200, body });

  const asking = observedFetch(`${slack.apiUrl}auth.test`, { method: "POST", body: "" });

  await expect(asking.then(() => "read")).rejects.toMatchObject({ code: "answer-too-large" });
});

test("an answer of more small values than any is refused before it is parsed", async () => {
  const body = JSON.stringify({ ok: true, users: Array.from({ length: 20_001 }, () => "") });
  slack.faults.plan("slack.auth.test", { type: "answer", status: 200, body });

  const asking = observedFetch(`${slack.apiUrl}auth.test`, { method: "POST", body: "" });

  await expect(asking.then(() => "read")).rejects.toMatchObject({ code: "answer-too-large" });
});

test("an answer that comes byte by byte is given up with the call's one deadline", async () => {
  slack.faults.plan("slack.auth.test", { type: "drip" }, { times: 2 });

  const asking = client(300).auth.test();

  await expect(asking).rejects.toThrow(/aborted|timeout/i);
  expect(told()).toEqual(["slack auth.test: unreachable"]);
});

test("an answer without a deadline of its caller that comes byte by byte is given up too", async () => {
  slack.faults.plan("slack.auth.test", { type: "drip" });

  const asking = withinDeadline("migration", { ...usualDeadlines, slackBackground: 200 }, () =>
    observedFetch(`${slack.apiUrl}auth.test`, { method: "POST", body: "" }),
  );

  await expect(asking.then(() => "read")).rejects.toThrow(/aborted|timeout/i);
});

describe("a Slack that takes no more calls for a day", () => {
  const limited = { type: "answer", status: 429, headers: { "retry-after": "86400" } } as const;

  test("holds messages back for a minute", async () => {
    slack.faults.plan("slack.auth.test", limited);

    const { status, headers } = await observedFetch(`${slack.apiUrl}auth.test`, { method: "POST", body: "" });

    expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
  });

  test("makes no person wait for an answer about people", async () => {
    const { botToken, signingSecret, appToken, apiUrl } = slack;
    const people = slackDirectory(
      directoryClient({ botToken, signingSecret, appToken, apiUrl, port: 0 }),
      () => new Date(),
    );
    slack.faults.plan("slack.users.info", limited);
    slack.faults.plan("slack.usergroups.list", limited);
    slack.addUsergroup("S0PLATFORM", ["U0APPROVER"]);

    await expect(people.accountOf("U0APPROVER")).rejects.toMatchObject({ code: "slack-unreachable", retryable: true });
    expect(await people.accountOf("U0APPROVER")).toBe("active");
    expect(await people.membersOf("S0PLATFORM")).toEqual(["U0APPROVER"]);
  });
});

test("what Slack can't be asked is reported as such, and the call fails", async () => {
  await slack.stop();

  await expect(observedFetch(`${slack.apiUrl}auth.test`, { method: "POST", body: "" })).rejects.toThrow();

  expect(told()).toEqual(["slack auth.test: unreachable"]);
  slack = await startSandboxSlack({ rateLimits: false });
});
