import { AsyncLocalStorage } from "node:async_hooks";
import { type DestinationStream, type Logger, pino } from "pino";
import { redact } from "../access/failure/redact.ts";

const about = new AsyncLocalStorage<readonly string[]>();

/**
 * Logs as JSON lines on standard output, or to another destination (log-format.ts). An SDK's error may hold a request with headers and
 * body, so of an error only name, message, code and stack are written, without anything that looks like a credential.
 */
export function createLog(level: string, processKind: string, destination?: DestinationStream): Logger {
  const options = { level, base: { process: processKind }, serializers: { err: serializeError }, mixin: requestsInLog };
  return destination ? pino(options, destination) : pino(options);
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return redact(String(error));
  const { name, message, stack = "" } = error;
  const code = "code" in error ? String(error.code) : undefined;
  const cause = error.cause === undefined ? undefined : serializeError(error.cause);
  return { type: name, message: redact(message), stack: redact(stack), code, cause };
}

/** Does work about these requests: each line that is logged meanwhile names them. */
export function aboutRequests<T>(ids: readonly string[], act: () => T): T {
  return ids.length === 0 ? act() : about.run(ids, act);
}

/** `request` of a line, or `requests` if there are several. */
function requestsInLog(line: object): { readonly request?: string; readonly requests?: readonly string[] } {
  const ids = about.getStore();
  if (!ids || "request" in line) return {};
  const [only] = ids;
  return ids.length === 1 && only !== undefined ? { request: only } : { requests: ids };
}
