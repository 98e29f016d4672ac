import { Worker } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../src/ledger/connect.ts";
import { openQueues, type Queues, queuePrefix } from "../../src/ledger/queues.ts";
import { workerQuestions } from "../../src/ledger/worker-questions.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
let stopWorker: () => Promise<void>;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
  stopWorker = async () => {};
});

afterEach(async () => {
  await stopWorker();
  await queues.close();
  await connection.close();
  await database.close();
});

/** A worker that answers each question so. */
function aWorker(answer: () => Promise<unknown>): void {
  const blocking = connectRedisBlocking(database.url);
  const worker = new Worker("clusters", answer, { connection: blocking, prefix: queuePrefix });
  stopWorker = async () => {
    await worker.close();
    blocking.disconnect();
  };
}

test("a question is answered by a worker, also by one that starts later", async () => {
  const answer = workerQuestions(queues).ask({ type: "creator", cluster: "staging" }, 10_000);
  aWorker(async () => ({ arn: "arn:aws:iam::111122223333:role/creator" }));

  expect(await answer).toEqual({ arn: "arn:aws:iam::111122223333:role/creator" });
});

test("an answer of nothing is an answer", async () => {
  aWorker(async () => undefined);

  await expect(workerQuestions(queues).ask({ type: "identity" }, 10_000)).resolves.toBeNull();
});

test("several questions at once get each its own answer", async () => {
  let count = 0;
  aWorker(async () => {
    count += 1;
    return count;
  });

  const ask = () => workerQuestions(queues).ask({ type: "identity" }, 10_000);
  const answers = await Promise.all([ask(), ask(), ask()]);

  expect([...answers].sort()).toEqual([1, 2, 3]);
});

test("a worker's failure is reported with its reason", async () => {
  aWorker(() => Promise.reject(new Error("AWS did not answer")));

  await expect(workerQuestions(queues).ask({ type: "identity" }, 10_000)).rejects.toThrow("AWS did not answer");
});

test("without a worker the question ends with its time", async () => {
  await expect(workerQuestions(queues).ask({ type: "identity" }, 300)).rejects.toThrow(
    "no worker answered within 300 ms",
  );
});
