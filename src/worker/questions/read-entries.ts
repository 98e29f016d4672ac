import { setTimeout as pause } from "node:timers/promises";
import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";

/** How far entries are read: each takes a call or two, EKS throttles, and whoever asks waits. */
export interface ReadingLimits {
  readonly most: number;
  /** How many calls run at once. */
  readonly width: number;
  /** In milliseconds, with the listing. */
  readonly withinMs: number;
}

/** Well within the time of a question, whose other calls have theirs. */
export const readingLimits: ReadingLimits = { most: 500, width: 5, withinMs: 20_000 };

export interface EntriesReading {
  readonly entries: readonly AccessEntry[];
  /** How many of those that are there were not read. */
  readonly unread: number;
  /** Why they were not read, as a sentence; null: all were. */
  readonly why: string | null;
}

interface Progress {
  readonly queue: string[];
  readonly found: AccessEntry[];
  done: number;
  /** Lanes that still read. */
  running: number;
  failure: unknown;
}

/** What a call gives, or null where it takes longer than that. */
export async function answerWithin<T>(call: Promise<T>, withinMs: number): Promise<T | null> {
  const time = new AbortController();
  const late = pause(withinMs, null, { signal: time.signal }).catch(() => null);
  return Promise.race([call.finally(() => time.abort()), late]);
}

/** Reads entries in this order, as far as the limits and EKS let it. What was read before a failure is kept. */
export async function readEntries(
  { describe }: Pick<AccessEntries, "describe">,
  arns: readonly string[],
  { most, width, withinMs }: ReadingLimits,
): Promise<EntriesReading> {
  const queue = arns.slice(0, most);
  const progress: Progress = { queue, found: [], done: 0, running: Math.min(width, queue.length), failure: null };
  const lanes = Array.from({ length: progress.running }, () => readLane(describe, progress));
  await answerWithin(Promise.all(lanes), withinMs);
  // What comes of calls that are under way is for nobody any more.
  queue.length = 0;
  const { found, done, failure } = progress;
  const unread = arns.length - done;
  const limits = done < Math.min(most, arns.length) ? lateWords : mostWords(most);
  const why = failure === null ? limits : whyNotRead(failure);
  return { entries: [...found], unread, why: unread === 0 ? null : why };
}

const lateWords = "EKS had not answered for all of them in time. Ask again in a minute.";

function mostWords(most: number): string {
  return `No more than ${most} are read, those of leases and of whoever stands in aws-auth first.`;
}

/**
 * A lane that EKS throttles, after the SDK has tried three times with pauses, hands back its entry and reads no more: the others
 * go on, slower together. The last lane's throttling, and any other failure, ends the reading.
 */
async function readLane(describe: AccessEntries["describe"], progress: Progress): Promise<void> {
  const { queue, found } = progress;
  for (let arn = queue.shift(); arn !== undefined; arn = queue.shift()) {
    try {
      const entry = await describe(arn);
      progress.done += 1;
      if (entry) found.push(entry);
    } catch (error) {
      if (isThrottled(error) && progress.running > 1) queue.unshift(arn);
      else {
        progress.failure ??= error;
        queue.length = 0;
      }
      break;
    }
  }
  progress.running -= 1;
}

/** That AWS throttles passes, and a worker tries its own work again: nobody tries a question again but who asked it. */
export function whyNotRead(error: unknown): string {
  return isThrottled(error) ? `${error.what}. Ask again in a minute.` : explain(error);
}

function isThrottled(error: unknown): error is AccessError {
  return error instanceof AccessError && error.code === "aws-throttled";
}
