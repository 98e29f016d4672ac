import { context as contexts, type DiagLogFunction, DiagLogLevel, diag, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import { redact } from "../access/redact.ts";
import type { TraceProtocol } from "./traced.ts";

/** By OTLP, as the standard variables say; nothing about host or operator. @returns sends the rest and stops */
export async function startOpenTelemetry(
  serviceName: string,
  protocol: TraceProtocol,
  log: Logger,
): Promise<() => Promise<void>> {
  diag.setLogger(diagLogger(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  contexts.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": serviceName }))
    .merge(detectResources({ detectors: [envDetector] }));
  const spanProcessors = [new BatchSpanProcessor(await exporterOf(protocol))];
  const provider = new BasicTracerProvider({ resource, spanProcessors });
  trace.setGlobalTracerProvider(provider);
  return async () => {
    trace.disable();
    await provider.shutdown();
    contexts.disable();
    diag.disable();
  };
}

async function exporterOf(protocol: TraceProtocol): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter();
}

/** The SDK's own messages, for example that no collector answers. Headers of the exporter may hold a secret. */
function diagLogger(log: Logger) {
  const write =
    (level: "debug" | "warn"): DiagLogFunction =>
    (message) =>
      log[level]({ source: "opentelemetry" }, redact(message).slice(0, 500));
  const [warn, debug] = [write("warn"), write("debug")];
  return { error: warn, warn, info: debug, debug, verbose: debug };
}
