import { channel } from "node:diagnostics_channel";
import { writeSync } from "node:fs";
import type { DestinationStream } from "pino";

/** Hears of each line that the log had no room for. */
export const lostLines = channel("eks-access:lost-line");

/** What waits for room at most, and one line more. */
const mostBytes = 1_048_576;
/** Each wait for room is as long as all before it. */
const [shortestWaitMs, longestWaitMs] = [5, 250];
/** A process that ends gives a slow reader so much time, and none to one that has taken nothing for so long. */
const lastWordsMs = 2_000;
/** A pipe takes all of so many bytes or nothing (PIPE_BUF), so no line is cut if the process ends. */
const wholeBytes = 4_096;

/**
 * Writes whole lines in their order, each at once while there is room: no crash loses one that came before it. Without room, such as in
 * a pipe that no one reads or on a full disk, lines wait, and then get lost: the process goes on, and ends.
 */
export class LogOutput implements DestinationStream {
  readonly #file: number;
  readonly #afterGap: (lines: number) => void;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #again: NodeJS.Timeout | null = null;
  #fullSince: number | null = null;

  /** @param file a pipe or a socket that does not block @param afterGap logs how many lines are lost at this place */
  constructor(file: number, afterGap: (lines: number) => void) {
    this.#file = file;
    this.#afterGap = afterGap;
  }

  write(line: string): void {
    if (this.#lost > 0 || this.#waitingBytes >= mostBytes) {
      this.#lost += 1;
      lostLines.publish({});
      return;
    }
    this.#add(Buffer.from(line));
    if (!this.#again) this.#sendOrWait();
  }

  /** Lines that wait together are sent together: a socket takes only some hundred small writes at once. */
  #add(line: Buffer): void {
    const last = this.#waiting.at(-1);
    this.#waitingBytes += line.length;
    if (last && last.length + line.length <= wholeBytes) this.#waiting.splice(-1, 1, Buffer.concat([last, line]));
    else this.#waiting.push(line);
  }

  /** False: there is no room for all that waits. */
  #send(): boolean {
    for (let [lines] = this.#waiting; lines; [lines] = this.#waiting) {
      const sent = this.#written(lines);
      if (sent === 0) return false;
      this.#waitingBytes -= sent;
      this.#fullSince = null;
      if (sent === lines.length) this.#waiting.shift();
      else this.#waiting[0] = lines.subarray(sent);
    }
    if (this.#lost === 0) return true;
    const lost = this.#lost;
    this.#lost = 0;
    this.#afterGap(lost);
    return this.#send();
  }

  /** @returns how many bytes */
  #written(lines: Buffer): number {
    try {
      return writeSync(this.#file, lines);
    } catch {
      // No room (EAGAIN, ENOSPC), or no reader (EPIPE): another one can come.
      this.#fullSince ??= performance.now();
      return 0;
    }
  }

  readonly #sendOrWait = (): void => {
    const isAgain = this.#again !== null;
    if (this.#send()) {
      this.#again = null;
      if (isAgain) process.off("exit", this.#sendLastWords);
      return;
    }
    if (!isAgain) process.on("exit", this.#sendLastWords);
    const now = performance.now();
    const waitMs = Math.min(Math.max(now - (this.#fullSince ?? now), shortestWaitMs), longestWaitMs);
    this.#again = setTimeout(this.#sendOrWait, waitMs).unref();
  };

  readonly #sendLastWords = (): void => {
    const until = (this.#fullSince ?? performance.now()) + lastWordsMs;
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#send() && performance.now() < until) Atomics.wait(never, 0, 0, shortestWaitMs);
  };
}
