import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { arns, channel, externalId, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { type Bench, startBench } from "./bench.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, median, percentile, type Scale } from "./figure.ts";
import { type Asked, approve, ask, userArn } from "./people.ts";
import { referenceResult } from "./product.ts";

const cluster = "staging";
const referenceName = "the unavoidable calls in a row";

/** Every call that AWS and the cluster are asked between a click and its proof. */
export const calls = [
  ...["sts.GetCallerIdentity", "sts.AssumeRole", "eks.DescribeCluster"],
  ...["kubernetes.get-configmap", "kubernetes.dry-run-configmap", "kubernetes.replace-configmap"],
  "kubernetes.subject-access-review",
];
/** Before the reference is timed, so that neither side pays for code that was never run. */
const warmUpRuns = 10;
/** What the way to a region and back takes: a usual distance, not a measured one. */
export const oneWayMs = 30;

/** From the click on Approve to the recorded proof: one at a time, many at once, and with a network's delays. */
export async function measureClickToProof(scale: Scale): Promise<readonly Figure[]> {
  const [runs, crowd] = scale === "small" ? [5, 10] : [30, 50];
  const bench = await startBench([cluster]);
  try {
    await Promise.all([bench.startSlack(), bench.startWorker()]);
    const approvals = approvalsOn(bench);
    await oneAtATime(approvals, await approvals.ask(10));
    const near = await besideTheCalls(approvals, runs);
    const together = await atOnce(approvals, await approvals.ask(crowd));
    const far = await withDelays(bench, () => besideTheCalls(approvals, runs));
    return [
      ...published(figuresOf("click → proof, one at a time", near.ours.proven, near.theirs)),
      {
        name: "calls to AWS and the cluster for one click",
        value: near.ours.calls,
        unit: "",
        reference: { name: referenceName, value: near.theirCalls },
      },
      { name: "click → Slack shows it, one at a time: median", value: median(near.ours.shown), unit: "ms" },
      ...figuresOf(`click → proof, one at a time, each call ${oneWayMs} ms further away`, far.ours.proven, far.theirs),
      ...figuresOf(`click → proof, ${crowd} at once`, together, near.theirs),
    ];
  } finally {
    await bench.stop();
  }
}

interface Approvals {
  readonly bench: Bench;
  readonly events: EventReader;
  /** So many requests for users that were never asked for before. */
  readonly ask: (count: number) => Promise<readonly Asked[]>;
}

function approvalsOn(bench: Bench): Approvals {
  const events = readEvents(bench.ledger);
  let next = 0;
  return {
    bench,
    events,
    ask: (count) => {
      const principals = Array.from({ length: count }, () => userArn(next++));
      return ask(bench, events, { cluster, principals, duration: "1h" });
    },
  };
}

async function besideTheCalls(approvals: Approvals, runs: number) {
  const ours = await oneAtATime(approvals, await approvals.ask(runs));
  const before = callsSoFar(approvals.bench);
  const theirs = await unavoidableCalls(approvals.bench, runs);
  return { ours, theirs, theirCalls: (callsSoFar(approvals.bench) - before) / (warmUpRuns + runs) };
}

/** @param delayed names of calls */
export async function withDelays<T>(
  { faults }: Bench,
  act: () => Promise<T>,
  delayed: readonly string[] = calls,
): Promise<T> {
  const delay = { type: "delay", ms: oneWayMs } as const;
  const plans = delayed.map((call) => faults.plan(call, delay, { times: Number.POSITIVE_INFINITY }));
  try {
    return await act();
  } finally {
    for (const plan of plans) plan.cancel();
  }
}

function callsSoFar(bench: Bench): number {
  return calls.reduce((sum, call) => sum + bench.calls(call), 0);
}

interface Alone {
  /** Milliseconds from the click to the recorded proof. */
  readonly proven: readonly number[];
  /** Milliseconds from the click to the message that says so. */
  readonly shown: readonly number[];
  /** Made for each of them, on average. */
  readonly calls: number;
}

async function oneAtATime({ bench, events }: Approvals, asked: readonly Asked[]): Promise<Alone> {
  const before = callsSoFar(bench);
  const proven: number[] = [];
  const shown: number[] = [];
  for (const each of asked) {
    const clicked = await approve(bench, each);
    await bench.slack.until(() => {
      const message = bench.slack.messages(channel).findLast(({ ts }) => ts === each.message.ts);
      return message && textOf(message).includes("*Active*") ? true : undefined;
    });
    shown.push(Date.now() - clicked);
    const active = timesOf(await events.take("lease.active", 1)).get(each.request);
    if (active === undefined) throw new Error(`${each.request} is shown as active, and is not recorded so`);
    proven.push(active - clicked);
    // Not in step with the sweep, which comes once a second.
    await wait(100 + Math.random() * 200);
  }
  return { proven, shown, calls: (callsSoFar(bench) - before) / asked.length };
}

async function atOnce({ bench, events }: Approvals, asked: readonly Asked[]): Promise<readonly number[]> {
  const clicks = Promise.all(asked.map(async (each) => [each.request, await approve(bench, each)] as const));
  const active = timesOf(await events.take("lease.active", asked.length));
  return (await clicks).map(([request, clicked]) => (active.get(request) ?? Number.NaN) - clicked);
}

async function unavoidableCalls(bench: Bench, runs: number): Promise<readonly number[]> {
  const input = { eksName: cluster, region, roleArn: arns.creator, externalId, runs, warmUp: warmUpRuns };
  const environment = { ...bench.workerEnvironment, BENCH_INPUT: JSON.stringify(input) };
  const result = await referenceResult("unavoidable-calls", environment);
  return z.object({ milliseconds: z.array(z.number()) }).parse(result).milliseconds;
}

function published(figures: readonly Figure[]): readonly Figure[] {
  return figures.map((figure) => ({ ...figure, published: figure.name }));
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
