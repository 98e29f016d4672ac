import type { TraceProtocol } from "../operations/tracing/traced.ts";

const protocols: readonly TraceProtocol[] = ["http/protobuf", "http/json"];

/**
 * Whether traces are made, by OpenTelemetry's own variables: where an OTLP endpoint or the exporter otlp is named, unless
 * the SDK is disabled. What else they say its SDK reads by itself.
 */
export function readTracing(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): { readonly protocol: TraceProtocol } | null {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return null;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const exporter = (env.OTEL_TRACES_EXPORTER || (endpoint ? "otlp" : "none")).trim();
  if (exporter === "none") return null;
  if (exporter !== "otlp") problems.push("OTEL_TRACES_EXPORTER: use otlp or none.");
  const named = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || "http/protobuf";
  const protocol = protocols.find((each) => each === named.trim());
  if (!protocol) {
    problems.push("OTEL_EXPORTER_OTLP_PROTOCOL: use http/protobuf or http/json; traces are not sent over gRPC.");
  }
  return { protocol: protocol ?? "http/protobuf" };
}
