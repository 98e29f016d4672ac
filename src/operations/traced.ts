import {
  type Attributes,
  type Context,
  context as contexts,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AccessError } from "../access/failure/access-error.ts";

/** A position in a trace: `traceparent` of W3C Trace Context, from which another process can continue. */
export type TraceParent = string;

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export function isTraceParent(text: string): boolean {
  return form.test(text);
}

export function isSameTrace(one: TraceParent, other: TraceParent): boolean {
  return one.slice(0, 35) === other.slice(0, 35);
}

export interface Work {
  readonly name: string;
  /** Its kind for other processes; absent: a part of larger work in this one. */
  readonly kind?: "server" | "client" | "consumer";
  /** Names of the configuration, ids of requests and codes; never a secret, an ARN, a person or typed text. */
  readonly attributes?: Attributes;
  /** The work that contains it, perhaps in another process; null: none; absent: the running work. */
  readonly parent?: TraceParent | null;
  /** Other traces that it serves. */
  readonly links?: readonly TraceParent[];
  /** Milliseconds since the epoch; absent: now. */
  readonly beganAt?: number;
  /** For work that is reported afterwards; absent: now. */
  readonly endedAt?: number;
}

/** Does a piece of work, and shows it in a trace if this process makes any (open-telemetry.ts). */
export async function traced<T>(work: Work, act: () => Promise<T>): Promise<T> {
  const within = contextOf(work);
  const span = startSpan(work, within);
  try {
    return await contexts.with(trace.setSpan(within, span), act);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", typeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** Shows work that has ended already, such as a wait. */
export function traceEndedWork(work: Work): void {
  startSpan(work, contextOf(work)).end(work.endedAt);
}

/** Adds attributes to the running work. */
export function addToTrace(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/** The running work; null: none, or this process makes no traces. */
export function currentTrace(): TraceParent | null {
  const span = trace.getActiveSpan();
  if (!span) return null;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER } as const;

function startSpan({ name, kind, attributes, links = [], beganAt }: Work, within: Context) {
  const options: SpanOptions = {
    kind: kind ? kinds[kind] : SpanKind.INTERNAL,
    links: links.map(spanContextOf).flatMap((context) => (context ? [{ context }] : [])),
    ...(attributes && { attributes }),
    ...(beganAt !== undefined && { startTime: beganAt }),
  };
  return trace.getTracer("eks-access").startSpan(name, options, within);
}

function contextOf({ parent }: Work): Context {
  if (parent === undefined) return contexts.active();
  const context = parent === null ? null : spanContextOf(parent);
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

function spanContextOf(parent: TraceParent): SpanContext | null {
  const [, traceId, spanId, flags] = form.exec(parent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

/** Not the message: it may name an ARN. */
function typeOf(error: unknown): string {
  if (error instanceof AccessError) return error.code;
  return error instanceof Error ? error.name : "unknown";
}

/** The OTLP encodings, both over HTTP. */
export type TraceProtocol = "http/protobuf" | "http/json";
