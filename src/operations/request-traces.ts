import type { Attributes } from "@opentelemetry/api";
import { aboutRequests } from "./log.ts";
import {
  currentTrace,
  isSameTrace,
  isTraceParent,
  type TraceParent,
  traced,
  traceEndedWork,
  type Work,
} from "./traced.ts";

/** Where each request's trace continues. Beside the record, not in it: a trace must not change a decision. */
export interface RequestTraces {
  remember(id: string, parent: TraceParent): Promise<void>;
  /** Forgotten ones are absent. */
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

/**
 * A run for some requests. For a single trace it is a part of that trace. For many it begins a trace of its own that links to each, as
 * OpenTelemetry's conventions say for a batch of messages. Each log line meanwhile names the requests.
 *
 * @param act gets the context within the run
 */
export function tracedRun<C extends TraceContext, T>(
  context: C,
  name: string,
  attributes: Attributes,
  requests: readonly { readonly id: string }[],
  act: (context: C) => Promise<T>,
): Promise<T> {
  const ids = requests.map(({ id }) => id);
  return aboutRequests(ids, () => runTraced(context, name, attributes, ids, act));
}

async function runTraced<C extends TraceContext, T>(
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
    tellWait(context);
    return act({ ...context, served });
  });
}

/** Shows how long this run's job has waited. */
function tellWait({ waited }: TraceContext): void {
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

/** The asker's trace in a question's job. */
export interface QuestionTrace {
  readonly telemetry?: { readonly metadata: string };
}

/** Asks within the running trace. */
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
    tellWait(context);
    return act();
  });
}
