import type { AllMiddlewareArgs } from "@slack/bolt";
import type { Logger } from "pino";
import type { SeenRequests } from "./seen-requests.ts";

type Middleware = (
  args: AllMiddlewareArgs & { body: object; ack?: (() => Promise<unknown>) | undefined },
) => Promise<void>;

/**
 * Slack sends again what it saw no acknowledgement of (`x-slack-retry-num`, or `retry_attempt` on a socket), signed anew and
 * to whichever process it reaches. What is sent again carries the id of the first time: it is acknowledged, and not done
 * twice. What comes again and does not say so is somebody else's doing: `replayed` is told.
 */
export function onlyOnce(
  seen: SeenRequests,
  log: Logger,
  replayed: (body: object) => void,
  mode: "http" | "socket",
): Middleware {
  return async ({ body, context, ack, next }) => {
    const id = deliveryId(body);
    if (id === null || (await seen.isNew(`delivery:${id}`))) return next();
    log.info({ retry: context.retryNum, reason: context.retryReason }, "a request came again; it is done once");
    if (!isRetry(body, context.retryNum, mode)) replayed(body);
    await ack?.();
  };
}

/**
 * Over HTTP the retry's number is a header that no signature covers: whoever plays a click again could add it. Slack sends
 * events alone again there (https://docs.slack.dev/apis/events-api), so of anything else it is not believed. A socket is Slack's own word.
 */
export function isRetry(body: object, retryNumber: unknown, mode: "http" | "socket"): boolean {
  return retryNumber !== undefined && (mode === "socket" || "event_id" in body);
}

/** Events have an id; everything that a person does has a trigger of its own. */
export function deliveryId(body: object): string | null {
  const values = ["event_id", "trigger_id"].map((name) => Object.getOwnPropertyDescriptor(body, name)?.value);
  return values.find((value) => typeof value === "string" && value !== "") ?? null;
}
