import { type DestinationStream, type Logger, pino } from "pino";
import { redact } from "../access/failure/redact.ts";
import { requestsInLog } from "./tracing/about.ts";

/**
 * Logs as JSON lines on standard output, or to another destination (log-format.ts). Errors of SDKs may hold requests with their headers and bodies: of an error
 * only its name, message, code and stack are written, with whatever looks like a credential taken out.
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
