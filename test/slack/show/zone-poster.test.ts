import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { logPoster, type ZoneContext, zonePoster } from "../../../src/slack/show/notice-poster.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { at } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";

let slack: SandboxSlack;
let ledger: { -readonly [Port in keyof Ledger]: Ledger[Port] };
let seconds: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  slack = await startSandboxSlack();
  ledger = memoryLedger();
  seconds = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  await slack.stop();
});

const zoned = { ...aCluster(), name: "private", zone: "eu-private" };

/** Looks of a Slack process: at its start, and after each of these times. */
async function looksOf(
  clusters: readonly ReturnType<typeof aCluster>[],
  act: (later: Later) => Promise<void>,
  operatorsChannel: string | null = null,
) {
  const configuration = () => ({
    clusters: new Map(clusters.map((cluster) => [cluster.name, cluster])),
    operatorsChannel,
  });
  const log = pino({ level: "silent" });
  const context: ZoneContext = { ledger, configuration, client: aClient(slack), log, now: () => at(seconds) };
  const look = zonePoster(context);
  await act(async (to) => {
    pass(to);
    await look();
  });
}

function pass(to: number): void {
  seconds = to;
  vi.setSystemTime(at(to));
}

type Later = (seconds: number) => Promise<void>;
const posted = () => slack.messages(aCluster().channel).map(textOf);

test("a zone without a worker is reported within a minute, once, with its clusters, and also that it has one again", async () => {
  await ledger.noteZone(null, at(0));
  await ledger.noteZone("eu-private", at(0));

  await looksOf([aCluster(), zoned], async (later) => {
    for (let to = 10; to <= 50; to += 10) {
      await ledger.noteZone(null, at(to));
      await later(to);
    }
    await later(52);
    await ledger.noteZone("eu-private", at(70));
    await ledger.noteZone(null, at(70));
    await later(75);
  });

  expect(posted()).toEqual([
    expect.stringMatching(/No worker serves the zone eu-private.*`private`.*`eks-access worker --zone eu-private`/s),
    expect.stringContaining("A worker serves the zone eu-private again"),
  ]);
});

test("workers have time after the start of this process and after an outage of Redis, and a zone that never had one is reported", async () => {
  const { zonesSeen } = ledger;
  const away = async () => Promise.reject(new Error("Redis is away"));

  await looksOf([zoned], async (later) => {
    await later(40);
    ledger.zonesSeen = away;
    await expect(later(50)).rejects.toThrow("away");
    ledger.zonesSeen = zonesSeen;
    await later(90);
    expect(posted()).toEqual([]);
    await later(100);
  });

  expect(posted()).toHaveLength(1);
});

test("without zones there is no message", async () => {
  await looksOf([aCluster()], (later) => later(600));

  expect(posted()).toEqual([]);
});

test("the operators' channel gets it, if there is one", async () => {
  slack.addChannel({ id: "C0OPERATORS", name: "operators", members: [slack.botUserId] });

  await looksOf([zoned], (later) => later(50), "C0OPERATORS");

  expect(posted()).toEqual([]);
  expect(slack.messages("C0OPERATORS")).toHaveLength(1);
});

test("a log that takes no event is reported at once and by one process, and also that it takes them again", async () => {
  const log = pino({ level: "silent" });
  let flaw: string | null = null;
  const configuration = () => ({ clusters: new Map([["staging", aCluster()]]), operatorsChannel: null });
  const context = { ledger: { ...ledger, logFlaw: async () => flaw }, configuration, client: aClient(slack), log };
  const [look, lookOfAnother] = [logPoster(context), logPoster(context)];

  await look();
  flaw = "WRONGTYPE";
  for (const each of [look, lookOfAnother, look]) await each();
  flaw = null;
  for (const each of [look, lookOfAnother, look]) await each();

  expect(posted()).toEqual([
    expect.stringContaining("*The audit log is stopped.* No request, decision or lease can change"),
    expect.stringContaining("The audit log takes events again"),
  ]);
});

test("what Slack refuses is posted minutes later, and its end also by a process that started in between", async () => {
  const body = JSON.stringify({ ok: false, error: "internal_error" });
  const refuse = () => slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 200, body });
  refuse();
  await looksOf([zoned], async (later) => {
    for (const to of [50, 55, 175]) await later(to);
  });
  refuse();
  await looksOf([zoned], async (later) => {
    await later(180);
    await ledger.noteZone("eu-private", at(190));
    for (const to of [195, 200]) await later(to);
    await ledger.noteZone("eu-private", at(320));
    for (const to of [325, 330]) await later(to);
  });

  expect(posted()).toEqual([
    expect.stringContaining("No worker serves the zone eu-private"),
    expect.stringContaining("A worker serves the zone eu-private again"),
  ]);
});

test("a channel that is gone delays no other one, and its zone is no news after its end", async () => {
  slack.addChannel({ id: "C0GONE", name: "gone", members: [] });
  await looksOf([{ ...zoned, name: "a", channel: "C0GONE" }, zoned], async (later) => {
    await later(50);
    await ledger.noteZone("eu-private", at(60));
    for (const to of [65, 70]) await later(to);
  });

  expect(posted()).toHaveLength(2);
  expect(slack.messages("C0GONE")).toEqual([]);
});
