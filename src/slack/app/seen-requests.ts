import { hash } from "node:crypto";
import type { AllMiddlewareArgs } from "@slack/bolt";
import type { Logger } from "pino";
import type { Ledger } from "../../ledger/ledger.ts";
import { usualDeadlines, withinTime } from "../../operations/deadlines.ts";
import { type Attempt, noteAttempt } from "./attempts.ts";
import type { SlackContext } from "./context.ts";
import { field, originOf, userIn } from "./payload.ts";

/**
 * How far a clock may differ from Slack's, in both directions. Slack asks for five minutes:
 * https://docs.slack.dev/authentication/verifying-requests-from-slack. A future signature could be used later.
 */
export const toleranceSeconds = 300;

/** How long a signature could be replayed: while its time is within the tolerance. */
const rememberMs = 2 * toleranceSeconds * 1000;

export interface SeenRequests {
  /** True the first time that this signature or id arrives. */
  isNew(signature: string): Promise<boolean>;
  isNewHere(signature: string): boolean;
}

/**
 * Remembers requests in the ledger, for all processes. Without the ledger only this process's memory counts: no request
 * can change anything then.
 * @param withinMs an acknowledgement must not wait for a silent ledger (`seenBefore` of the deadlines)
 */
export function seenRequests(ledger: Pick<Ledger, "takeTurn">, withinMs = usualDeadlines.seenBefore): SeenRequests {
  const own = new NewestNames();
  const isNew = async (name: string) => {
    if (!own.add(name)) return false;
    const first = ledger.takeTurn(name, rememberMs).catch(() => true);
    return withinTime(first, withinMs, true);
  };
  return {
    isNew: (signature) => isNew(nameOf(signature)),
    isNewHere: (signature) => own.add(nameOf(signature)),
  };
}

function nameOf(signature: string): string {
  return `slack:${hash("sha256", signature, "base64url")}`;
}

/** The newest five to ten thousand names. It drops five thousand at a time, because dropping one by one is slow. */
class NewestNames {
  #newest = new Set<string>();
  #older = new Set<string>();

  /** False: it is known already. */
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
 * Slack resends an unacknowledged request (`x-slack-retry-num`, or `retry_attempt` on a socket), newly signed and to
 * any process. A retry has the same id: it is acknowledged and not done again. A repetition without that mark is an
 * attack: `replayed` records it.
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
    log.info({ retry: context.retryNum, reason: context.retryReason }, "Slack sent a request again; it counts once");
    if (!isRetry(body, context.retryNum, mode)) replayed(body);
    await ack?.();
  };
}

/**
 * Over HTTP no signature covers the retry header, so a replayed click could have one. Slack retries only events there
 * (https://docs.slack.dev/apis/events-api), so the header counts only for events.
 */
export function isRetry(body: object, retryNumber: unknown, mode: "http" | "socket"): boolean {
  return retryNumber !== undefined && (mode === "socket" || "event_id" in body);
}

/** Events have an id; people's actions have a trigger. */
export function deliveryId(body: object): string | null {
  const values = ["event_id", "trigger_id"].map((name) => field(body, name));
  return values.find((value): value is string => typeof value === "string" && value !== "") ?? null;
}

/** Notes a genuine request that arrived twice: its person and message are known, but not its second sender. */
export function noteReplay(context: Pick<SlackContext, "ledger" | "log" | "now">, body: object): Promise<void> {
  return noteAttempt(context, replayOf(body));
}

function replayOf(body: object): Attempt {
  const slack = originOf(body);
  const detail = {
    user: userIn(body),
    delivery: deliveryId(body)?.slice(0, 100) ?? "",
    ...(slack && { slack }),
  };
  return { act: "replay", by: "slack", code: "came-before", detail };
}
