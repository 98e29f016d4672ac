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
import { AccessError } from "../access/access-error.ts";
import { aboutRequests } from "./log.ts";

/** A position in a trace: `traceparent` of W3C Trace Context, from which another process can continue. */
export type TraceParent = string;

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export function isTraceParent(text: string): boolean {
  return form.test(text);
}

function isSameTrace(one: TraceParent, other: TraceParent): boolean {
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

/** Does a piece of work. Shows it in a trace if this process makes traces (open-telemetry.ts). */
export async function traced<T>(work: Work, act: () => Promise<T>): Promise<T> {
  const within = contextOf(work);
  const span = startSpan(work, within);
  // This process makes no traces.
  if (!trace.isSpanContextValid(span.spanContext())) return act();
  try {
    return await contexts.with(trace.setSpan(within, span), act);
  } catch (error) {
    // Not the message: it may name an ARN.
    const type = error instanceof AccessError ? error.code : error instanceof Error ? error.name : "unknown";
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", type);
    throw error;
  } finally {
    span.end();
  }
}

/** Shows work that has ended already, such as a wait. */
export function traceEndedWork(work: Work): void {
  startSpan(work, contextOf(work)).end(work.endedAt);
}

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

/** The OTLP encodings, both over HTTP. */
export type TraceProtocol = "http/protobuf" | "http/json";

/** Where each request's trace continues. It is not in the record: a trace must not change a decision. */
export interface RequestTraces {
  remember(id: string, parent: TraceParent): Promise<void>;
  /** Without those that it forgot. */
  of(ids: readonly string[]): Promise<ReadonlyMap<string, TraceParent>>;
}

export interface TraceContext {
  /** Absent: this process makes no traces. */
  readonly traces?: RequestTraces | undefined;
  /** Within a run: the requests that it serves, each with its own trace. */
  readonly served?: ReadonlyMap<string, TraceParent> | undefined;
  /** When this run's job entered and left its queue, in milliseconds since the epoch. */
  readonly waited?: { readonly queue: string; readonly from: number; readonly until: number } | undefined;
}

/** A part of the trace of one, or its own trace with links to many (OpenTelemetry, batches). Its log lines name them. */
export function tracedRun<C extends TraceContext, T>(
  context: C,
  name: string,
  attributes: Attributes,
  requests: readonly { readonly id: string }[],
  act: (context: C) => Promise<T>,
): Promise<T> {
  const ids = requests.map(({ id }) => id);
  return aboutRequests(ids, () => tracedJob(context, name, attributes, ids, act));
}

/** The same without the names in the log. */
export async function tracedJob<C extends TraceContext, T>(
  context: C,
  name: string,
  attributes: Attributes,
  ids: readonly string[],
  act: (context: C) => Promise<T>,
): Promise<T> {
  if (!context.traces) return act(context);
  // A failed look-up of traces must not stop the work.
  const served = await context.traces.of(ids).catch(() => new Map<string, TraceParent>());
  const parents = [...served.values()];
  const [first] = parents;
  const parent = first !== undefined && parents.every((each) => isSameTrace(each, first)) ? first : null;
  const work: Work = { name, kind: "consumer", parent, links: parents.filter((each) => each !== parent) };
  return traced({ ...work, attributes: { ...attributes, "eks_access.requests": [...ids] } }, () => {
    traceWait(context);
    return act({ ...context, served });
  });
}

function traceWait({ waited }: TraceContext): void {
  if (waited) traceEndedWork({ name: `wait in ${waited.queue}`, beganAt: waited.from, endedAt: waited.until });
}

/** Puts work for one request of a shared run into the request's own trace, with a link to the run. */
export function traceFor({ served }: TraceContext, { id }: { readonly id: string }): Omit<Work, "name"> {
  const attributes = { "eks_access.request": id };
  const own = served?.get(id);
  const run = currentTrace();
  if (own === undefined || run === null || isSameTrace(own, run)) return { attributes };
  return { attributes, parent: own, links: [run] };
}

/** Remembers that a request's trace continues from the running work. */
export async function rememberTrace({ traces }: TraceContext, id: string): Promise<void> {
  const parent = currentTrace();
  if (parent !== null) await traces?.remember(id, parent).catch(() => {});
}

export type QuestionTrace = { readonly telemetry?: { readonly metadata: string } };

export function tracedQuestion<T>(name: string, ask: (askedIn: QuestionTrace) => Promise<T>): Promise<T> {
  return traced({ name: `ask ${name}` }, () => {
    const trace = currentTrace();
    return ask(trace === null ? {} : { telemetry: { metadata: trace } });
  });
}

/** Answers within the asker's trace. */
export function tracedAnswer<T>(
  context: TraceContext,
  name: string,
  attributes: Attributes,
  askedIn: string | undefined,
  act: () => Promise<T>,
): Promise<T> {
  const parent = askedIn !== undefined && isTraceParent(askedIn) ? askedIn : null;
  return traced({ name: `answer ${name}`, kind: "consumer", parent, attributes }, () => {
    traceWait(context);
    return act();
  });
}
