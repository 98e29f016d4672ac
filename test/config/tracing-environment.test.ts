import { expect, test } from "vitest";
import { readTracing } from "../../src/config/environment.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

test.each([
  ["nothing is said of them", {}, null],
  ["an endpoint is named", endpoint, "http/protobuf"],
  [
    "an endpoint for traces is named",
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" },
    "http/protobuf",
  ],
  ["the exporter is named", { OTEL_TRACES_EXPORTER: "otlp" }, "http/protobuf"],
  ["the exporter is none", { ...endpoint, OTEL_TRACES_EXPORTER: "none" }, null],
  ["the SDK is disabled", { ...endpoint, OTEL_SDK_DISABLED: "TRUE", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, null],
  ["JSON is asked for", { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, "http/json"],
  [
    "traces have a protocol of their own",
    { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" },
    "http/json",
  ],
])("whether traces are made, where %s", (_case, env, protocol) => {
  const problems: string[] = [];

  expect(readTracing(env, problems)?.protocol ?? null).toBe(protocol);
  expect(problems).toEqual([]);
});

test("what can't be done is a problem: another exporter, and gRPC", () => {
  const problems: string[] = [];

  readTracing({ OTEL_TRACES_EXPORTER: "zipkin", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, problems);

  expect(problems).toEqual([
    "OTEL_TRACES_EXPORTER: use otlp or none.",
    "OTEL_EXPORTER_OTLP_PROTOCOL: use http/protobuf or http/json.",
  ]);
});
