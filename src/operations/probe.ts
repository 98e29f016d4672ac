import { explain } from "../access/failure/access-error.ts";

/** Whether a service answers a process now, and since when that is so. */
export interface Reach {
  readonly answers: boolean;
  /** ISO 8601. */
  readonly since: string;
  /** Why it can't be used; null where it answers. */
  readonly why: string | null;
}

export interface Probe {
  readonly reach: () => Reach;
  readonly stop: () => void;
}

export interface ProbeOptions {
  /** One light call; rejects where the service does not answer, or refuses. */
  readonly ask: () => Promise<unknown>;
  /** When any call to the service last went well, ISO 8601; undefined: none did. */
  readonly lastSuccess: () => string | undefined;
  readonly everyMs: number;
  readonly now: () => Date;
}

/**
 * Asks a service again and again whether it is there, so that a process that has nothing to do notices as well. Where a call
 * of the process's own went well meanwhile it is not asked.
 */
export function startProbe({ ask, lastSuccess, everyMs, now }: ProbeOptions): Probe {
  let reach: Reach = { answers: true, since: now().toISOString(), why: null };
  let isAsking = false;
  const see = (why: string | null) => {
    const answers = why === null;
    reach = { answers, why, since: reach.answers === answers ? reach.since : now().toISOString() };
  };
  const tick = async () => {
    if (isAsking) return;
    isAsking = true;
    const heardAt = Date.parse(lastSuccess() ?? "");
    if (now().getTime() - heardAt < everyMs) see(null);
    else
      await ask().then(
        () => see(null),
        (error: unknown) => see(explain(error)),
      );
    isAsking = false;
  };
  const timer = setInterval(() => void tick(), everyMs).unref();
  void tick();
  return { reach: () => reach, stop: () => clearInterval(timer) };
}

/** Slack and AWS have bad moments. What is away for this long is; in milliseconds. */
const patienceMs = 60_000;

/** Whether a process can work with a service in this state. */
export function isUsable({ answers, since }: Reach, now: Date): boolean {
  return answers || now.getTime() - Date.parse(since) < patienceMs;
}
