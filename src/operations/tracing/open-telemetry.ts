import {
  type Context,
  context as contexts,
  type DiagLogFunction,
  DiagLogLevel,
  diag,
  type Link,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import { AccessError } from "../../access/failure/access-error.ts";
import { redact } from "../../access/failure/redact.ts";
import type { TraceProtocol } from "./traced.ts";
import { type Attributes, isTraceParent, type TraceParent, type Tracer, type Work } from "./traced.ts";

export interface OpenTelemetry {
  readonly tracer: Tracer;
  /** Sends what is left. */
  readonly stop: () => Promise<void>;
}

/**
 * Traces by OpenTelemetry, sent by OTLP. Where to, how many and under which name is read from the standard environment
 * variables by its SDK. It says nothing of the host, the command line or the person who runs it.
 */
export async function startOpenTelemetry(
  serviceName: string,
  protocol: TraceProtocol,
  log: Logger,
): Promise<OpenTelemetry> {
  diag.setLogger(diagLogger(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const manager = new AsyncLocalStorageContextManager().enable();
  contexts.setGlobalContextManager(manager);
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": serviceName }))
    .merge(detectResources({ detectors: [envDetector] }));
  const spanProcessors = [new BatchSpanProcessor(await exporterOf(protocol))];
  const provider = new BasicTracerProvider({ resource, spanProcessors });
  return {
    tracer: tracerOf(provider.getTracer("eks-access")),
    stop: async () => {
      await provider.shutdown();
      contexts.disable();
      diag.disable();
    },
  };
}

async function exporterOf(protocol: TraceProtocol): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter();
}

function tracerOf(otel: OtelTracer): Tracer {
  return {
    run: async (work, act) => {
      const within = contextOf(work);
      const span = otel.startSpan(work.name, optionsOf(work), within);
      try {
        return await contexts.with(trace.setSpan(within, span), act);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", typeOf(error));
        throw error;
      } finally {
        span.end();
      }
    },
    tell: (work) => otel.startSpan(work.name, optionsOf(work), contextOf(work)).end(work.endedAt),
    note: (attributes) => void trace.getActiveSpan()?.setAttributes(copied(attributes)),
    current: () => parentOf(trace.getActiveSpan()),
  };
}

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER } as const;

function optionsOf({ kind, attributes = {}, links = [], beganAt }: Work): SpanOptions {
  return {
    kind: kind ? kinds[kind] : SpanKind.INTERNAL,
    attributes: copied(attributes),
    links: links.flatMap((link): Link[] => {
      const context = spanContextOf(link);
      return context ? [{ context }] : [];
    }),
    ...(beganAt === undefined ? {} : { startTime: beganAt }),
  };
}

function copied(attributes: Attributes): Record<string, string | number | string[]> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, typeof value === "object" ? [...value] : value]),
  );
}

function contextOf({ parent }: Work): Context {
  if (parent === undefined) return contexts.active();
  const context = parent === null ? null : spanContextOf(parent);
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

function spanContextOf(parent: TraceParent) {
  if (!isTraceParent(parent)) return null;
  const [, traceId = "", spanId = "", flags = ""] = parent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function parentOf(span: Span | undefined): TraceParent | null {
  if (!span) return null;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** The message stays out: it may name an ARN. */
function typeOf(error: unknown): string {
  if (error instanceof AccessError) return error.code;
  return error instanceof Error ? error.name : "unknown";
}

/** What the SDK says of itself, for example that nobody takes the traces. Headers of the exporter may hold a secret. */
function diagLogger(log: Logger) {
  const write =
    (level: "debug" | "warn"): DiagLogFunction =>
    (message) =>
      log[level]({ source: "opentelemetry" }, redact(message).slice(0, 500));
  const [warn, debug] = [write("warn"), write("debug")];
  return { error: warn, warn, info: debug, debug, verbose: debug };
}
