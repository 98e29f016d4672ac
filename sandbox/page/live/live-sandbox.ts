import { freePort, type ProductProcess, type Program, startProduct } from "../../product-process.ts";
import { provideRedis } from "../../redis/provide-redis.ts";
import { type Sandbox, startSandbox } from "../../sandbox.ts";
import { withReader } from "../../scene.ts";
import { configurationOf, type SandboxOptions } from "../../scene-clusters.ts";
import { type Changes, makeChanges } from "../../slack/state.ts";
import type { NumberedCall, ProcessState } from "../panels.ts";

/** What runs behind the page and the story: the stand-ins, a Redis, and the product's two real processes. */
export type LiveSandbox = Awaited<ReturnType<typeof startLiveSandbox>>;

const callsKept = 80;

/** Full control needs two approvals and is for one person, and on-call can take it in an emergency. */
const policy = `policy:
  rules:
    - { name: look, who: ["@example.com"], levels: [viewer, reader] }
    - { name: change, who: ["@example.com"], levels: [admin], approvals: 2, shared: refuse }
  breakGlass:
    - { who: [U0ONCALL], level: admin, for: 10m }
`;

function pageConfiguration(options: SandboxOptions): string {
  const text = withReader(configurationOf(options)).replaceAll(/^( +)(?=approvers:)/gm, "$1onCall: [U0ONCALL]\n$1");
  return `${text}  inspectEvery: 15s\n${policy}`;
}

export async function startLiveSandbox(program: Program, options: SandboxOptions = {}) {
  const changes = makeChanges();
  const calls: NumberedCall[] = [];
  let number = 0;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0)) await each();
  };
  try {
    const redis = await provideRedis({ appendOnly: true, empty: true });
    stops.unshift(redis.stop);
    const sandbox = await startSandbox({
      configuration: pageConfiguration(options),
      ...options,
      onCall: (call) => {
        number += 1;
        calls.push({ ...call, number });
        if (calls.length > callsKept) calls.shift();
        changes.announce();
        options.onCall?.(call);
      },
    });
    stops.unshift(sandbox.stop);
    sandbox.slack.onChange(changes.announce);
    const processes = await startProcesses(program, sandbox, redis.url, changes);
    stops.unshift(processes.slack.stop, processes.worker.stop);
    return { sandbox, redis, ...processes, calls: () => calls, changes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startProcesses(program: Program, sandbox: Sandbox, redisUrl: string, { announce }: Changes) {
  const port = await freePort();
  const launch = (kind: "slack" | "worker") => () =>
    startProduct(program, kind, sandbox.environmentOf(kind, { redisUrl, port }));
  const slack = manageProcess("slack process", launch("slack"), announce);
  const worker = manageProcess("worker", launch("worker"), announce);
  sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
  const started = await Promise.allSettled([slack.start(), worker.start()]);
  const failed = started.find((each) => each.status === "rejected");
  if (failed) {
    await Promise.all([slack.stop(), worker.stop()]);
    throw failed.reason;
  }
  return { slack, worker };
}

function manageProcess(name: string, launch: () => Promise<ProductProcess>, changed: () => void) {
  let running: ProductProcess | undefined;
  let starting: Promise<void> | undefined;
  let starts = 0;
  const begin = async () => {
    const child = await launch();
    running = child;
    starts += 1;
    void child.exited.then(() => {
      if (running === child) running = undefined;
      changed();
    });
  };
  const start = async () => {
    if (running) return;
    starting ??= begin().finally(() => {
      starting = undefined;
      changed();
    });
    changed();
    await starting;
  };
  return {
    state: (): ProcessState => ({
      name,
      pid: running?.pid ?? 0,
      starts,
      state: running ? "running" : starting ? "starting" : "gone",
    }),
    start,
    kill: async (): Promise<void> => running?.kill(),
    stop: async () => {
      await starting?.catch(() => {});
      await running?.stop();
    },
    /** Resolves when this many lines of its log have this text. */
    logged: async (text: string, lines?: number): Promise<void> => running?.logged(text, lines),
  };
}
