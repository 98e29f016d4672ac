import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { startOpenTelemetry } from "../../src/operations/open-telemetry.ts";
import { currentTrace, traced } from "../../src/operations/traced.ts";
import { anOtlpReceiver, type OtlpReceiver } from "./otlp-receiver.ts";

let receiver: OtlpReceiver;
let stop = async () => {};

beforeEach(async () => {
  receiver = await anOtlpReceiver();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url);
});

afterEach(async () => {
  await stop();
  vi.unstubAllEnvs();
  await receiver.stop();
});

async function start(protocol: "http/json" | "http/protobuf"): Promise<void> {
  stop = await startOpenTelemetry("eks-access-worker", protocol, pino({ level: "silent" }));
}

test("work within work is a part of it, and so is what another process goes on with", async () => {
  await start("http/json");
  let parent: string | null = null;
  await traced({ name: "outer" }, () =>
    traced({ name: "inner" }, async () => {
      parent = currentTrace();
    }),
  );
  await traced({ name: "elsewhere", parent }, async () => {});
  await stop();

  const [inner, outer, elsewhere] = ["inner", "outer", "elsewhere"].map((name) =>
    receiver.spans.find((span) => span.name === name),
  );
  expect(inner?.parentSpanId).toBe(outer?.spanId);
  expect(elsewhere?.parentSpanId).toBe(inner?.spanId);
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test("a failure appears with its code, and not with its sentence", async () => {
  await start("http/json");
  const failure = new AccessError("creator-mismatch", "AWS says arn:aws:iam::111122223333:role/other");
  const run = traced({ name: "assume" }, () => Promise.reject(failure));

  await expect(run).rejects.toBe(failure);
  await stop();

  const [sent] = receiver.bodies.map(({ content }) => content.toString());
  expect(sent).toContain('"creator-mismatch"');
  expect(sent).not.toContain("arn:aws");
});

test("traces are sent as protobuf to the path of the standard, too", async () => {
  await start("http/protobuf");
  let parent = "";
  await traced({ name: "work" }, async () => {
    parent = currentTrace() ?? "";
  });
  await stop();

  expect(receiver.bodies).toMatchObject([{ path: "/v1/traces", contentType: "application/x-protobuf" }]);
  expect(receiver.bodies[0]?.content.toString("hex")).toContain(parent.split("-")[1]);
});

test.each([
  ["always_off", []],
  ["always_on", ["work"]],
])("the sampler of the environment decides: %s", async (sampler, names) => {
  vi.stubEnv("OTEL_TRACES_SAMPLER", sampler);
  await start("http/json");
  await traced({ name: "work" }, async () => {});
  await stop();

  expect(receiver.spans.map(({ name }) => name)).toEqual(names);
});

test("an invalid parent begins a new trace", async () => {
  await start("http/json");
  await traced({ name: "work", parent: "00-nonsense" }, async () => {});
  await stop();

  expect(receiver.spans.map(({ parentSpanId }) => parentSpanId || null)).toEqual([null]);
});
