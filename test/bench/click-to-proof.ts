import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { arns, channel, externalId, region } from "../../src/sandbox/scene.ts";
import { textOf } from "../../src/sandbox/slack/text-of.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, type Scale } from "./figure.ts";
import { type Asked, approve, ask, userArn } from "./people.ts";
import { median, percentile } from "./percentile.ts";
import { referenceResult } from "./product.ts";
import { type Stage, startStage } from "./stage.ts";

const cluster = "staging";
const referenceName = "the unavoidable calls in a row";

/** Every call that AWS and the cluster are asked between a click and its proof. */
const calls = [
  ...["sts.GetCallerIdentity", "sts.AssumeRole", "eks.DescribeCluster"],
  ...["kubernetes.get-configmap", "kubernetes.dry-run-configmap", "kubernetes.replace-configmap"],
  "kubernetes.subject-access-review",
];
/** What the way to a region and back takes: a usual distance, not a measured one. */
const wayMs = 30;

/** From the click on Approve to the recorded proof: one at a time, with a network's delays, and many at once. */
export async function measureClickToProof(scale: Scale): Promise<readonly Figure[]> {
  const [runs, crowd] = scale === "small" ? [5, 10] : [30, 50];
  const stage = await startStage([cluster]);
  try {
    await Promise.all([stage.startSlack(), stage.startWorker()]);
    const events = readEvents(stage.ledger);
    const users = userNames();
    const warmUp = await ask(stage, events, { cluster, principals: users(5), duration: "1h" });
    await oneAtATime(stage, events, warmUp);

    const alone = await oneAtATime(
      stage,
      events,
      await ask(stage, events, { cluster, principals: users(runs), duration: "1h" }),
    );
    const calling = await unavoidableCalls(stage, runs);
    const asked = await ask(stage, events, { cluster, principals: users(crowd), duration: "1h" });
    const together = await atOnce(stage, events, asked);
    const far = await ask(stage, events, { cluster, principals: users(runs), duration: "1h" });
    const plans = calls.map((call) =>
      stage.faults.plan(call, { type: "delay", ms: wayMs }, { times: Number.POSITIVE_INFINITY }),
    );
    const aloneFar = await oneAtATime(stage, events, far);
    const callingFar = await unavoidableCalls(stage, runs);
    for (const plan of plans) plan.cancel();
    return [
      ...figuresOf("click → proof, one at a time", alone.proven, calling),
      ...figuresOf(`click → proof, one at a time, each call ${wayMs} ms further away`, aloneFar.proven, callingFar),
      ...figuresOf(`click → proof, ${crowd} at once`, together, calling),
      { name: "click → Slack shows it, one at a time: median", value: median(alone.shown), unit: "ms" },
    ];
  } finally {
    await stage.stop();
  }
}

function userNames(): (count: number) => readonly string[] {
  let next = 0;
  return (count) => Array.from({ length: count }, () => userArn(next++));
}

interface Alone {
  /** Milliseconds from the click to the recorded proof. */
  readonly proven: readonly number[];
  /** Milliseconds from the click to the message that says so. */
  readonly shown: readonly number[];
}

async function oneAtATime(stage: Stage, events: EventReader, asked: readonly Asked[]): Promise<Alone> {
  const proven: number[] = [];
  const shown: number[] = [];
  for (const each of asked) {
    const clicked = await approve(stage, each);
    await stage.slack.until(() => {
      const message = stage.slack.messages(channel).findLast(({ ts }) => ts === each.message.ts);
      return message && textOf(message).includes("*Active*") ? true : undefined;
    });
    shown.push(Date.now() - clicked);
    const active = timesOf(await events.take("grant.active", 1)).get(each.request);
    if (active === undefined) throw new Error(`${each.request} is shown as active, and is not recorded so`);
    proven.push(active - clicked);
    // Not in step with the sweep, which comes once a second.
    await wait(100 + Math.random() * 200);
  }
  return { proven, shown };
}

async function atOnce(stage: Stage, events: EventReader, asked: readonly Asked[]): Promise<readonly number[]> {
  const clicks = Promise.all(asked.map(async (each) => [each.request, await approve(stage, each)] as const));
  const active = timesOf(await events.take("grant.active", asked.length));
  return (await clicks).map(([request, clicked]) => (active.get(request) ?? Number.NaN) - clicked);
}

async function unavoidableCalls(stage: Stage, runs: number): Promise<readonly number[]> {
  const input = { eksName: cluster, region, roleArn: arns.creator, externalId, runs, warmUp: 10 };
  const environment = { ...stage.workerEnvironment, BENCH_INPUT: JSON.stringify(input) };
  const result = await referenceResult("unavoidable-calls.ts", environment);
  return z.object({ milliseconds: z.array(z.number()) }).parse(result).milliseconds;
}

function figuresOf(name: string, ours: readonly number[], theirs: readonly number[]): readonly Figure[] {
  const [value, reference] = [median(ours), median(theirs)];
  return [
    {
      name: `${name}: median`,
      value,
      unit: "ms",
      reference: { name: referenceName, value: reference },
      target: atMostTimes(1.5, value, reference),
    },
    {
      name: `${name}: p99`,
      value: percentile(ours, 0.99),
      unit: "ms",
      reference: { name: referenceName, value: percentile(theirs, 0.99) },
    },
  ];
}
