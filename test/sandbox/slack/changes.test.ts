import { afterEach, beforeEach, expect, test } from "vitest";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { aClient } from "./a-client.ts";

let slack: SandboxSlack;

beforeEach(async () => {
  slack = await startSandboxSlack();
});

afterEach(() => slack.stop());

const post = (text: string) => aClient(slack).chat.postMessage({ channel: "C0ACCESS", text });

test("waiting ends as soon as what was waited for is there", async () => {
  const waiting = slack.until(() => slack.messages("C0ACCESS").find(({ text }) => text === "second"));

  await post("first");
  await post("second");

  expect((await waiting).text).toBe("second");
});

test("waiting in vain ends with what was there instead", async () => {
  await post("something else");

  const waiting = slack.until(() => slack.messages("C0ACCESS").find(({ text }) => text === "this"), 20);

  await expect(waiting).rejects.toThrow("nothing came in 20 ms. The workspace shows:\n- in C0ACCESS: something else");
});

test("a listener hears each change until it is removed", async () => {
  let heard = 0;
  const stop = slack.onChange(() => {
    heard += 1;
  });
  await post("one");
  stop();

  await post("two");

  expect(heard).toBe(1);
});
