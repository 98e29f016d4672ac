import { AsyncLocalStorage } from "node:async_hooks";
import { setMaxListeners } from "node:events";

const limits = new AsyncLocalStorage<Limit>();

/** Ends a call at its run's deadline, before the call's own. */
class TookTooLong extends Error {
  constructor(name: DeadlineName, ms: number) {
    super(`the total deadline of ${ms / 1000} s (${name}) has passed`);
    this.name = "TimeoutError";
  }
}

/** Each deadline with its usual value and reason. `timing.deadlines` of eks-access.yml sets them; docs/waits.md lists them. */
export const deadlineTable = {
  awsCall: {
    ms: 3_000,
    why: "one HTTP call to STS, EKS or CloudTrail: they answer within one second, and the SDK tries again at once",
  },
  clusterCall: { ms: 5_000, why: "one call that reads from an API server or asks it for a review" },
  clusterWrite: { ms: 12_000, why: "one write to an API server: an admission webhook may take ten seconds" },
  run: {
    ms: 8_000,
    why: "one run that previews or gives access, and 0.1 s for each access entry or lease: others on its cluster wait for it",
  },
  longRun: { ms: 25_000, why: "one run that ends access or inspects a cluster: no request waits for it" },
  signIn: { ms: 45_000, why: "signing in as principals: EKS lets an access entry in after some seconds" },
  migration: {
    ms: 600_000,
    why: "one step of a migration: EKS takes minutes to switch a cluster's authentication mode",
  },
  question: { ms: 60_000, why: "what a worker looks up for a person, who waits in Slack" },
  workerAnswer: { ms: 8_000, why: "a worker says that it is alive: longer than `jobLock`" },
  jobLock: { ms: 5_000, why: "another worker takes the jobs of one that died, or that had no processor for so long" },
  messageLock: { ms: 10_000, why: "the same for messages, which Slack may answer late" },
  acknowledge: { ms: 2_000, why: "what changes something is recorded: Slack waits three seconds, the way included" },
  answer: { ms: 200, why: "an answer comes with the acknowledgement itself: what takes longer follows it" },
  seenBefore: { ms: 300, why: "Redis checks for a repeated request: the acknowledgement waits for it" },
  webhook: { ms: 8_000, why: "one batch of audit events to the webhook: no person waits for it" },
  slackCall: { ms: 2_500, why: "one call to Slack for which a person waits: a trigger lives for three seconds" },
  slackBackground: { ms: 10_000, why: "one call to Slack for which only a queue waits" },
} as const satisfies Readonly<Record<string, { readonly ms: number; readonly why: string }>>;

export type DeadlineName = keyof typeof deadlineTable;

/** In milliseconds. */
export type Deadlines = Readonly<Record<DeadlineName, number>>;

export function mapDeadlines<T>(make: (ms: number, name: DeadlineName) => T): Record<DeadlineName, T> {
  const entries = Object.entries(deadlineTable).map(([name, { ms }]) => [name, make(ms, name as DeadlineName)]);
  return Object.fromEntries(entries) as Record<DeadlineName, T>;
}

export const usualDeadlines: Deadlines = mapDeadlines((ms) => ms);

interface Limit {
  readonly deadlines: Deadlines;
  readonly signal: AbortSignal;
  readonly takeMoreTime: (ms: number) => void;
}

export async function withinDeadline<T>(name: DeadlineName, deadlines: Deadlines, act: () => Promise<T>): Promise<T> {
  const late = new AbortController();
  let withinMs: number = deadlines[name];
  const began = performance.now();
  const startTimer = () =>
    setTimeout(() => late.abort(new TookTooLong(name, withinMs)), began + withinMs - performance.now());
  let timer = startTimer();
  const takeMore = (ms: number) => {
    clearTimeout(timer);
    withinMs += ms;
    timer = startTimer();
  };
  const outer = limits.getStore()?.signal;
  const signal = outer ? AbortSignal.any([outer, late.signal]) : late.signal;
  // Each of its calls listens.
  setMaxListeners(0, signal);
  try {
    return await limits.run({ deadlines, signal, takeMoreTime: takeMore }, act);
  } finally {
    clearTimeout(timer);
  }
}

/** Work without a deadline of its own: each of its calls has the configured one. */
export function withDeadlines<T>(deadlines: Deadlines, act: () => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return limits.run({ deadlines, signal, takeMoreTime: () => {} }, act);
}

/** The limit of one call of this kind now, in milliseconds. */
export function callWithinMs(name: DeadlineName): number {
  return (limits.getStore()?.deadlines ?? usualDeadlines)[name];
}

/** Extends the deadline of the running work, which found more to do. */
export function extendDeadline(ms: number): void {
  limits.getStore()?.takeMoreTime(ms);
}

/** Aborts at the deadline of the running work; undefined: it has none. */
export function deadlineSignal(): AbortSignal | undefined {
  return limits.getStore()?.signal;
}

/**
 * Ends a call at the first of these: its own time, a signal of its own, the deadline of the running work. The returned function stops
 * the wait: AbortSignal.timeout would keep each finished call in memory until its time is over.
 */
export function endCall(ms: number, closing: AbortSignal, end: (reason: Error) => void): () => void {
  const signals = [closing, deadlineSignal() ?? closing];
  const late = () => end(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  const timer = setTimeout(late, ms);
  const stop = () => {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener("abort", abort);
  };
  const abort = () => {
    stop();
    end(signals.find(({ aborted }) => aborted)?.reason);
  };
  for (const signal of signals) signal.addEventListener("abort", abort);
  if (signals.some(({ aborted }) => aborted)) abort();
  return stop;
}

/** The result of `work`, or `late` after `ms`. The timer stops with the work: thousands a second would keep as many results in memory. */
export function withinTime<T, L>(work: Promise<T>, ms: number, late: L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const clock = setTimeout(resolve, ms, late).unref();
    const stop = () => clearTimeout(clock);
    work.then(stop, stop);
    work.then(resolve, reject);
  });
}

/** The same, and `otherwise` also if the work fails. */
export function inTimeOr<T, L>(work: Promise<T>, ms: number, otherwise: L): Promise<T | L> {
  const ended = work.catch(() => otherwise);
  return withinTime(ended, ms, otherwise);
}

export function succeeds(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}

/** Longer than a service needs to answer, shorter than people wait for a start. Milliseconds. */
const askWithinMs = 3_000;

/** The time of a server, in whole seconds: each answer has it, also a refusal. @throws if it has no answer, or no time in it */
export async function servedTime(url: string): Promise<Date> {
  const { headers, body } = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(askWithinMs) });
  await body?.cancel();
  const time = new Date(headers.get("date") ?? "");
  if (Number.isNaN(time.getTime())) throw new Error("the answer has no Date");
  return time;
}
