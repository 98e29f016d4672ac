import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { freePort, type ProductProcess, startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { configuration } from "../../sandbox/scene.ts";
import { bundledProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";
import { preloading } from "./moved-clock.ts";

const readiness = z.object({
  ready: z.boolean(),
  services: z.record(z.string(), z.object({ answers: z.boolean(), since: z.string(), why: z.string().nullable() })),
});

/** A machine's clock that is ten minutes behind: the time of AWS or Slack counts, also for what the process heard last. */
const behind = preloading(
  "const { now } = Date; Date.now = () => now() - 600_000; globalThis.Date = new Proxy(Date, { construct: (Real, given) => new Real(...(given.length > 0 ? given : [Date.now()])) });",
);
afterAll(behind.remove);

const impatient = `${configuration}  deadlines: { awsCall: 500ms }\n`;
/** Three tries of a call with the usual deadline take longer. */
const noticedWithinMs = 8_000;

describe.each([
  { kind: "slack", service: "slack", call: "slack.auth.test", says: "Can't reach Slack", goneBy: "cut-before" },
  { kind: "worker", service: "sts", call: "sts.GetCallerIdentity", says: "Can't reach AWS", goneBy: "hang" },
] as const)("a $kind process that has nothing to do", ({ kind, service, call, says, goneBy }) => {
  let redis: TestRedis;
  let sandbox: Sandbox;
  let running: ProductProcess;
  let url: string;

  beforeAll(async () => {
    [redis, sandbox] = await Promise.all([aRedis(), startSandbox({ startCluster, configuration: impatient })]);
    const [port, health] = [await freePort(), await freePort()];
    url = `http://127.0.0.1:${health}`;
    const environment = sandbox.environmentOf(kind, { redisUrl: redis.url, port });
    const more = { HEALTH_PORT: String(health), PROBE_EVERY: "1s", ...behind.environment };
    running = await startProduct(await bundledProduct(), kind, { ...environment, ...more });
  });
  afterAll(async () => {
    await running.stop();
    await sandbox.stop();
    await redis.close();
  });

  const ready = async () => readiness.parse(await (await fetch(`${url}/readyz`)).json());
  const isThere = async () => (await ready()).services[service]?.answers;

  test(`notices that ${service} is gone, says why on /readyz and in its metrics, and that it is back`, async () => {
    await expect.poll(isThere).toBe(true);
    const { cancel } = sandbox.faults.plan(call, { type: goneBy }, { times: 1_000 });

    await expect.poll(isThere, { timeout: noticedWithinMs }).toBe(false);
    const gone = await ready();
    const metrics = await (await fetch(`${url}/metrics`)).text();
    cancel();
    await expect.poll(isThere).toBe(true);

    // A moment without it is no reason to be called unready.
    expect(gone.ready).toBe(true);
    expect(gone.services[service]?.why).toContain(says);
    expect(metrics).toContain(`eks_access_service_up{service="${service}"} 0`);
    expect(metrics).toContain('eks_access_service_up{service="ledger"} 1');
  });
});
