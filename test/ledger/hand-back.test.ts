import { type Job, Worker } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { HandBack, openQueues, type Queues, queuePrefix, wake, wasStartedBefore } from "../../src/ledger/queues.ts";
import { unfinishedAt } from "../../src/operations/stoppable.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await queues.close();
  await connection.close();
  await database.close();
});

/** A worker that does this with each job, and how its process would stop it. Its locks outlive the test. */
function aWorker(work: (job: Job) => Promise<unknown>) {
  const handBack = new HandBack();
  const blocking = connectRedisBlocking(database.url);
  const worker = new Worker("clusters", (job, token) => handBack.run(job, token, work(job)), {
    connection: blocking,
    prefix: queuePrefix,
    lockDuration: 600_000,
  });
  worker.on("error", () => {});
  const stop = async (deadline: AbortSignal) => {
    const handedBack = await handBack.close(worker, deadline);
    blocking.disconnect();
    return handedBack;
  };
  closers.push(() => stop(AbortSignal.abort()));
  return { stop };
}

/** Resolves with the next job that a worker takes, which it never ends. */
function aWorkerThatHangs() {
  let take = (_: Job) => {};
  const taken = new Promise<Job>((resolve) => {
    take = resolve;
  });
  const worker = aWorker((job) => {
    take(job);
    return new Promise(() => {});
  });
  return { ...worker, taken };
}

test("a job that is unfinished at the deadline is handed back, and another worker takes it before any lock expires", async () => {
  const first = aWorkerThatHangs();
  await wake(queues, { type: "reconcile", cluster: "staging" });
  const before = await first.taken;

  const handedBack = await first.stop(AbortSignal.abort());
  const second = aWorkerThatHangs();
  const again = await second.taken;

  expect(handedBack).toEqual(["reconcile staging"]);
  expect(again.id).toBe(before.id);
  expect(again.stalledCounter).toBe(0);
  expect([before, again].map(wasStartedBefore)).toEqual([false, true]);
});

test("a wake-up during a job survives the job's hand-back", async () => {
  const first = aWorkerThatHangs();
  await wake(queues, { type: "reconcile", cluster: "staging" });
  await first.taken;
  await wake(queues, { type: "reconcile", cluster: "staging" });
  await first.stop(AbortSignal.abort());

  const ran: string[] = [];
  aWorker(async ({ id = "" }) => ran.push(id));

  await expect.poll(() => ran.length).toBe(2);
});

test("a job that ends before the deadline is done, and nothing is handed back", async () => {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const worker = aWorker(async () => {
    begin();
    await finished;
    return "done";
  });
  const job = await queues.clusters.add("reconcile", { type: "reconcile", cluster: "staging" });
  await begun;

  const stopped = worker.stop(new AbortController().signal);
  finish();

  expect(await stopped).toEqual([]);
  expect((await queues.clusters.getJob(job.id ?? ""))?.returnvalue).toBe("done");
});

test("a job that failed and is tried again was not begun before", async () => {
  const tries: boolean[] = [];
  aWorker(async (job) => {
    tries.push(wasStartedBefore(job));
    if (tries.length === 1) throw new Error("not yet");
  });

  await queues.clusters.add("adopt", { type: "adopt", cluster: "staging" }, { attempts: 2, backoff: 1 });

  await expect.poll(() => tries).toEqual([false, false]);
});

test("work that ends by itself gets time until the deadline, and is named if it does not end", async () => {
  expect(await unfinishedAt(Promise.resolve(), "the sweep", new AbortController().signal)).toEqual([]);
  expect(await unfinishedAt(new Promise(() => {}), "the sweep", AbortSignal.abort())).toEqual(["the sweep"]);
});
