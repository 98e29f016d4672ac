import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "./canonical-json.ts";

export type EventType =
  | "request.created"
  | "request.previewed"
  | "request.delayed"
  | "request.refused"
  | "preview.refused"
  | "preview.outdated"
  | "request.approved"
  | "request.denied"
  | "request.cancelled"
  | "request.lapsed"
  | "request.reminded"
  | "request.self-approved"
  | "approval.given"
  | "approval.given-to-self"
  | "approval.void"
  | "approval.dropped"
  | "emergency.taken"
  | "emergency.unreviewed"
  | "emergency.reviewed"
  | "lease.writing"
  | "lease.active"
  | "lease.signed-in"
  | "lease.sign-in-delayed"
  | "lease.rights-asked"
  | "lease.rights-delayed"
  | "lease.delayed"
  | "lease.warned"
  | "lease.drifted"
  | "lease.repaired"
  | "lease.recovered"
  | "lease.replayed"
  | "lease.failed"
  | "lease.ending"
  | "lease.ended"
  | "migration.asked"
  | "migration.planned"
  | "migration.refused"
  | "migration.reminded"
  | "migration.approved"
  | "migration.denied"
  | "migration.withdrawn"
  | "migration.lapsed"
  | "migration.void"
  | "migration.approval-dropped"
  | "migration.begun"
  | "migration.stepped"
  | "migration.undone"
  | "migration.settling"
  | "migration.delayed"
  | "migration.retried"
  | "migration.done"
  | "rescue.mode-switched"
  | "rescue.writing"
  | "rescue.mended"
  | "link.made"
  | "link.proposed"
  | "link.confirmed"
  | "link.refused"
  | "annotation.refused"
  | "record.unreadable"
  | "decision.refused"
  | "attempt.refused";

/** One line of the audit log: who did what to which request, when, with what outcome. */
export interface AuditEvent {
  readonly type: EventType;
  /** ISO 8601. */
  readonly at: string;
  /** A Slack user id, or `worker` for what the machine did by itself. */
  readonly actor: string;
  /** Empty where it is about none, as a link is. */
  readonly request: string;
  /** Empty where it is about none. */
  readonly cluster: string;
  readonly detail: { readonly [key: string]: Json };
}

/**
 * An event as it stands in the log: its place, and the chain that ties it to all before it. Verifying asks nothing of the
 * event: one of a newer version counts as what it is.
 */
export interface ChainedEvent<Event extends object = AuditEvent> {
  readonly sequence: number;
  readonly event: Event;
  /** The chain value before this event, hex SHA-256. */
  readonly previous: string;
  /** SHA-256 over the 32 bytes of `previous` and the 32 bytes of the digest of the event, hex. */
  readonly hash: string;
}

/** Before the first event. */
export const genesis = "0".repeat(64);

/** SHA-256 of the event in canonical JSON, hex. */
export function digestOfEvent(event: object): string {
  return createHash("sha256")
    .update(canonicalJson(event as unknown as Json))
    .digest("hex");
}

/** The chain's next value, hex. The ledger computes the same inside its atomic step. */
export function chainHash(previous: string, eventDigest: string): string {
  return createHash("sha256")
    .update(Buffer.from(previous, "hex"))
    .update(Buffer.from(eventDigest, "hex"))
    .digest("hex");
}

/** Where a chain breaks, and why. */
export interface BrokenChain {
  readonly type: "broken";
  readonly sequence: number;
  readonly message: string;
}

/** A chain without a break: so many events, and its value after the last one. */
export interface WholeChain {
  readonly type: "whole";
  readonly count: number;
  readonly head: string;
}

export type ChainVerdict = WholeChain | BrokenChain;

/** Checks that no event was edited, removed, reordered or inserted, and says which one breaks the chain. */
export function verifyChain(events: readonly ChainedEvent<object>[], start: string = genesis, first = 1): ChainVerdict {
  let previous = start;
  let expected = first;
  for (const each of events) {
    const broken = breakOf(each, previous, expected);
    if (broken) return { type: "broken", sequence: expected, message: broken };
    previous = each.hash;
    expected += 1;
  }
  return { type: "whole", count: events.length, head: previous };
}

function breakOf(each: ChainedEvent<object>, previous: string, expected: number): string | null {
  if (each.sequence !== expected) {
    return `Event ${expected} is missing: event ${each.sequence} stands in its place.`;
  }
  if (each.previous !== previous) return `Event ${expected} does not follow the event before it.`;
  if (each.hash !== chainHash(previous, digestOfEvent(each.event))) return `Event ${expected} was edited.`;
  return null;
}
