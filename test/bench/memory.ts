import type { ProductProcess } from "../../sandbox/product-process.ts";
import { type AnswerSink, startAnswerSink } from "./answer-sink.ts";
import { type Bench, startBench } from "./bench.ts";
import { atMost, type Figure, type Scale } from "./figure.ts";
import { userArn } from "./people.ts";
import { useOf } from "./process-use.ts";
import { bareBoltOn, liveHeapOf } from "./product.ts";
import { asFastAsItGoes, type Receiver } from "./slash-load.ts";

/** A whole request that the worker then looks at, for each nine commands that only read. */
const requestLine = `request staging ${userArn(1)} viewer for 1h the bench wants to know`;
const partOfRequests = 10;

/** What the processes hold after some commands, and whether it grows with more of them. */
export async function measureMemory(scale: Scale): Promise<readonly Figure[]> {
  const [first, last] = scale === "small" ? [500, 1_000] : [10_000, 50_000];
  const bench = await startBench(["staging"]);
  const sink = await startAnswerSink(bench.slack);
  try {
    const [slack, worker] = await Promise.all([bench.startSlack(sink.apiUrl), bench.startWorker()]);
    const target = receiverOf(bench, bench.slackPort, sink);
    await sendMixed(target, sink, first);
    const early = [await holdOf(slack), await holdOf(worker)] as const;
    await sendMixed(target, sink, last - first);
    const late = [await holdOf(slack), await holdOf(worker)] as const;
    const bare = await residentOfBare(bench, sink, first);
    return [
      ...figuresOf("slack process", early[0], late[0], [first, last], bare),
      ...figuresOf("worker", early[1], late[1], [first, last]),
    ];
  } finally {
    await sink.stop();
    await bench.stop();
  }
}

async function sendMixed(target: Receiver, sink: AnswerSink, commands: number): Promise<void> {
  const requests = commands / partOfRequests;
  await asFastAsItGoes(target, commands - requests, 32, "help");
  await asFastAsItGoes(target, requests, 32, requestLine);
  await sink.take(commands);
}

/** What a process holds, in MB. */
interface Hold {
  readonly resident: number;
  /** In use on the heap, garbage left out. */
  readonly live: number;
}

async function holdOf(child: ProductProcess): Promise<Hold> {
  return { resident: await residentOf(child), live: await liveHeapOf(child) };
}

async function residentOf({ pid }: ProductProcess): Promise<number> {
  return (await useOf(pid)).residentMb;
}

/** The reference has nothing to do with a request: it answers all commands alike. */
async function residentOfBare(bench: Bench, sink: AnswerSink, commands: number): Promise<number> {
  const { app, port } = await bareBoltOn({ ...bench.slack, apiUrl: sink.apiUrl }, { ANSWERS: "yes" });
  try {
    await asFastAsItGoes(receiverOf(bench, port, sink), commands, 32, "help");
    await sink.take(commands);
    return await residentOf(app);
  } finally {
    await app.stop();
  }
}

function receiverOf({ slack }: Bench, port: number, sink: AnswerSink): Receiver {
  return {
    origin: `http://127.0.0.1:${port}`,
    signingSecret: slack.signingSecret,
    responseUrl: sink.url,
    onAnswer: sink.add,
  };
}

function figuresOf(
  process: string,
  early: Hold,
  late: Hold,
  [first, last]: readonly [number, number],
  bare?: number,
): readonly Figure[] {
  return [
    {
      name: `${process}: resident after ${first} commands`,
      value: early.resident,
      unit: "MB",
      reference: bare === undefined ? undefined : { name: "a bare Bolt app that acks and answers", value: bare },
    },
    grown(`${process}: resident after ${last} commands`, early.resident, late.resident, first),
    { name: `${process}: live heap after ${first} commands`, value: early.live, unit: "MB" },
    grown(`${process}: live heap after ${last} commands`, early.live, late.live, first),
  ];
}

/** A collector of garbage gives back late what it took early: a tenth is no growth. */
function grown(name: string, early: number, late: number, first: number): Figure {
  return {
    name,
    value: late,
    unit: "MB",
    reference: { name: `the same after ${first}`, value: early },
    target: { ...atMost(1.1 * early, late), text: "flat: at most a tenth more" },
  };
}
