import type { Logger } from "pino";
import type { Stoppable } from "../ledger/hand-back.ts";

/** To hand back what is under way takes a few calls to Redis; where that does not answer, nobody waits for it. */
export const handBackWithinMs = 2_000;

/**
 * Stops all parts of a process at once. What is not done at the deadline is handed back, and the log names it. Resolves at
 * the latest two seconds after the deadline: the lock of what could not even be handed back lapses by itself.
 */
export async function stopParts(parts: readonly Stoppable[], withinSeconds: number, log: Logger): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), withinSeconds * 1000);
  const stopped = Promise.all(parts.map((part) => part.stop(deadline.signal))).then((left) => left.flat());
  const left = await Promise.race([stopped, afterDeadline(deadline.signal)]);
  clearTimeout(timer);
  if (left === "late")
    log.error({ withinSeconds }, "the deadline is over, and Redis did not take back what was under way");
  else if (left.length > 0)
    log.warn({ withinSeconds, handedBack: left }, "the deadline is over: handed back what was under way");
}

function afterDeadline(deadline: AbortSignal): Promise<"late"> {
  return new Promise((resolve) =>
    deadline.addEventListener("abort", () => void setTimeout(resolve, handBackWithinMs, "late").unref(), {
      once: true,
    }),
  );
}
