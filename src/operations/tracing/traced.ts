/** Where a piece of work stands in a trace: `traceparent` of W3C Trace Context, which another process can go on from. */
export type TraceParent = string;

const form = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export function isTraceParent(text: string): boolean {
  return form.test(text);
}

export function isSameTrace(one: TraceParent, other: TraceParent): boolean {
  return one.slice(0, 35) === other.slice(0, 35);
}

/** A piece of work as a trace shows it. */
export interface Work {
  readonly name: string;
  /** What it is to other processes; absent: a part of something bigger in this one. */
  readonly kind?: "server" | "client" | "consumer";
  /** Names of the configuration, ids of requests and codes; never a secret, an ARN, a person or what somebody wrote. */
  readonly attributes?: Attributes;
  /** What it is a part of, in another process perhaps; null: of nothing; absent: of what runs now. */
  readonly parent?: TraceParent | null;
  /** What else it serves. */
  readonly links?: readonly TraceParent[];
  /** Milliseconds since the epoch; absent: now. */
  readonly beganAt?: number;
  /** Of work that is told of afterwards; absent: now. */
  readonly endedAt?: number;
}

export type Attributes = Readonly<Record<string, string | number | readonly string[]>>;

/** What makes traces of work; open-telemetry.ts is one. */
export interface Tracer {
  run<T>(work: Work, act: () => Promise<T>): Promise<T>;
  /** Tells of work that has ended. */
  tell(work: Work): void;
  /** Adds to the work that runs now. */
  note(attributes: Attributes): void;
  /** The work that runs now; null: none, or it is not traced. */
  current(): TraceParent | null;
}

let tracer: Tracer | null = null;

/** From now on this process makes traces, until the returned function is called. */
export function traceWith(made: Tracer): () => void {
  tracer = made;
  return () => {
    tracer = null;
  };
}

/** Does a piece of work, and shows it in a trace where this process makes any. */
export function traced<T>(work: Work, act: () => Promise<T>): Promise<T> {
  return tracer ? tracer.run(work, act) : act();
}

/** Shows work that has ended already, as a wait. */
export function tellWork(work: Work): void {
  tracer?.tell(work);
}

export function noteInTrace(attributes: Attributes): void {
  tracer?.note(attributes);
}

export function currentTrace(): TraceParent | null {
  return tracer?.current() ?? null;
}

/** How traces travel; both over HTTP. */
export type TraceProtocol = "http/protobuf" | "http/json";
