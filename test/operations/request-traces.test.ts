import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { redisRequestTraces } from "../../src/ledger/ledger.ts";
import { measuredStep } from "../../src/operations/announcements.ts";
import { startOpenTelemetry } from "../../src/operations/open-telemetry.ts";
import { rememberTrace, type TraceContext, traced, tracedRun, traceFor } from "../../src/operations/traced.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { anOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "./otlp-receiver.ts";

let receiver: OtlpReceiver;
let stopTracing: () => Promise<void>;
let database: TestRedis;
let connection: RedisConnection;
let context: TraceContext;

beforeEach(async () => {
  receiver = await anOtlpReceiver();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url);
  stopTracing = await startOpenTelemetry("eks-access-worker", "http/json", pino({ level: "silent" }));
  database = await aRedis();
  connection = await connectRedis(database.url);
  context = { traces: redisRequestTraces(connection.redis) };
});

afterEach(async () => {
  await stopTracing();
  vi.unstubAllEnvs();
  await receiver.stop();
  await connection.close();
  await database.close();
});

/** A request that was approved in a trace of its own. */
function approved(id: string): Promise<void> {
  return traced({ name: `approve ${id}`, parent: null }, () => rememberTrace(context, id));
}

/** A run for these requests, that proves each. */
async function run(requests: readonly { id: string }[]): Promise<void> {
  await tracedRun(context, "reconcile staging", {}, requests, async (running) => {
    await measuredStep("put", async () => {});
    for (const request of requests) await measuredStep("prove", async () => {}, traceFor(running, request));
  });
  await stopTracing();
}

function sent(name: string): readonly ReceivedSpan[] {
  return receiver.spans.filter((span) => span.name === name);
}

test("a run for one request is a part of its trace", async () => {
  await approved("r-7k2m9x4q");

  await run([{ id: "r-7k2m9x4q" }]);

  const [[approval], [reconcile], [prove]] = [sent("approve r-7k2m9x4q"), sent("reconcile staging"), sent("prove")];
  expect(reconcile).toMatchObject({ parentSpanId: approval?.spanId, links: [] });
  expect(prove).toMatchObject({ parentSpanId: reconcile?.spanId, traceId: approval?.traceId, links: [] });
});

test("a run for many requests has a trace of its own that links to theirs, and each is proved in its own", async () => {
  const requests = [{ id: "r-7k2m9x4q" }, { id: "r-3cdqhwjk" }];
  for (const { id } of requests) await approved(id);

  await run(requests);

  const approvals = requests.map(({ id }) => sent(`approve ${id}`)[0]);
  const [reconcile] = sent("reconcile staging");
  expect(reconcile?.parentSpanId || null).toBeNull();
  expect(reconcile?.links.map(({ spanId }) => spanId)).toEqual(approvals.map((each) => each?.spanId));
  expect(sent("put")[0]?.traceId).toBe(reconcile?.traceId);
  expect(sent("prove").map(({ parentSpanId }) => parentSpanId)).toEqual(approvals.map((each) => each?.spanId));
  for (const { links } of sent("prove")) expect(links).toMatchObject([{ spanId: reconcile?.spanId }]);
});

test("a request without a remembered trace is served in the run's own", async () => {
  await connection.redis.set("{eks-access}:trace:r-3cdqhwjk", "00-forged");

  await run([{ id: "r-7k2m9x4q" }, { id: "r-3cdqhwjk" }]);

  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test("a Redis that does not answer costs the trace and not the work", async () => {
  await connection.close();

  await approved("r-7k2m9x4q");
  await run([{ id: "r-7k2m9x4q" }]);

  expect(sent("prove")).toHaveLength(1);
});

test("where no traces are made, nothing is asked of Redis", async () => {
  await stopTracing();
  const asked = vi.fn();

  await tracedRun({ traces: undefined }, "reconcile staging", {}, [{ id: "r-7k2m9x4q" }], async () => asked());
  await rememberTrace({}, "r-7k2m9x4q");

  expect(asked).toHaveBeenCalledOnce();
  expect(await connection.redis.keys("*trace*")).toEqual([]);
});
