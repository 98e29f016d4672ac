import { freePort, type ProductProcess, type Program, startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { channel, principals } from "../../sandbox/scene.ts";
import type { SandboxOptions } from "../../sandbox/scene-clusters.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { bundledProduct } from "../product.ts";
import { aRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";
import { leaksIn, placesOf } from "./leaks.ts";
import { aMovedClock } from "./moved-clock.ts";

/** The product's two real processes in the sandbox, with a Redis of their own. */
export interface Flow {
  readonly sandbox: Sandbox;
  readonly redisUrl: string;
  readonly worker: () => ProductProcess;
  readonly slack: () => ProductProcess;
  /** Starts a new worker, for example after one was killed. */
  startWorker: () => Promise<ProductProcess>;
  startSlack: () => Promise<ProductProcess>;
  /** Those of the channel, oldest first. */
  messages: () => readonly SandboxMessage[];
  /** Lets another process start with the flow's clock. */
  readonly clock: Readonly<Record<string, string>>;
  /** Both processes are so many seconds ahead of the real time, below 300: a lease of minutes ends when the test wants it. */
  moveClock: (seconds: number) => void;
  /** Like that of the workspace; a failure also shows what the worker logged. */
  until: <T>(find: () => T | undefined) => Promise<T>;
  /** The newest message of the channel that holds this text; waits for it. */
  message: (text: string) => Promise<SandboxMessage>;
  /** The message that asks about this request, with its buttons; waits for it. */
  asked: (reason: string) => Promise<SandboxMessage>;
  /** The newest direct message to the engineer that holds this text; waits for it. */
  told: (text: string) => Promise<SandboxMessage>;
  /** The newest message of an active lease, once its thread and the direct message say so too; waits for it. */
  active: () => Promise<SandboxMessage>;
  /** What only this person sees and that holds this text; waits for it. */
  answer: (user: string, text: string) => Promise<SandboxMessage>;
  /** What people see now is none of the messages that are looked for from here on. */
  forgetMessages: () => void;
  stop: () => Promise<void>;
}

export interface FlowOptions extends SandboxOptions {
  /** Variables of the environment that neither process gets. */
  readonly without?: readonly string[];
  /** Variables that both processes get besides. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another one than the bundled product. */
  readonly program?: () => Promise<Program>;
  /** Makes the sandbox ready before the processes start. */
  readonly prepare?: (sandbox: Sandbox, redisUrl: string) => void | Promise<void>;
  /** Another Redis than an empty database of the run's, with what else both processes need to reach it. */
  readonly redis?: {
    readonly url: string;
    /** Where the Slack process reaches it, if that is somewhere else. */
    readonly slackUrl?: string;
    readonly environment: Readonly<Record<string, string>>;
    /** Where its administrator reads all of it. */
    readonly administratorUrl: string;
  };
}

export async function startFlow({
  without = [],
  environment: more,
  redis: given,
  prepare,
  program = bundledProduct,
  ...options
}: FlowOptions = {}): Promise<Flow> {
  const redis = given ? { url: given.url, close: async () => {} } : await aRedis();
  const sandbox = await startSandbox({ startCluster, ...options });
  await prepare?.(sandbox, redis.url);
  const port = await freePort();
  sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
  const started: ProductProcess[] = [];
  const clock = aMovedClock();
  const start = async (kind: "slack" | "worker") => {
    const redisUrl = (kind === "slack" && given?.slackUrl) || redis.url;
    const environment = {
      ...sandbox.environmentOf(kind, { redisUrl, port }),
      ...given?.environment,
      ...clock.environment,
      ...more,
    };
    for (const name of without) delete environment[name];
    const child = await startProduct(await program(), kind, environment);
    started.push(child);
    return child;
  };
  let [slack, worker] = await Promise.all([start("slack"), start("worker")]);
  // So that the faults of a test meet the calls that it means.
  await worker.logged("read the cluster's own memory");
  const { person } = sandbox.slack;
  const forgotten = new Set<string>();
  const notForgotten = (list: readonly SandboxMessage[]) => list.filter(({ ts }) => !forgotten.has(ts));
  const messages = () => notForgotten(sandbox.slack.messages(channel));
  const seenBy = (user: string) => [...person(user).directMessages(), ...person(user).ephemerals()];
  const until = <T>(find: () => T | undefined): Promise<T> =>
    sandbox.slack.until(find).catch((error: unknown) => {
      throw new Error(`${String(error)}\nThe worker logged last:\n${worker.log.slice(-15).join("\n")}`);
    });
  const holding = (text: string) => (message: SandboxMessage) => textOf(message).includes(text);
  const told = (text: string) =>
    until(() => notForgotten(person("U0ENGINEER").directMessages()).findLast(holding(text)));
  const active = async () => {
    const message = await until(() => messages().findLast(holding("*Active*")));
    await told("`) is active until");
    await until(() => sandbox.slack.replies(message).find(holding("Active since")));
    return message;
  };
  return {
    sandbox,
    redisUrl: redis.url,
    until,
    worker: () => worker,
    slack: () => slack,
    messages,
    startWorker: async () => {
      worker = await start("worker");
      return worker;
    },
    startSlack: async () => {
      slack = await start("slack");
      return slack;
    },
    clock: clock.environment,
    moveClock: (seconds) => clock.moveTo(seconds, [worker, slack]),
    message: (text) => until(() => messages().findLast(holding(text))),
    asked: (reason) => until(() => messages().findLast((each) => holding(reason)(each) && holding("[Approve]")(each))),
    told,
    active,
    answer: (user, text) => until(() => notForgotten(person(user).ephemerals()).findLast(holding(text))),
    forgetMessages: () => {
      const all = [...sandbox.slack.messages(channel), ...Object.keys(principals).flatMap(seenBy)];
      for (const { ts } of all) forgotten.add(ts);
    },
    stop: async () => {
      await Promise.all(started.map((child) => child.stop()));
      clock.remove();
      const log = started.flatMap((child) => child.log);
      const leaks = leaksIn(await placesOf(sandbox, given?.administratorUrl ?? redis.url, log), sandbox.secrets());
      if (leaks.length > 0) throw new Error(`${leaks.join(", ")}. What is a secret stays in memory.`);
      await sandbox.stop();
      await redis.close();
    },
  };
}

/** The reply under the message of an active lease that has its proof, once it is there. */
export function proofIn({ sandbox }: Pick<Flow, "sandbox">, message: SandboxMessage): string | undefined {
  return sandbox.slack
    .replies(message)
    .map(textOf)
    .find((text) => text.includes("Active since"));
}
