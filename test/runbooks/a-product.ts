import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { vi } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import type { SandboxOptions } from "../../sandbox/scene-clusters.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { stopParts } from "../../src/bin/serve.ts";
import { type PartsContext, startParts } from "../../src/bin/start-parts.ts";
import { readConfig } from "../../src/config/config.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { type LiveConfig, liveConfig } from "../../src/config/live-config.ts";
import { redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectLedger, connectRedisBlocking } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues } from "../../src/ledger/queues.ts";
import { FailureLog } from "../../src/operations/log.ts";
import type { Stoppable } from "../../src/operations/stoppable.ts";
import { aRedis } from "../redis.ts";

type Kind = "slack" | "worker";

/** What both processes do, in this one: a sandbox, a real Redis, and a second less for each start. */
export interface Product {
  readonly sandbox: Sandbox;
  readonly redisUrl: string;
  /** Everything that people could read so far: in the channel, alone, in direct messages, and in the logs. */
  readable: () => readonly string[];
  /** Starts what is not there, with a change of its environment. */
  start: (kind: Kind, change?: Readonly<Record<string, string>>) => Promise<void>;
  stop: (kind: Kind) => Promise<void>;
  /** What running processes do with a new text of eks-access.yml. */
  replaceFile: (text: string) => Promise<void>;
  /** From now on a command line reads the environment of this process; `close` gives it back. */
  inEnvironmentOf: (kind: Kind, change?: Readonly<Record<string, string>>) => void;
  /** The engineer asks for the level viewer, for the principal of their own if no other is given. */
  ask: (duration: string, reason: string, principal?: string) => Promise<unknown>;
  approve: (message: SandboxMessage) => Promise<unknown>;
  /** The newest message of the channel that holds all these texts; waits for it. */
  message: (...texts: readonly string[]) => Promise<SandboxMessage>;
  /** What only the engineer sees and that holds this text; waits for it. */
  answer: (text: string) => Promise<string>;
  /** The newest direct message to the engineer that holds this text; waits for it. */
  told: (text: string) => Promise<string>;
  /** Both processes are so many seconds ahead of the real time: a lease of minutes ends when the test wants it. */
  moveClock: (seconds: number) => void;
  /** Resolves when the Slack process has its Redis again: its client tries every moment by itself. */
  whenBack: () => Promise<void>;
  close: () => Promise<void>;
}

export interface ProductOptions extends SandboxOptions {
  readonly redisUrl?: string;
}

export async function aProduct({ redisUrl: given, ...options }: ProductOptions = {}): Promise<Product> {
  const redis = given ? { url: given, close: async () => {} } : await aRedis();
  const sandbox = await startSandbox({ slackRateLimits: false, ...options });
  const port = await freePort();
  sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
  const lines: string[] = [];
  const running = new Map<Kind, Awaited<ReturnType<typeof startKind>>>();
  let aheadMs = 0;
  const now = () => new Date(Date.now() + aheadMs);
  const environmentOf = (kind: Kind) => sandbox.environmentOf(kind, { redisUrl: redis.url, port });
  for (const [name, value] of Object.entries(environmentOf("worker"))) {
    if (name.startsWith("AWS_")) vi.stubEnv(name, value);
  }
  const stop = async (kind: Kind) => {
    await running.get(kind)?.stop();
    running.delete(kind);
  };
  const start: Product["start"] = async (kind, change = {}) => {
    running.set(kind, await startKind(kind, { ...environmentOf(kind), ...change }, lines, now));
  };
  await Promise.all([start("slack"), start("worker")]);
  const { person, messages, until } = sandbox.slack;
  const message: Product["message"] = (...texts) =>
    until(() => messages(channel).findLast((each) => texts.every((text) => wholeTextOf(each).includes(text))));
  const untilText = (all: () => readonly SandboxMessage[], text: string) =>
    until(() =>
      all()
        .map(textOf)
        .findLast((each) => each.includes(text)),
    );
  return {
    sandbox,
    redisUrl: redis.url,
    readable: () => [
      ...messages(channel).map(textOf),
      ...["U0ENGINEER", "U0APPROVER"].flatMap((id) =>
        [...person(id).ephemerals(), ...person(id).directMessages()].map(textOf),
      ),
      ...lines,
    ],
    start,
    stop,
    replaceFile: async (text) => {
      for (const { live } of running.values()) {
        const offer = await live.offer(text);
        if (offer.type === "refused") throw new Error(offer.problems.join("\n"));
      }
    },
    inEnvironmentOf: (kind, change = {}) => {
      // The worker runs in this process and looks for its identity at any time, also while a command of the Slack process runs.
      const names = (["slack", "worker"] as const).flatMap((other) => Object.keys(environmentOf(other)));
      for (const name of names) if (!name.startsWith("AWS_")) vi.stubEnv(name, undefined);
      for (const [name, value] of Object.entries({ ...environmentOf(kind), ...change })) vi.stubEnv(name, value);
    },
    ask: (duration, reason, principal = arns.engineer) =>
      person("U0ENGINEER").command(
        `/eks-access request ${clusterName} ${principal} viewer for ${duration} ${reason}`,
        channel,
      ),
    approve: (asked) => person("U0APPROVER").click(asked, "approve"),
    message,
    answer: (text) => untilText(() => person("U0ENGINEER").ephemerals(), text),
    told: (text) => untilText(() => person("U0ENGINEER").directMessages(), text),
    moveClock: (seconds) => {
      aheadMs = seconds * 1000;
    },
    whenBack: async () => {
      for (;;) {
        const { seen } = await person("U0ENGINEER").command("/eks-access list", channel);
        const answer = await until(() => seen()[0]);
        if (!textOf(answer).includes("reach my records")) return;
      }
    },
    close: async () => {
      await Promise.all([stop("slack"), stop("worker")]);
      vi.unstubAllEnvs();
      await sandbox.stop();
      await redis.close();
    },
  };
}

/** One process's parts, with connections of its own and the configuration that they follow. What it logs goes into `lines`. */
async function startKind(
  kind: Kind,
  variables: Readonly<Record<string, string>>,
  lines: string[],
  now: () => Date,
): Promise<{ readonly live: LiveConfig; readonly stop: () => Promise<void> }> {
  const { environment, problems } = readEnvironment(variables, kind);
  const text = await readFile(variables.EKS_ACCESS_CONFIG ?? "", "utf8");
  const reading = readConfig(text);
  if (!environment || reading.type === "invalid") throw new Error(`It does not start: ${problems.join("\n")}`);
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  const { redis, forQueues, close } = await connectLedger(environment.redisUrl, environment.redisAccess);
  const blocking = connectRedisBlocking(environment.redisUrl, environment.redisAccess);
  const queues = openQueues(forQueues);
  const live = liveConfig({ text, config: reading.config }, now);
  const context: PartsContext = {
    ledger: redisLedger(redis),
    auditLog: redisAuditLog(redis),
    queues,
    zones: [null],
    blocking,
    log,
    failures: new FailureLog(log),
    live,
    now,
  };
  const parts: Stoppable[] = [];
  await startParts(context, environment, (part) => parts.push(part));
  const stop = async () => {
    await stopParts(parts, 5, log);
    await queues.close();
    blocking.disconnect();
    await close();
  };
  return { live, stop };
}
