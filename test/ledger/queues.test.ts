import { type Job as BullJob, Worker } from "bullmq";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { type Job, messageJobs, type QueueName, readJob, workerJobs } from "../../src/ledger/jobs.ts";
import {
  examineQueues,
  HandBack,
  openQueues,
  type Queues,
  type QueueWork,
  queuePrefix,
  wake,
  wakeAll,
  wasStartedBefore,
  workOnJobs,
} from "../../src/ledger/queues.ts";
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

test.each([
  ["ends", "wait"],
  ["ends", "active"],
  ["clusters", "delayed"],
  ["clusters", "prioritized"],
])("a queue of a cluster that a person garbled in Redis is found: %s, %s", async (queue, part) => {
  await wakeAll(queues, [reconcile, { type: "end", cluster: "staging" }]);
  await expect(examineQueues(queues, ["staging"])).resolves.toBeUndefined();
  await connection.redis.set(`{eks-access}:${queue}:${part}`, "garbage");

  await expect(examineQueues(queues, ["staging"])).rejects.toThrow("WRONGTYPE");
});

const settings = { concurrency: 1, lockMs: 600_000 };
const reconcile = { type: "reconcile", cluster: "staging" } as const;
/** As a version after this one might put it. */
const ofTomorrow = { type: "rotate", cluster: "staging" };

/** A process that works on the clusters, what it ran, what failed there, and what it logged. */
function aProcess(read: (data: unknown) => unknown = (data) => readJob(workerJobs, data)) {
  const ran: unknown[] = [];
  const failed: string[] = [];
  const names: (string | undefined)[] = [];
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line).msg) });
  const blocking = connectRedisBlocking(database.url);
  const run = async (job: unknown) => ran.push(job);
  const note: QueueWork<unknown>["failed"] = (job, error) => {
    failed.push(error.message);
    names.push(job?.name);
  };
  const worker = workOnJobs({ queue: "clusters", read, run, failed: note, log, ...settings }, blocking);
  const stop = async () => {
    await worker.stop(new AbortController().signal);
    blocking.disconnect();
  };
  closers.push(stop);
  return { ran, failed, names, lines, stop: () => closers.splice(closers.indexOf(stop), 1)[0]?.() };
}

/** Puts a job there whatever its type is. */
const put = (data: object, name = "rotate") => queues.clusters.add(name, data as Job);

test("a job of a newer version comes back, nothing else is run for it, and a process that knows it runs it", async () => {
  const older = aProcess();
  await put(ofTomorrow);
  await put(reconcile, "reconcile");
  await expect.poll(() => older.ran).toEqual([reconcile]);
  await older.stop();

  const newer = aProcess((data) => data);
  await expect.poll(() => newer.ran).toEqual([ofTomorrow]);

  expect(older.failed).toEqual([]);
  expect(older.lines).toEqual(["this version does not know a job; it waits for a process that does"]);
});

test.each([
  ["a field that this version does not know", { ...reconcile, region: "eu-west-1" }],
  ["no type", { cluster: "staging" }],
  ["the name of something that every object has", { type: "constructor", cluster: "staging" }],
])("a job with %s is not run as something else", (_, data) => {
  expect(readJob(workerJobs, data)).toBeNull();
});

test("a job that comes back is logged once, and fails with what to do where no process knows it for twenty minutes", async () => {
  const older = aProcess();
  const { id = "" } = await put(ofTomorrow);

  await expect
    .poll(
      async () => {
        const job = await queues.clusters.getJob(id);
        if (await job?.isDelayed()) await job?.promote();
        return older.failed;
      },
      { timeout: 15_000, interval: 10 },
    )
    .toEqual(["Unknown job: update all processes to one version"]);

  expect((await queues.clusters.getJob(id))?.attemptsStarted).toBe(26);
  expect(older.lines).toHaveLength(1);
  expect(older.ran).toEqual([]);
});

test("a job whose starts someone made a number below zero waits before it comes back", async () => {
  const { id = "" } = await put(ofTomorrow);
  await connection.redis.hset(`{eks-access}:clusters:${id}`, "ats", -1_000_000);

  aProcess();

  await expect.poll(async () => (await queues.clusters.getJob(id))?.delay).toBe(1_000);
});

