import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort, type ProductProcess, spawnProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, clusterArn, clusterName } from "../../sandbox/scene.ts";
import { writeAnnotation } from "../../src/access/lease/annotation.ts";
import { aHolding, aShare } from "../builders/a-share.ts";
import { keysOf } from "../builders/keys.ts";
import { aServer } from "../ledger/a-server.ts";
import { bundledProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";
import { leaksIn } from "./leaks.ts";
import { aMovedClock } from "./moved-clock.ts";

const kinds = ["slack", "worker"] as const;
type Kind = (typeof kinds)[number];

describe("a process that can't start yet", () => {
  let sandbox: Sandbox;
  let redis: TestRedis;
  const started: ProductProcess[] = [];

  beforeAll(async () => {
    [sandbox, redis] = await Promise.all([startSandbox({ startCluster }), aRedis(), bundledProduct()]);
  });
  afterEach(async () => {
    sandbox.faults.clear();
    for (const child of started.splice(0)) await child.kill();
  });
  afterAll(() => Promise.all([sandbox.stop(), redis.close()]));

  async function start(kind: Kind, change: Readonly<Record<string, string>>): Promise<ProductProcess> {
    const environment = { ...sandbox.environmentOf(kind, { redisUrl: redis.url }), ...change };
    const child = spawnProduct(await bundledProduct(), kind, environment);
    started.push(child);
    return child;
  }

  test.each(kinds)("waits for Redis, says so once, and is ready when Redis is there (%s)", async (kind) => {
    const port = await freePort();
    const health = await freePort();
    const url = `redis://eks-access:hunter2secret@127.0.0.1:${port}`;
    const child = await start(kind, { REDIS_URL: url, HEALTH_PORT: String(health) });
    await child.logged("waiting for Redis");
    const page = async (path: string) => (await fetch(`http://127.0.0.1:${health}${path}`)).status;
    const meanwhile = [await page("/healthz"), await page("/startupz"), await page("/readyz")];

    const server = await aServer(["user eks-access on >hunter2secret ~* &* +@all"], { port });
    await child.logged('"msg":"ready"');
    const after = [await page("/healthz"), await page("/startupz"), await page("/readyz")];
    await child.stop();
    await server.stop();

    const log = child.log.join("\n");
    expect(meanwhile).toEqual([200, 503, 503]);
    expect(after).toEqual([200, 200, 200]);
    expect(log).toContain(`No answer from Redis at redis://127.0.0.1:${port}/0`);
    expect(log.split("waiting for Redis")).toHaveLength(2);
    expect(leaksIn([{ name: "the log", text: log }], ["hunter2secret"])).toEqual([]);
  });

  test("a worker that has no Redis yet, or no Redis any more, ends what is over in its clusters", async () => {
    const giveOver = async (id: string) => {
      const share = aShare({ id, endsAt: new Date(Date.now() - 1000).toISOString() });
      const holding = aHolding({ arn: arns.engineer, shares: [share] });
      const annotation =
        writeAnnotation(`${clusterName} ${clusterArn(clusterName)}`, [holding], keysOf(sandbox).memory) ?? "";
      const mapUsers = `- userarn: ${arns.engineer}\n  username: eks-access:111122223333:engineer\n  groups: [${share.groups.join(", ")}]\n`;
      await sandbox.cluster.editAwsAuth(({ data, ...map }) => ({
        ...{ ...map, data: { ...data, mapUsers } },
        metadata: { annotations: { "eks-access/leases": annotation } },
      }));
    };
    await giveOver("r-first");
    const clock = aMovedClock();
    const port = await freePort();
    const url = `redis://127.0.0.1:${port}`;
    const child = await start("worker", { ...clock.environment, REDIS_URL: url, STOP_DEADLINE: "1s" });
    await child.logged("waiting for Redis");

    clock.moveTo(61, [child]);
    await child.logged('"requests":["r-first"]');
    const server = await aServer([], { port });
    await child.logged("the ledger is back");
    await child.logged('"msg":"ready"');
    await server.kill();
    // By the second try the worker has noted when the ledger went: only the minute after that counts.
    await child.logged("a sweep failed", 2);
    await giveOver("r-second");
    clock.moveTo(130, [child]);
    await child.logged('"requests":["r-second"]');
    await child.stop();
    clock.remove();
    await server.stop();

    expect(child.log.join("\n").split("working without the ledger")).toHaveLength(3);
    expect(sandbox.cluster.awsAuth()?.data?.mapUsers ?? "").not.toContain(arns.engineer);
  });

  test("ends with code 0 where it gets the signal to stop while it waits for Redis", async () => {
    const child = await start("worker", { REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    await child.logged("waiting for Redis");

    const code = await child.stop();

    expect(code).toBe(0);
    expect(child.log.join("\n")).toContain('"signal":"SIGTERM"');
  });

  test("ends with code 0 where it gets the signal to stop before Redis says anything at all", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : 0;
    const connected = once(silent, "connection");
    const child = await start("slack", { REDIS_URL: `redis://127.0.0.1:${port}` });
    await connected;

    const code = await child.stop();
    silent.close();

    expect(code).toBe(0);
  });

  test("ends with code 0 where it gets the signal to stop while it waits for Slack", async () => {
    const { struck } = sandbox.faults.plan("slack.auth.test", { type: "hang" }, { times: 10 });
    const child = await start("slack", {});
    await struck;

    const code = await child.stop();

    expect(code).toBe(0);
  });

  test("ends with code 0 where it gets the signal to stop while AWS does not say who the worker is", async () => {
    const { struck } = sandbox.faults.plan("sts.GetCallerIdentity", { type: "hang" }, { times: 10 });
    const child = await start("worker", {});
    await struck;

    const code = await child.stop();

    expect(code).toBe(0);
  });
});
