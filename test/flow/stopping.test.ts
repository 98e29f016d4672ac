import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ProductProcess, spawnProduct } from "../../sandbox/product-process.ts";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { queuePrefix } from "../../src/ledger/queues.ts";
import { bundledProduct } from "../product.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

/** Stops a process, and returns how it ended. */
async function stopped(child: ProductProcess): Promise<{ code: number | null; log: string }> {
  const code = await child.stop();
  return { code, log: child.log.join("\n") };
}

describe("a process that gets the signal to stop", () => {
  let flow: Flow;

  beforeAll(async () => {
    // What waits for a lock to expire waits longer than the test.
    const held = `${configuration}  deadlines: { jobLock: 10m, messageLock: 10m }\n`;
    flow = await startFlow({ configuration: held, environment: { STOP_DEADLINE: "1s" } });
  });
  afterAll(() => flow.stop());

  const ask = (reason: string) =>
    flow.sandbox.slack
      .person("U0ENGINEER")
      .command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 30m ${reason}`, channel);

  const shown = (reason: string, text: string) =>
    flow.until(() =>
      flow.messages().findLast((each) => [reason, text].every((part) => wholeTextOf(each).includes(part))),
    );

  test("a worker in the middle of a run on a cluster that hangs hands the run back, and another one finishes it", async () => {
    await ask("debug");
    const asked = await flow.asked("debug");
    const { struck } = flow.sandbox.faults.plan("kubernetes.get-configmap", { type: "hang" });
    const first = flow.worker();
    await flow.sandbox.slack.person("U0APPROVER").click(asked, "approve");
    await struck;

    const [ended] = await Promise.all([stopped(first), flow.startWorker()]);
    await flow.active();

    expect(ended.code).toBe(0);
    expect(ended.log).toContain(`"handedBack":["reconcile ${clusterName}"]`);
    expect(flow.sandbox.cluster.awsAuth()?.data?.mapUsers?.split(arns.engineer)).toHaveLength(2);
    const { types, verdict } = await auditOf(flow.redisUrl);
    expect(types.filter((type) => type === "lease.active")).toHaveLength(1);
    expect(verdict.type).toBe("whole");
    // No one waited for a lock to expire.
    expect(await stalledCounts(flow.redisUrl)).not.toContain(1);
  });

  test("a slack process in the middle of a message that Slack does not answer hands it back, and the next one shows it", async () => {
    const { struck } = flow.sandbox.faults.plan("slack.chat.postMessage", { type: "hang" });
    await ask("read logs");
    await struck;

    const ended = await stopped(flow.slack());
    await flow.startSlack();
    await flow.asked("read logs");

    expect(ended.code).toBe(0);
    expect(ended.log).toMatch(/"handedBack":\["show r-[a-z0-9]{8}"/);
    const shown = flow.sandbox.slack.messages(channel).filter((message) => wholeTextOf(message).includes("read logs"));
    expect(shown).toHaveLength(1);
  });

  test("a worker whose log nothing reads gives and ends a lease, and ends at once, with code 0", async () => {
    await flow.worker().stop();
    const pipe = aFullPipe();
    const environment = { ...flow.sandbox.environmentOf("worker", { redisUrl: flow.redisUrl }), STOP_DEADLINE: "1s" };
    const unread = spawnProduct(await bundledProduct(), "worker", environment, [], pipe.writer);
    const approver = flow.sandbox.slack.person("U0APPROVER");

    await ask("count the pods");
    await approver.click(await flow.asked("count the pods"), "approve");
    const active = await shown("count the pods", "*Active*");
    const [id] = /r-[a-z0-9]{8}/.exec(JSON.stringify(active.blocks)) ?? [];
    await approver.command(`/eks-access revoke ${id} counted`, channel);
    await shown("count the pods", "*Ended*");
    const code = await unread.stop();
    pipe.close();
    await flow.startWorker();

    expect(code).toBe(0);
  });

  test("one that does nothing ends at once, with code 0", async () => {
    await expect.poll(() => unfinishedJobs(flow.redisUrl)).toBe(0);
    const [slack, worker] = await Promise.all([stopped(flow.slack()), stopped(flow.worker())]);

    expect([slack.code, worker.code]).toEqual([0, 0]);
    expect(slack.log + worker.log).not.toContain("the deadline is over");
  });
});

/** A pipe between two processes, as a container's log is, without room for another line. */
function aFullPipe() {
  const folder = mkdtempSync(join(tmpdir(), "eks-access-log-"));
  const path = join(folder, "log");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const writer = openSync(path, "w");
  rmSync(folder, { recursive: true });
  const fill = () => {
    for (;;) writeSync(filler, "-".repeat(1024));
  };
  expect(fill).toThrow("EAGAIN");
  const close = () => {
    for (const file of [reader, filler, writer]) closeSync(file);
  };
  return { writer, close };
}

/** How often each job on the clusters was taken from a worker that had fallen silent. */
async function stalledCounts(redisUrl: string): Promise<readonly number[]> {
  const jobs = await askQueue(redisUrl, "clusters", (queue) => queue.getJobs());
  return jobs.map(({ stalledCounter }) => stalledCounter);
}

/** How many jobs run, or would run now. */
async function unfinishedJobs(redisUrl: string): Promise<number> {
  const count = (queue: Queue) => queue.getJobCountByTypes("active", "waiting", "prioritized");
  const counts = await Promise.all(["clusters", "ends", "messages"].map((name) => askQueue(redisUrl, name, count)));
  return counts.reduce((sum, each) => sum + each, 0);
}

async function askQueue<T>(redisUrl: string, name: string, ask: (queue: Queue) => Promise<T>): Promise<T> {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(name, { connection: redis, prefix: queuePrefix });
  const answer = await ask(queue);
  await queue.close();
  redis.disconnect();
  return answer;
}
