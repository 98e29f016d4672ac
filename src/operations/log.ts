import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import { writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { type DestinationStream, type Logger, pino } from "pino";
import { AccessError } from "../access/access-error.ts";
import { putNewest } from "../access/collections.ts";
import { forTerminal, redact } from "../access/redact.ts";

const about = new AsyncLocalStorage<readonly string[]>();
const named = new WeakMap<Logger, readonly string[]>();

/**
 * An SDK's error can hold a request: the log has only its name, message, code and stack, redacted.
 * @param destination by default standard output
 */
export function createLog(level: string, processKind: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { process: processKind },
    serializers: { err: (error: unknown) => serializeError(error) },
    mixin: requestsInLog,
    // `kubectl logs` shows a pipe's lines in a terminal.
    hooks: { streamWrite: forTerminal },
  };
  if (destination) return pino(options, destination);
  const afterGap = (lines: number) =>
    about.exit(() => log.error({ lines }, "lines are lost here: nothing read the log, or its disk was full"));
  // Node makes a pipe or a socket non-blocking when process.stdout is first used.
  const log: Logger = pino(options, new LogOutput(process.stdout.fd, afterGap));
  return log;
}

/** A cause of a cause can lead back to the first error. */
const deepestCause = 8;

function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return redact(String(error));
  const { name, message, stack = "" } = error;
  const code = "code" in error ? redact(String(error.code)) : undefined;
  const isLast = error.cause === undefined || depth === deepestCause;
  const cause = isLast ? undefined : serializeError(error.cause, depth + 1);
  return { type: redact(name), message: redact(message), stack: redact(stack), code, cause };
}

/** Does work about these requests. Each line that it logs names them. */
export function aboutRequests<T>(ids: readonly string[], act: () => T): T {
  return ids.length === 0 ? act() : about.run(ids, act);
}

/** Before Node 24 an AsyncLocalStorage slows every promise of its process; the Slack process uses this. */
export function logAbout(log: Logger, request: string): Logger {
  const own = log.child({});
  named.set(own, [request]);
  return own;
}

/** `request` of a line, or `requests` if there are several. */
function requestsInLog(line: object, _level: number, log: Logger): object {
  const ids = about.getStore() ?? named.get(log);
  if (!ids || "request" in line) return {};
  const [only] = ids;
  return ids.length === 1 && only !== undefined ? { request: only } : { requests: ids };
}

type About = Readonly<Record<string, string>>;

interface Failing {
  readonly causes: Set<string>;
  readonly sinceMs: number;
  tries: number;
  lastMs: number;
}

const maxCauses = 16;
const maxFailing = 10_000;
/** Longer than the longest wait between two tries: after it, a failure is over. */
const forgottenAfterMs = 3_600_000;

/** Logs repeated failures: each cause once with its stack, then its count. */
export class FailureLog {
  readonly #log: Logger;
  readonly #now: () => Date;
  readonly #failing = new Map<string, Failing>();

  constructor(log: Logger, now = () => new Date()) {
    this.#log = log;
    this.#now = now;
  }

  failed(what: string, about: About, error: unknown): void {
    const failing = this.#failingOf(keyOf(what, about));
    failing.tries += 1;
    const cause = causeOf(error);
    if (!failing.causes.has(cause) && failing.causes.size < maxCauses) {
      failing.causes.add(cause);
      this.#log.warn({ ...about, err: error }, what);
      return;
    }
    const level = Number.isInteger(Math.log2(failing.tries)) ? "warn" : "debug";
    this.#log[level]({ ...about, ...codeOf(error), tries: failing.tries }, what);
  }

  async during(what: string, about: About, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
      this.over(what, about);
    } catch (error) {
      this.failed(what, about, error);
    }
  }

  /** Whether something failed in this time, and did not work since. */
  isFailing(what: string, about: About, withinMs: number): boolean {
    const failing = this.#failing.get(keyOf(what, about));
    return failing !== undefined && this.#now().getTime() - failing.lastMs < withinMs;
  }

  /** How long something has failed, and not worked in between, in milliseconds. */
  failingForMs(what: string, about: About): number {
    const nowMs = this.#now().getTime();
    return nowMs - (this.#failing.get(keyOf(what, about))?.sinceMs ?? nowMs);
  }

  /** Logs that something works again, if it had failed. */
  over(what: string, about: About): void {
    const key = keyOf(what, about);
    const failing = this.#failing.get(key);
    if (!failing) return;
    this.#failing.delete(key);
    this.#log.info({ ...about, tries: failing.tries }, `${what}: it works again`);
  }

  #failingOf(key: string): Failing {
    const nowMs = this.#now().getTime();
    const known = this.#failing.get(key);
    const isKnown = known && nowMs - known.lastMs < forgottenAfterMs;
    const failing = isKnown ? known : { causes: new Set<string>(), sinceMs: nowMs, tries: 0, lastMs: nowMs };
    failing.lastMs = nowMs;
    putNewest(this.#failing, key, failing, maxFailing);
    return failing;
  }
}

function keyOf(what: string, about: About): string {
  return JSON.stringify([what, about]);
}

function codeOf(error: unknown): { readonly code?: string } {
  return error instanceof AccessError ? { code: error.code } : {};
}

/** AWS and Redis put a new number into each text: request ids, versions, ports. */
function causeOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const bare = text.slice(0, 1000).replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\d+/gi, "#");
  return JSON.stringify([codeOf(error).code, bare]);
}

export type Output = Writable & { readonly isTTY?: boolean };

/** Readable lines in a terminal; undefined: JSON on standard output, for a pipe or a file. */
export async function logDestination(
  format: "json" | "auto",
  output: Output,
  isColoured: boolean,
): Promise<DestinationStream | undefined> {
  if (format === "json" || !output.isTTY) return undefined;
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    destination: output,
    sync: true,
    colorize: isColoured,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "process",
    hideObject: true,
    messageFormat: (line, messageKey, _level, { colors }) => {
      const { request, msg: _msg, ...rest } = line;
      const clean = (words: unknown) => forTerminal(redact(String(words)));
      const id = typeof request === "string" ? `${colors.magenta(clean(request))} ` : "";
      const text = `${id}${colors.bold(clean(line[messageKey]))}${colors.gray(clean(inWords(rest)))}`;
      const lines = text.split("\n").map((each) => each.trim());
      return lines.filter((each) => each !== "").join(" ");
    },
  });
}

const known = new Set(["level", "time", "process", "pid", "hostname"]);

/** A line's fields besides its message, as `name=value`. An error shows only its message: the JSON has the stack. */
function inWords(rest: Readonly<Record<string, unknown>>): string {
  return Object.entries(rest)
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => ` ${name}=${valueInWords(value)}`)
    .join("");
}

function valueInWords(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) return JSON.stringify(value.message);
  return typeof value === "string" && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}

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
    // A busy process did not try for a while: only another try tells what the reader took meanwhile.
    if (this.#send()) return;
    const until = (this.#fullSince ?? 0) + lastWordsMs;
    const never = new Int32Array(new SharedArrayBuffer(4));
    do Atomics.wait(never, 0, 0, shortestWaitMs);
    while (!this.#send() && performance.now() < until);
  };
}
