import { explainFailure, hasCode } from "../../access/access-error.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { counted } from "../../diagnosis/link.ts";
import { withinTime } from "../../operations/deadlines.ts";

export interface ReadingLimits {
  readonly most: number;
  readonly width: number;
  /** In milliseconds, including the listing. */
  readonly withinMs: number;
}

/** Below the deadline of a question, which also needs time for other calls. */
export const readingLimits: ReadingLimits = { most: 500, width: 5, withinMs: 20_000 };

interface Progress {
  readonly queue: string[];
  readonly found: AccessEntry[];
  done: number;
  running: number;
  failure: unknown;
}

/** Reads entries in this order, within the limits. After a failure it returns the entries read before. @returns `why`: a sentence; null: all were read */
export async function readEntries(
  { describe }: Pick<AccessEntries, "describe">,
  arns: readonly string[],
  { most, width, withinMs }: ReadingLimits,
) {
  const queue = arns.slice(0, most);
  const progress: Progress = { queue, found: [], done: 0, running: Math.min(width, queue.length), failure: null };
  const lanes = Array.from({ length: progress.running }, () => readLane(describe, progress));
  await withinTime(Promise.all(lanes), withinMs, null);
  // Nothing uses the results of calls that are still open.
  queue.length = 0;
  const { found, done, failure } = progress;
  const unread = arns.length - done;
  const maxWords = `The worker asks about at most ${counted(most, "entry", "entries")}.`;
  const limits = done < Math.min(most, arns.length) ? lateWords : maxWords;
  const why = failure === null ? limits : whyNotRead(failure);
  return { entries: [...found], unread, why: unread === 0 ? null : why };
}

export const lateWords = "AWS did not answer in time. Ask again in a minute.";

/** A lane that EKS throttles after three tries gives its entry back and stops. The last lane, or any other failure, ends all. */
async function readLane(describe: AccessEntries["describe"], progress: Progress): Promise<void> {
  const { queue, found } = progress;
  for (let arn = queue.shift(); arn !== undefined; arn = queue.shift()) {
    try {
      const entry = await describe(arn);
      progress.done += 1;
      if (entry) found.push(entry);
    } catch (error) {
      if (hasCode(error, "aws-throttled") && progress.running > 1) queue.unshift(arn);
      else {
        progress.failure ??= error;
        queue.length = 0;
      }
      break;
    }
  }
  progress.running -= 1;
}

export function whyNotRead(error: unknown): string {
  return hasCode(error, "aws-throttled") ? `${error.what}. Ask again in a minute.` : explainFailure(error);
}
