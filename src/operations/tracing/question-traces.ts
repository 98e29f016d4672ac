import { type TraceContext, tellWait } from "./request-traces.ts";
import { type Attributes, currentTrace, isTraceParent, traced } from "./traced.ts";

/**
 * What a job that is a question carries of its asker's trace. Unlike a look at a cluster, which serves whoever wants the same
 * meanwhile, a question is one person's: so its trace goes with it, where BullMQ has a place for that.
 */
export interface AskedIn {
  readonly telemetry?: { readonly metadata: string };
}

/** Asks within the trace that runs now. */
export function tracedQuestion<T>(name: string, ask: (askedIn: AskedIn) => Promise<T>): Promise<T> {
  return traced({ name: `ask ${name}` }, () => {
    const trace = currentTrace();
    return ask(trace === null ? {} : { telemetry: { metadata: trace } });
  });
}

/** Answers within the trace of whoever asked. */
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
