import { freePort, type ProductProcess, startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { configuration } from "../../sandbox/scene.ts";
import { builtProduct } from "../product.ts";
import { aRedis } from "../redis.ts";
import { aProxy, type RunningProxy } from "./a-proxy.ts";

/** One person asks for all of the load. */
const manyRequests = `${configuration}limits: { pending: 1000, requests: 1000 }\n`;

/** One of the Slack processes. */
export interface Behind {
  readonly process: () => ProductProcess;
  /** How many requests of Slack it has answered since it started. */
  answered: () => Promise<number>;
  /** Starts it anew at its address, after it was killed. */
  start: () => Promise<void>;
}

/** A workspace whose requests reach two real Slack processes through the proxy of the compose file. */
export interface Proxied {
  readonly sandbox: Sandbox;
  readonly redisUrl: string;
  readonly proxy: RunningProxy;
  readonly first: Behind;
  readonly second: Behind;
  stop: () => Promise<void>;
}

export async function startProxied(): Promise<Proxied> {
  const redis = await aRedis();
  const sandbox = await startSandbox({ slackRateLimits: false, configuration: manyRequests });
  const ports = [await freePort(), await freePort()] as const;
  const start = (port: number) => startBehind(sandbox, redis.url, port);
  const [first, second] = await Promise.all([start(ports[0]), start(ports[1])]);
  const proxy = await aProxy(...ports);
  sandbox.slack.connect(`${proxy.url}/slack/events`);
  return {
    sandbox,
    redisUrl: redis.url,
    proxy,
    first,
    second,
    stop: async () => {
      await proxy.stop();
      await Promise.all([first, second].map(({ process }) => process().stop()));
      await sandbox.stop();
      await redis.close();
    },
  };
}

async function startBehind(sandbox: Sandbox, redisUrl: string, port: number): Promise<Behind> {
  const healthPort = await freePort();
  const environment = { ...sandbox.environmentOf("slack", { redisUrl, port }), HEALTH_PORT: String(healthPort) };
  const startOne = async () => startProduct(await builtProduct(), "slack", environment);
  let running = await startOne();
  return {
    process: () => running,
    answered: async () => {
      const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
      return Number(/^eks_access_ack_seconds_count\{status="200"\} (\d+)/m.exec(text)?.[1] ?? 0);
    },
    start: async () => {
      running = await startOne();
    },
  };
}
