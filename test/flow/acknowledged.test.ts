import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisLedger } from "../../src/redis/ledger.ts";
import { arns, channel, clusterName } from "../../src/sandbox/scene.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow();
});
afterAll(() => flow.stop());

const ask = (reason: string) =>
  flow.sandbox.slack
    .person("U0ENGINEER")
    .command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 30m ${reason}`, channel);

/** The reasons of all requests that are in the ledger. */
async function recorded(): Promise<ReadonlySet<string>> {
  const redis = new Redis(flow.redisUrl);
  const requests = await redisLedger(redis).ofRequester("U0ENGINEER", 1000);
  redis.disconnect();
  return new Set(requests.map(({ reason }) => reason));
}

test("whatever was acknowledged is in the ledger, also where the process is killed at the first acknowledgement", async () => {
  const acknowledged: string[] = [];
  const reasons = Array.from({ length: 50 }, (_, index) => `story ${index}`);

  let killing: Promise<void> | undefined;
  const acks = reasons.map(async (reason, index) => {
    // One after the other, so that some are under way at that moment, and some come to a process that is dead.
    await wait(4 * index);
    const { error } = await ask(reason);
    if (error) return error;
    killing ??= flow.slack().kill();
    acknowledged.push(reason);
    return "acknowledged";
  });
  const ends = new Set(await Promise.all(acks));
  await killing;

  // Who is not acknowledged sees Slack's own error, and none of them is left without either.
  expect(ends).toEqual(new Set(["acknowledged", "dispatch_failed"]));
  const found = await recorded();
  expect(acknowledged.filter((reason) => !found.has(reason))).toEqual([]);
  await flow.startSlack();
});

test("a process that dies before it has recorded a command leaves whoever typed it with an error, and not in silence", async () => {
  // Half a minute ago somebody asked whether the account is active: a new process asks again.
  const { struck } = flow.sandbox.faults.plan("slack.users.info", { type: "hang" });

  const asking = ask("between both");
  await struck;
  await flow.slack().kill();

  expect((await asking).error).toBe("dispatch_failed");
  expect(await recorded()).not.toContain("between both");
  await flow.startSlack();
  expect((await ask("between both")).error).toBeUndefined();
  expect(await recorded()).toContain("between both");
});
