import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { asAdministrator } from "../ledger/a-ledger-on.ts";
import { bundledProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";
import { leaksIn } from "./leaks.ts";
import { preloading } from "./moved-clock.ts";

describe("a process that can't start ends, so that it is started again, and says why in one sentence", () => {
  let sandbox: Sandbox;
  let redis: TestRedis;

  beforeAll(async () => {
    [sandbox, redis] = await Promise.all([startSandbox({ startCluster }), aRedis(), bundledProduct()]);
  });
  afterAll(() => Promise.all([sandbox.stop(), redis.close()]));

  /** How it ended: its exit code, and its last lines. */
  async function endOf(kind: "slack" | "worker", change: Readonly<Record<string, string>>): Promise<string> {
    const environment = { ...sandbox.environmentOf(kind, { redisUrl: redis.url }), ...change };
    const failure = await startProduct(await bundledProduct(), kind, environment).catch((error: unknown) => error);
    const said = failure instanceof Error ? failure.message : "it started";
    expect(leaksIn([{ name: "What it says when it ends", text: said }], sandbox.secrets())).toEqual([]);
    return said;
  }

  test("where its port is taken", async () => {
    const other = createServer().listen(0);
    await once(other, "listening");
    const port = String((other.address() as AddressInfo).port);

    const [slack, worker] = await Promise.all([endOf("slack", { PORT: port }), endOf("worker", { HEALTH_PORT: port })]);
    other.close();

    expect(slack).toContain("code 2");
    expect(slack).toContain(`eks-access slack: Can't use port ${port} of PORT.`);
    expect(worker).toContain("code 2");
    expect(worker).toContain(`eks-access worker: Can't use port ${port} of HEALTH_PORT.`);
  });

  test("where it finds a secret of the other process", async () => {
    const [slack, worker] = (["slack", "worker"] as const).map((kind) => sandbox.environmentOf(kind, { redisUrl: "" }));

    const ends = await Promise.all([
      endOf("slack", { MEMORY_KEYS: worker?.MEMORY_KEYS ?? "" }),
      endOf("worker", { DECISION_SIGNING_KEY: slack?.DECISION_SIGNING_KEY ?? "" }),
    ]);

    expect(ends[0]).toContain("MEMORY_KEYS: remove it from the Slack process's environment");
    expect(ends[1]).toContain("DECISION_SIGNING_KEY: remove it from the worker's environment");
  });

  test("where Slack does not know the token", async () => {
    const end = await endOf("slack", { SLACK_BOT_TOKEN: "xoxb-of-nobody" });

    expect(end).toContain("code 2");
    expect(end).toContain("eks-access slack: Can't reach Slack: Slack answers invalid_auth.");
    expect(end).not.toContain("xoxb-of-nobody");
  });

  test("where Slack can't be reached", async () => {
    const end = await endOf("slack", { SLACK_API_URL: "http://127.0.0.1:1/api/" });

    expect(end).toContain("code 2");
    expect(end).toContain("eks-access slack: Can't reach Slack.");
  });

  test("where the ledger has another schema", async () => {
    await asAdministrator(redis.url, (server) => server.set("{eks-access}:schema", "99"));

    const ends = await Promise.all([endOf("slack", {}), endOf("worker", {})]);
    await asAdministrator(redis.url, (server) => server.del("{eks-access}:schema"));

    for (const end of ends) {
      expect(end).toContain("code 2");
      expect(end).toContain("The ledger in Redis has schema 99");
    }
  });

  test.each(["slack", "worker"] as const)("where nothing catches an exception of the %s process", async (kind) => {
    const failing = preloading(`process.on("SIGUSR2", () => {
      const { A_TOKEN: token } = process.env;
      Promise.reject(Object.assign(new Error("401 for Bearer " + token), { body: token, request: { headers: { token } } }));
    })`);
    onTestFinished(failing.remove);
    const environment = {
      ...sandbox.environmentOf(kind, { redisUrl: redis.url }),
      A_TOKEN: "hunter2secretlong",
      ...failing.environment,
    };
    const product = await startProduct(await bundledProduct(), kind, environment);

    process.kill(product.pid, "SIGUSR2");

    expect(await product.exited).toBe(1);
    const fatal = JSON.parse(product.log.findLast((line) => line.startsWith("{")) ?? "{}") as unknown;
    expect(fatal).toMatchObject({ code: "unexpected", err: { message: "401 for Bearer [redacted]" } });
    expect(product.log.join()).not.toContain("hunter2secret");
  });

  test("if every approver has left Slack, and says who can repair that", async () => {
    for (const user of ["U0APPROVER", "U0APPROVER2"]) sandbox.slack.deactivate(user);
    // A start of another test, that failed later, has found them good.
    await asAdministrator(redis.url, (server) => server.del("{eks-access}:good-approvers"));

    const end = await endOf("slack", {});

    expect(end).toContain("code 2");
    expect(end).toContain("eks-access slack: 2 levels in eks-access.yml have too few active approvers.");
    expect(end).toContain("Not active: U0APPROVER, U0APPROVER2. An operator can add approvers");
  });

  test("where Redis refuses the password", async () => {
    const url = new URL(redis.url);
    url.username = "nobody";
    url.password = "hunter2secret";

    const end = await endOf("worker", { REDIS_URL: url.href });

    expect(end).toContain("code 2");
    expect(end).toContain("refuses user or password");
    expect(end).not.toContain("hunter2secret");
  });
});
