import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Faults } from "../../sandbox/faults.ts";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import type { CommandAnswer } from "../../sandbox/slack/inputs.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { startRedisGate } from "../fault/redis-gate.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;
let database: TestRedis;
let gate: Awaited<ReturnType<typeof startRedisGate>>;
/** Faults of what the Slack process sends to Redis: what the worker commits meanwhile must not meet them. */
const commits = new Faults();

beforeAll(async () => {
  database = await aRedis();
  const { port, pathname } = new URL(database.url);
  gate = await startRedisGate(Number(port), commits);
  const redis = { url: database.url, slackUrl: `${gate.url}${pathname}`, environment: {} };
  flow = await startFlow({
    slackRateLimits: false,
    // What is acknowledged is the subject, and not within how many seconds: the machine may be busy with something else.
    slackWaitsMs: 40_000,
    // One person asks for all of it, and what a limit refuses is acknowledged without a record.
    configuration: `${configuration}  deadlines: { acknowledge: 30s }\nlimits: { pending: 1000, requests: 1000 }\n`,
    redis: { ...redis, administratorUrl: database.url },
  });
});
afterAll(async () => {
  await flow.stop();
  await gate.stop();
  await database.close();
});

const person = (id: string) => flow.sandbox.slack.person(id);
const ask = (reason: string, user = "U0ENGINEER") =>
  person(user).command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 30m ${reason}`, channel);
const numbered = (count: number, what: string) => Array.from({ length: count }, (_, index) => `${what} ${index}.`);

/** All requests that are in the ledger. */
async function inLedger(): Promise<readonly AccessRequest[]> {
  const redis = new Redis(database.url);
  const of = { list: "all", clusters: [clusterName], requester: null, match: "any" } as const;
  const { requests } = await redisLedger(redis).list(of, 0, 1000);
  redis.disconnect();
  return requests;
}

/** The reasons of those in the ledger that this is true of. */
async function reasonsOf(isMeant: (request: AccessRequest) => boolean = () => true): Promise<ReadonlySet<string>> {
  return new Set((await inLedger()).filter(isMeant).map(({ reason }) => reason));
}

/**
 * Does it for each of these, kills the Slack process at the first acknowledgement, and starts another one. Returns what was
 * acknowledged.
 */
async function untilItIsKilled(
  names: readonly string[],
  act: (name: string, index: number) => Promise<CommandAnswer>,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const half = names.length / 2;
  let killing: Promise<void> | undefined;
  let noteKilling = (): void => undefined;
  const killed = new Promise<void>((resolve) => {
    noteKilling = resolve;
  });
  const acts = names.map(async (name, index) => {
    // One after the other, so that some are under way at that moment. The second half comes to a process that is dead.
    if (index >= half) await killed;
    await wait(4 * (index % half));
    let { error } = await act(name, index);
    // A process answers 404 to what it acknowledges too late for Slack, and the person does it again.
    while (error && !killing) ({ error } = await act(name, index));
    if (error) return error;
    killing ??= flow.slack().kill();
    noteKilling();
    acknowledged.push(name);
    return "acknowledged";
  });
  const ends = new Set(await Promise.all(acts));
  await killing;
  await flow.startSlack();
  // Who is not acknowledged sees Slack's own error, and none of them is left without either.
  expect(ends).toEqual(new Set(["acknowledged", "dispatch_failed"]));
  return acknowledged;
}

test("whatever command was acknowledged is in the ledger, also where the process is killed at the first acknowledgement", async () => {
  const acknowledged = await untilItIsKilled(numbered(50, "story"), (reason) => ask(reason));

  const found = await reasonsOf();
  expect(acknowledged.filter((reason) => !found.has(reason))).toEqual([]);
});

/** As above, a person can have to do it again. */
const untilAcknowledged = (act: () => Promise<CommandAnswer>) =>
  expect.poll(async () => (await act()).error).toBeUndefined();

/** Kills the Slack process while what was done is on its way into the ledger, and starts another one. What Slack shows. */
async function killedAtTheCommit(act: () => Promise<CommandAnswer>): Promise<CommandAnswer["error"]> {
  const { struck } = commits.plan("redis.commit", { type: "hang" });
  const acting = act();
  await struck;
  // Which asks Redis for nothing: the process had time to acknowledge what is not recorded.
  await person("U0ONCALL").command("/eks-access help", channel);
  await flow.slack().kill();
  await flow.startSlack();
  return (await acting).error;
}

test("a process that dies before it has recorded a command leaves the person who typed it with an error, and not in silence", async () => {
  expect(await killedAtTheCommit(() => ask("between both"))).toBe("dispatch_failed");
  expect(await reasonsOf()).not.toContain("between both");
  await untilAcknowledged(() => ask("between both"));
  expect(await reasonsOf()).toContain("between both");
});

test("nor is a click acknowledged that is not recorded yet, and the next process takes it", async () => {
  await ask("to be approved");
  const message = await flow.asked("to be approved");
  const click = () => person("U0APPROVER").click(message, "approve");
  const approved = () => reasonsOf(({ approvals }) => approvals.length > 0);

  expect(await killedAtTheCommit(click)).toBe("dispatch_failed");
  expect(await approved()).not.toContain("to be approved");
  await untilAcknowledged(click);
  expect(await approved()).toContain("to be approved");
});

test("nor is a form, which is still open", async () => {
  const engineer = person("U0ENGINEER");
  // Slack opens a form within three seconds, or the person reads that it did not, and does it again.
  while (!engineer.view()) {
    const { seen } = await engineer.command("/eks-access request", channel);
    await flow.until(() => engineer.view() ?? seen()[0]);
  }

  // The form has the last principal only if Redis answers in time.
  const filled = { "IAM role or user": arns.engineer, Why: "in a form" };
  expect(await killedAtTheCommit(() => engineer.submit(filled))).toBe("dispatch_failed");
  expect(await reasonsOf()).not.toContain("in a form");
  await untilAcknowledged(() => engineer.submit());
  expect(await reasonsOf()).toContain("in a form");
});
