import type { Logger } from "pino";
import type { Environment } from "../config/environment.ts";
import type { ProcessKind } from "../config/key-environment.ts";

/** What is not sent by then is lost: a collector that does not answer must not keep a process. */
const sendWithinMs = 2_000;

/**
 * Begins to make traces, where the environment asks for them. Null: it does not, and OpenTelemetry's SDK was not loaded.
 * Call it before anything else is started.
 */
export async function startTracing(
  { tracing }: Environment,
  kind: ProcessKind,
  log: Logger,
): Promise<{ readonly stop: () => Promise<void> } | null> {
  if (!tracing) return null;
  const { startOpenTelemetry } = await import("../operations/tracing/open-telemetry.ts");
  const name = kind === "all" ? "eks-access" : `eks-access-${kind}`;
  const stop = await startOpenTelemetry(name, tracing.protocol, log);
  return {
    stop: async () => {
      const late = new Promise<void>((resolve) => void setTimeout(resolve, sendWithinMs).unref());
      await Promise.race([
        stop().catch((error: unknown) => log.warn({ err: error }, "the last traces were not sent")),
        late,
      ]);
    },
  };
}
