import { Redis } from "ioredis";
import { freePort, type ProductProcess, startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, clusterArn, clusterName, configuration } from "../../sandbox/scene.ts";
import { populateModes } from "../../sandbox/scene-clusters.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { readConfig } from "../../src/config/config.ts";
import { type Ledger, redisLedger } from "../../src/ledger/ledger.ts";
import { aMovedClock } from "../flow/moved-clock.ts";
import { again } from "../keep-code.ts";
import { bundledProduct } from "../product.ts";
import { bound } from "../worker/reconcile/both-ways.ts";
import { redisOfOurOwn } from "./own-redis.ts";
import { type RedisGate, startRedisGate } from "./redis-gate.ts";

export type ProcessName = "slack" | "worker";

/** How leases are given: in `aws-auth`, or by bindings with an entry of their own, in `aws-auth` or among the access entries. */
export type Giving = "groups" | "bindings" | "bindings by access entries";

/** The product's two real processes in a sandbox, with a Redis of their own behind a gate: all of it can be killed. */
export interface KillableProduct {
  readonly sandbox: Sandbox;
  readonly gate: RedisGate;
  /** Reads past the gate, so that a fault of the product's way to Redis is none of ours. */
  readonly ledger: Ledger;
  readonly giving: Giving;
  /** As the processes read it. */
  readonly cluster: Cluster | undefined;
  /** By the clock of the processes and of all stand-ins. */
  readonly now: () => Date;
  /** Moves that clock on to this time, if it is still to come: what waits for it need not. */
  readonly passTo: (ms: number) => void;
  /** JSON lines that the processes logged, for a run that went wrong. */
  log: () => readonly string[];
  /** SIGKILL; resolves when it is gone. `revive` starts whatever is not there. */
  kill: (name: ProcessName | "redis") => Promise<void>;
  revive: () => Promise<void>;
  /** The present data of Redis; the result brings them back, as a failover to a replica that lags. */
  replicate: () => Promise<() => Promise<void>>;
  stop: () => Promise<void>;
}

/** The access entries beside EKS's own. */
export function entriesMade({ sandbox }: Pick<KillableProduct, "sandbox">) {
  const { accessEntries = [] } = sandbox.aws.cluster(clusterArn(clusterName)) ?? {};
  return accessEntries.filter(({ principalArn }) => principalArn !== arns.creator);
}

/** One person asks in all of the runs. */
const limits = "limits: { pending: 1000, requests: 1000 }\n";
/** Inspections and warnings would make calls of their own between those that a case means. */
const quiet = `${configuration.replace("sweepEvery: 1s", "sweepEvery: 1s\n  inspectEvery: 8h\n  warnBeforeEnd: 1s")}${limits}`;

function clusterNow(configuration: string): Cluster | undefined {
  const reading = readConfig(configuration);
  return reading.type === "config" ? reading.config.clusters.get(clusterName) : undefined;
}

/** Whoever runs the product starts it again when it ends, as where no one answers it at its start. */
const startsAtMost = 5;

/** A replica has all keys of one moment: between two calls, a job or a record can move from one key to another. */
const copyScript = `
local copied = {}
for i, key in ipairs(redis.call('KEYS', '*')) do copied[i] = { key, redis.call('PTTL', key), redis.call('DUMP', key) } end
return copied
`;

/** Starts one product. Several can stand side by side: they share nothing. */
export async function startKillableProduct(giving: Giving = "groups"): Promise<KillableProduct> {
  const configuration = giving === "groups" ? quiet : bound(quiet);
  const clock = aMovedClock();
  let aheadMs = 0;
  const now = () => new Date(Date.now() + aheadMs);
  const sandbox = await startSandbox({ configuration, slackRateLimits: false, now });
  if (giving === "bindings by access entries") {
    populateModes(sandbox.aws);
    sandbox.aws.updateCluster(clusterArn(clusterName), { authenticationMode: "API" });
  }
  const redis = await redisOfOurOwn();
  const gate = await startRedisGate(Number(new URL(redis.url).port), sandbox.faults);
  const observer = new Redis(redis.url);
  observer.on("error", () => {});
  const port = await freePort();
  sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
  const running = new Map<ProcessName, ProductProcess>();
  const all: ProductProcess[] = [];
  let isRedisDead = false;
  const start = async (name: ProcessName) => {
    const environment = { ...sandbox.environmentOf(name, { redisUrl: gate.url, port }), ...clock.environment };
    const program = await bundledProduct();
    const child = await again(startsAtMost, () => startProduct(program, name, environment));
    running.set(name, child);
    all.push(child);
    clock.moveTo(aheadMs / 1000, [child]);
  };
  await Promise.all([start("slack"), start("worker")]);
  await running.get("worker")?.logged("read the cluster's own memory");
  return {
    sandbox,
    gate,
    ledger: redisLedger(observer),
    giving,
    cluster: clusterNow(configuration),
    now,
    passTo: (ms) => {
      const wait = ms - now().getTime();
      if (wait <= 0) return;
      aheadMs += wait;
      clock.moveTo(aheadMs / 1000, [...running.values()]);
    },
    log: () => all.flatMap((child) => child.log),
    kill: async (name) => {
      if (name === "redis") {
        isRedisDead = true;
        return redis.kill();
      }
      const child = running.get(name);
      running.delete(name);
      await child?.kill();
    },
    revive: async () => {
      if (isRedisDead) {
        await redis.restart();
        isRedisDead = false;
      }
      gate.open();
      for (const name of ["slack", "worker"] as const) if (!running.has(name)) await start(name);
    },
    replicate: async () => {
      const copied = (await observer.callBuffer("EVAL", copyScript, 0)) as readonly [Buffer, number, Buffer][];
      return async () => {
        const restored = observer.multi().flushall();
        // BullMQ's locks end by themselves.
        for (const [key, leftMs, value] of copied) restored.restore(key, Math.max(0, leftMs), value);
        await restored.exec();
        gate.cut();
        gate.open();
      };
    },
    stop: async () => {
      await Promise.all([...running.values()].map((child) => child.stop()));
      clock.remove();
      observer.disconnect();
      await gate.stop();
      await redis.stop();
      await sandbox.stop();
    },
  };
}
