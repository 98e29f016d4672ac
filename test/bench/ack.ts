import type { ProductProcess } from "../../sandbox/product-process.ts";
import { type AnswerSink, startAnswerSink } from "./answer-sink.ts";
import { type Bench, startBench } from "./bench.ts";
import { atLeastTimes, atMost, type Figure, median, percentile, type Scale } from "./figure.ts";
import { userArn } from "./people.ts";
import { useOf } from "./process-use.ts";
import { bareBoltOn } from "./product.ts";
import { asFastAsItGoes, atRate, type Receiver } from "./slash-load.ts";

/** The command that costs most after its acknowledgement: it is read, recorded, queued and answered. */
const requestLine = `request staging ${userArn(1)} viewer for 1h the bench wants to know`;
const perSecond = 200;

interface Size {
  readonly seconds: number;
  readonly commands: number;
}

const sizes: Readonly<Record<Scale, Size>> = {
  small: { seconds: 2, commands: 1_000 },
  full: { seconds: 30, commands: 10_000 },
};

/** How soon slash commands are acknowledged, how many a second at most, and what one costs. */
export async function measureAck(scale: Scale): Promise<readonly Figure[]> {
  const size = sizes[scale];
  const bench = await startBench(["staging"]);
  const sink = await startAnswerSink(bench.slack);
  try {
    const ours = await measureApp(
      await bench.startSlack(sink.apiUrl),
      targetOf(bench, bench.slackPort, sink),
      size,
      sink,
    );
    const bare = await measureBare(bench, sink, size, {});
    const answering = await measureBare(bench, sink, size, { ANSWERS: "yes" });
    return figuresOf(ours, bare, answering, size);
  } finally {
    await sink.stop();
    await bench.stop();
  }
}

interface AppMeasure {
  readonly ackMs: readonly number[];
  /** Acknowledgements a second. */
  readonly rate: number;
  /** Processor time for each of them, in milliseconds. */
  readonly cpuMs: number;
}

async function measureApp(
  app: ProductProcess,
  target: Receiver,
  size: Size,
  sink: AnswerSink | null,
): Promise<AppMeasure> {
  // The first commands find code that was never run, and connections that are not open yet.
  await asFastAsItGoes(target, 200, 8, "help");
  await sink?.take(200);
  const steady = await atRate(target, perSecond, size.seconds, requestLine);
  await sink?.take(perSecond * size.seconds);
  const before = await useOf(app.pid);
  const most = await asFastAsItGoes(target, size.commands, 32, "help");
  await sink?.take(size.commands);
  const { cpuSeconds } = await useOf(app.pid);
  const cpuMs = (1000 * (cpuSeconds - before.cpuSeconds)) / size.commands;
  return { ackMs: steady.ackMs, rate: size.commands / most.seconds, cpuMs };
}

async function measureBare(
  bench: Bench,
  sink: AnswerSink,
  size: Size,
  environment: Readonly<Record<string, string>>,
): Promise<AppMeasure> {
  const { app, port } = await bareBoltOn({ ...bench.slack, apiUrl: sink.apiUrl }, environment);
  try {
    return await measureApp(app, targetOf(bench, port, sink), size, environment.ANSWERS ? sink : null);
  } finally {
    await app.stop();
  }
}

function targetOf({ slack }: Bench, port: number, sink: AnswerSink): Receiver {
  return {
    origin: `http://127.0.0.1:${port}`,
    signingSecret: slack.signingSecret,
    responseUrl: sink.url,
    onAnswer: sink.add,
  };
}

function figuresOf(ours: AppMeasure, bare: AppMeasure, answering: AppMeasure, { seconds }: Size): Figure[] {
  const bareName = "a bare Bolt app that only acks";
  const answeringName = "a bare Bolt app that acks and answers";
  const p99 = percentile(ours.ackMs, 0.99);
  const steady = `ack under ${perSecond} commands/s for ${seconds} s`;
  return [
    {
      name: `${steady}: median`,
      value: median(ours.ackMs),
      unit: "ms",
      reference: { name: bareName, value: median(bare.ackMs) },
    },
    {
      name: `${steady}: p99`,
      value: p99,
      unit: "ms",
      reference: { name: bareName, value: percentile(bare.ackMs, 0.99) },
      target: atMost(250, p99),
    },
    {
      name: "acks a second, 32 in flight",
      value: ours.rate,
      unit: "/s",
      reference: { name: bareName, value: bare.rate },
      target: atLeastTimes(0.7, ours.rate, bare.rate),
    },
    {
      name: "acks a second, 32 in flight, each answered",
      value: ours.rate,
      unit: "/s",
      reference: { name: answeringName, value: answering.rate },
    },
    {
      name: "processor time of one command, acknowledged and answered",
      value: ours.cpuMs,
      unit: "ms",
      reference: { name: answeringName, value: answering.cpuMs },
    },
  ];
}
