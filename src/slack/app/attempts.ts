import { hash } from "node:crypto";
import type { AuditEvent } from "../../access/audit-event.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { Json } from "../../access/seal.ts";
import type { EventLedger } from "../../ledger/audit-log.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { recordedEvents } from "../../operations/announcements.ts";
import type { SlackContext } from "./context.ts";
import { deliveryId, originOf, userIn } from "./payload.ts";

/** A decision by its verdict. */
export type TriedAct =
  | "request"
  | "extend"
  | "see"
  | "approved"
  | "denied"
  | "revoke"
  | "cancel"
  | "review"
  | "break-glass"
  | "link"
  | "confirm-link"
  | "migrate"
  | "stop"
  | "retry"
  | "replay";

export interface Attempt {
  readonly act: TriedAct;
  /** A Slack user id, or `slack` where the person is unknown. */
  readonly by: string;
  readonly code: string;
  /** Its request; absent: none. The log keeps only the beginning of typed text. */
  readonly request?: Pick<AccessRequest, "id" | "cluster">;
  readonly detail?: { readonly [key: string]: Json };
}

type AttemptContext = Pick<SlackContext<EventLedger & TurnLedger>, "ledger" | "log" | "now">;

/** In this time, the same attempt counts once, and a person has at most so many different ones. In milliseconds. */
const withinMs = 10 * 60_000;
const maxOfOnePerson = 30;
/** As long as a migration's id, which includes its cluster's name. */
const maxId = 120;

/** No one floods the log: equal attempts count once in ten minutes, and of a person thirty. Never throws: people always get an answer. */
export async function noteAttempt(context: AttemptContext, attempt: Attempt): Promise<void> {
  const event = eventOfAttempt(attempt, context.now());
  const what = { act: attempt.act, code: attempt.code, request: event.request, detail: event.detail };
  await noteRefused(context, event, what);
  context.log.info({ request: event.request, event: event.type, act: attempt.act, code: attempt.code }, "refused");
}

/** The same for a refusal's own event. @param what its identity: of equal ones it writes only the first */
export async function noteRefused(context: AttemptContext, event: AuditEvent, what: Json): Promise<void> {
  try {
    if (!(await getsEvent(context, event, what))) return;
    await context.ledger.note(event);
    recordedEvents.publish(event);
  } catch (error) {
    context.log.warn({ err: error, event }, "could not record a refused attempt");
  }
}

/** Whether it is the first time in ten minutes that this person tries this, and not one of too many attempts. */
async function getsEvent({ ledger, log }: AttemptContext, event: AuditEvent, what: Json): Promise<boolean> {
  const by = event.actor;
  const name = hash("sha256", JSON.stringify([by, what]), "base64url");
  if (!(await ledger.takeTurn(`attempt-${name}`, withinMs))) return false;
  if (await ledger.takeTurn(`attempts-${by.slice(0, maxId)}`, withinMs, maxOfOnePerson)) return true;
  log.warn({ event }, "a person's attempts keep failing; the audit log skips further ones for ten minutes");
  return false;
}

function eventOfAttempt({ act, by, code, request, detail }: Attempt, now: Date): AuditEvent {
  const isDecision = act === "approved" || act === "denied";
  return {
    type: isDecision ? "decision.refused" : "attempt.refused",
    at: now.toISOString(),
    actor: by,
    request: request?.id.slice(0, maxId) ?? "",
    cluster: request?.cluster ?? "",
    detail: { code, ...(isDecision ? { verdict: act } : { act }), ...detail },
  };
}

/** Notes a genuine request that arrived twice: its person and message are known, but not its second sender. */
export function noteReplay(context: AttemptContext, body: object): Promise<void> {
  const slack = originOf(body);
  const detail = { user: userIn(body), delivery: deliveryId(body)?.slice(0, 100) ?? "", ...(slack && { slack }) };
  return noteAttempt(context, { act: "replay", by: "slack", code: "came-before", detail });
}
