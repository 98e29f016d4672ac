import { createHash } from "node:crypto";
import type { AllMiddlewareArgs } from "@slack/bolt";
import type { Logger } from "pino";
import { z } from "zod";
import type { Ledger } from "../../ledger/ledger.ts";
import { usualDeadlines } from "../../operations/deadlines.ts";
import type { SlackContext } from "../app/context.ts";
import { inTime } from "../app/in-time.ts";
import { originOf } from "../app/kinds.ts";
import { type Attempt, noteAttempt } from "../people/attempts.ts";
import { toleranceSeconds } from "./refuse-headers.ts";

const id = z.string().max(60);

const whose = z.union([
  z.object({ user: z.object({ id }) }).transform(({ user }) => user.id),
  z.object({ user_id: id }).transform(({ user_id }) => user_id),
  z.object({ event: z.object({ user: id }) }).transform(({ event }) => event.user),
]);

/** How long a signature could be played again: as long as its time is neither too old nor too far ahead. */
const rememberMs = 2 * toleranceSeconds * 1000;

/** Requests that any of the slack processes has taken already. */
export interface SeenRequests {
  /** True the first time that this signature, or this id, comes. */
  isNew(signature: string): Promise<boolean>;
  /** The same, as far as this process knows. */
  isNewHere(signature: string): boolean;
}

/**
 * Remembers by the ledger, for all processes together. Where the ledger does not answer, only this process's own memory
 * counts: no request can do anything then, since all that it could change is in the ledger.
 *
 * @param withinMs an ack must not wait for a ledger that hangs (`seenBefore` of the deadlines)
 */
export function seenRequests(ledger: Pick<Ledger, "takeTurn">, withinMs = usualDeadlines.seenBefore): SeenRequests {
  const own = new NewestNames();
  const isNew = async (name: string) => {
    if (!own.add(name)) return false;
    const first = ledger.takeTurn(name, rememberMs).catch(() => true);
    return inTime(first, withinMs, true);
  };
  return {
    isNew: (signature) => isNew(nameOf(signature)),
    isNewHere: (signature) => own.add(nameOf(signature)),
  };
}

function nameOf(signature: string): string {
  return `slack:${createHash("sha256").update(signature).digest("base64url")}`;
}

/**
 * The newest five thousand names at least, and twice as many at most: far more than Slack sends one process in ten minutes. They
 * go five thousand at a time: a set from which its oldest is taken again and again has to step over all that were taken before.
 */
class NewestNames {
  #newest = new Set<string>();
  #older = new Set<string>();

  /** False: it is among them already. */
  add(name: string): boolean {
    if (this.#newest.has(name) || this.#older.has(name)) return false;
    if (this.#newest.size >= 5_000) [this.#older, this.#newest] = [this.#newest, new Set()];
    this.#newest.add(name);
    return true;
  }
}

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

/**
 * A genuine request of Slack that came a second time: it tells whose it was and from which message, and not who has sent it
 * again.
 */
export function noteReplay(context: Pick<SlackContext, "ledger" | "log" | "now">, body: object): Promise<void> {
  return noteAttempt(context, replayOf(body));
}

function replayOf(body: object): Attempt {
  const slack = originOf(body);
  const detail = {
    user: whose.safeParse(body).data ?? "",
    delivery: deliveryId(body)?.slice(0, 100) ?? "",
    ...(slack && { slack }),
  };
  return { act: "replay", by: "slack", code: "came-before", detail };
}
