import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { type Notice, sealNotice } from "../../../src/access/shared-lists.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { startNoticePoster } from "../../../src/slack/show/notice-poster.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";

const channel = "C0ACCESS";
let slack: SandboxSlack;
let ledger: Ledger;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  slack = await startSandboxSlack();
  ledger = memoryLedger();
});
afterEach(() => {
  vi.useRealTimers();
  return slack.stop();
});

function notice(id: string, lines: readonly string[] = ["New: payments."]): Notice {
  return { id, at: at(0).toISOString(), title: `The fleet changed (${id})`, lines };
}

/** One look of a Slack process at this time. */
async function look(
  seconds = minutes(1),
  operatorsChannel: string | null = channel,
  follow = async () => {},
): Promise<void> {
  vi.setSystemTime(at(seconds));
  const log = pino({ level: "silent" });
  const context = { ledger, configuration: () => ({ operatorsChannel }), keys, client: aClient(slack), follow };
  await startNoticePoster({ ...context, log, now: () => at(seconds) }).stop();
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `New: ${"x".repeat(90)}-${index}.`);
const posted = () => slack.messages(channel).map(textOf);

test("notices of both processes are posted once, the oldest first, by all Slack processes together", async () => {
  await ledger.addNotice(sealNotice(notice("one"), keys.preview));
  await ledger.addNotice(sealNotice(notice("two"), keys.decision));

  await Promise.all([look(), look()]);
  await look();

  expect(posted()).toEqual([
    "*The fleet changed (one)*\n• New: payments.",
    "*The fleet changed (two)*\n• New: payments.",
  ]);
});

test("what Slack refuses, and what a process did not post before it died, another process posts minutes later", async () => {
  for (const id of ["one", "two"]) await ledger.addNotice(sealNotice(notice(id), keys.preview));
  await ledger.addNotice(sealNotice(notice("three", many(60)), keys.preview));
  const refusal = { type: "answer", status: 200, body: JSON.stringify({ ok: false, error: "fatal_error" }) } as const;
  slack.faults.plan("slack.chat.postMessage", refusal, { nth: 2, times: 2 });
  await look(minutes(1));
  for (const passed of [2, 3.1, 4]) await look(minutes(passed));

  expect(posted().map((text) => /\((.*)\)/.exec(text)?.[1])).toEqual([
    ...["one", "three) (2 of 3", "three) (3 of 3", "two", "three) (1 of 3"],
  ]);
});

test("a new cluster is posted after this process knows it, so that people can ask for it", async () => {
  await ledger.addNotice(sealNotice(notice("one"), keys.preview));
  const before: number[] = [];

  await look(minutes(1), channel, async () => void before.push(posted().length));
  await look(minutes(1), channel, async () => void before.push(posted().length));

  expect(before).toEqual([0]);
  expect(posted()).toHaveLength(1);
});

test("what another person wrote into Redis, or changed there, is not posted", async () => {
  await ledger.addNotice(sealNotice(notice("forged"), otherKeys.preview));
  await ledger.addNotice({ ...sealNotice(notice("changed"), keys.preview), title: "Click here" });

  await look();

  expect(posted()).toEqual([]);
});

test("a tag can't call people or make a link", async () => {
  await ledger.addNotice(
    sealNotice(notice("one", ["New: payments, with env=<!channel> *x* <https://evil.example|ok>."]), keys.preview),
  );

  await look();

  expect(JSON.stringify(slack.messages(channel))).toContain("&lt;!channel&gt;");
  expect(JSON.stringify(slack.messages(channel))).not.toMatch(/<!channel>|<https/);
});

test("a long list is in several messages, in order, each line once", async () => {
  await ledger.addNotice(sealNotice(notice("one", many(60)), keys.preview));

  await look();

  expect(posted().map((text) => text.split("\n")[0])).toEqual([
    expect.stringContaining("The fleet changed (one) (1 of 3)"),
    expect.stringContaining("The fleet changed (one) (2 of 3)"),
    expect.stringContaining("The fleet changed (one) (3 of 3)"),
  ]);
  expect(
    [
      ...posted()
        .join("\n")
        .matchAll(/x-(\d+)\./g),
    ].map(([, index]) => Number(index)),
  ).toEqual([...Array(60).keys()]);
});

test("a list of a whole fleet ends in ten messages, and says how many lines only the log has", async () => {
  await ledger.addNotice(sealNotice(notice("one", ["y".repeat(4_000), ...many(400)]), keys.preview));

  await look();

  const shown =
    posted()
      .join("\n")
      .match(/x-\d+\./g)?.length ?? 0;
  expect(posted()).toHaveLength(10);
  expect(posted().at(-1)).toContain(`… and ${400 - shown} more, in the log.`);
});

test.each([
  ["without a channel", minutes(1), null],
  ["a day later", hours(25), channel],
])("nothing is posted %s", async (_, seconds, into) => {
  await ledger.addNotice(sealNotice(notice("one"), keys.preview));

  await look(seconds, into);

  expect(posted()).toEqual([]);
});

test("while Redis is away, the log has its failure once, not at each look", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line) => lines.push(line) });
  const notices = vi.fn<Ledger["notices"]>().mockRejectedValue(new Error("Redis is away"));
  const context = { ledger: { ...ledger, notices }, configuration: () => ({ operatorsChannel: channel }), keys, log };
  const poster = startNoticePoster({ ...context, client: aClient(slack), follow: async () => {}, now: () => at(0) });
  for (let looks = 1; looks < 8; looks += 1) {
    await vi.waitFor(() => expect(notices).toHaveBeenCalledTimes(looks));
    await new Promise(setImmediate);
    vi.advanceTimersByTime(5_000);
  }
  await poster.stop();

  expect(lines.filter((line) => line.includes('"stack"'))).toHaveLength(1);
  expect(lines.length).toBeLessThan(5);
});