test("a job that would fill the memory with what no one reads keeps no other from running", async () => {
  const { id } = await put({ ...reconcile, cluster: "first" }, "reconcile");
  const opts = `{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  await connection.redis.hset(`{eks-access}:clusters:${id}`, { opts });
  await put(reconcile, "reconcile");

  const worker = aProcess();

  await expect.poll(() => worker.ran).toEqual([reconcile]);
});

test("a job whose name someone made very long is in the log with its start", async () => {
  const { id = "" } = await put(reconcile, "n".repeat(2 ** 16));
  await connection.redis.hset(`{eks-access}:clusters:${id}`, "defa", "it was made to fail");
  const worker = aProcess();

  await expect.poll(() => worker.names).toEqual(["n".repeat(64)]);
});

test("a job that has to wait loses no try, and news about its record runs at once in its place", async () => {
  const show = { type: "show", record: "r-1" } as const;
  const starts: number[] = [];
  const blocking = connectRedisBlocking(database.url);
  const work = {
    queue: "messages",
    read: (data: unknown) => data,
    run: (_: unknown, { attemptsStarted, attemptsMade }: { attemptsStarted: number; attemptsMade: number }) => {
      starts.push(attemptsStarted, attemptsMade);
      return Promise.reject(new Error("Slack asks to wait"));
    },
    failed: () => starts.push(-1),
    waitMs: (_: unknown, error: unknown, count: number) =>
      String(error).includes("asks to wait") ? 5 * 720_000 ** (count - 1) : null,
    log: pino({ enabled: false }),
    ...settings,
  } as const;
  const worker = workOnJobs(work, blocking);
  closers.push(async () => {
    await worker.stop(new AbortController().signal);
    blocking.disconnect();
  });

  await wake(queues, show);
  await expect.poll(() => starts).toEqual([1, 0, 2, 0]);
  await expect.poll(() => queues.messages.getDelayedCount()).toBe(1);
  await wake(queues, show);

  await expect.poll(() => starts).toEqual([1, 0, 2, 0, 1, 0, 2, 0]);
});

test.each(["sign-in", "migration", "end"] as const)(
  "a job for later that a person put into Redis does not keep the next look out of its queue: %s",
  async (type) => {
    const look = { type, cluster: "staging" } as const;
    const queue = queues.of(look);
    await queue.add(type, look, { delay: 3_600_000, deduplication: { id: `${type}-staging` } });

    await wakeAll(queues, [look]);

    expect(await queue.getJobCounts("waiting", "delayed")).toEqual({ waiting: 1, delayed: 0 });
  },
);

test("wake-ups of one type for one cluster are one job, and each waits in the queue of its type", async () => {
  const end = { type: "end", cluster: "staging" } as const;
  const show = { type: "show-thread", record: "r-1" } as const;

  await wake(queues, reconcile);
  await wakeAll(queues, [reconcile, end, show, show, { ...reconcile, cluster: "production" }]);

  const heldBy = async (queue: QueueName) =>
    (await queues[queue].getJobs(["waiting", "delayed"], 0, 9, true)).map(({ data }) => data);
  expect(await heldBy("clusters")).toEqual([reconcile, { ...reconcile, cluster: "production" }]);
  expect(await heldBy("ends")).toEqual([end]);
  expect(await heldBy("messages")).toEqual([show]);
});

test("what a request needs comes before looks by the clock, however many wait", async () => {
  const looks = Array.from({ length: 5 }, (_, index) => ({ type: "adopt", cluster: `c-${index}` }) as const);
  await wakeAll(queues, looks);
  await wake(queues, reconcile);

  const { ran } = aProcess();

  await expect.poll(() => ran).toEqual([reconcile, ...looks]);
});

test("a job waits and is tried again by the policy of its type", async () => {
  await wakeAll(queues, [
    { type: "show-home", user: "U1" },
    { type: "show", record: "r-1" },
  ]);

  const [home, request] = await Promise.all([
    queues.messages.getJobs(["delayed"]),
    queues.messages.getJobs(["waiting"]),
  ]);

  const { waitMs, tries, retryMs } = messageJobs["show-home"];
  expect(home.map(({ opts }) => opts)).toMatchObject([
    { delay: waitMs, attempts: tries, backoff: { type: "exponential", delay: retryMs } },
  ]);
  expect(request.map(({ opts }) => opts)).toMatchObject([{ attempts: 7, backoff: { delay: 500 } }]);
});

/** A worker that does this with each job, and how its process would stop it. Its locks outlive the test. */
function aWorker(work: (job: BullJob) => Promise<unknown>) {
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
  let take = (_: BullJob) => {};
  const taken = new Promise<BullJob>((resolve) => {
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
