import { createHash } from "node:crypto";
import { digestOfEvent, type Json } from "./seal.ts";

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
  | "request.expired"
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
  | "migration.stopped"
  | "migration.expired"
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
  | "rescue.repaired"
  | "link.made"
  | "link.proposed"
  | "link.confirmed"
  | "link.refused"
  | "configuration.changed"
  | "configuration.refused"
  | "creator.used"
  | "fleet.changed"
  | "write.changed"
  | "annotation.refused"
  | "record.unreadable"
  | "record.undone"
  | "decision.refused"
  | "attempt.refused"
  | "person.erased";

export interface AuditEvent {
  readonly type: EventType;
  readonly at: string;
  readonly actor: string;
  /** Empty for an event about no request, such as a link; `creator/<cluster>` for a use of the creator beside an operator. */
  readonly request: string;
  readonly cluster: string;
  readonly detail: { readonly [key: string]: Json };
  /** Random. An erasure removes it, so that no guess of the erased text can be compared with the digest. */
  readonly salt?: string;
}

/** An event with its place in the log and its hashes. Types of newer versions verify too. */
export interface ChainedEvent<Event extends object = AuditEvent> {
  readonly sequence: number;
  readonly event: Event;
  /** The chain value before this event, hex SHA-256. */
  readonly previous: string;
  /** SHA-256 over the 32 bytes of `previous` and the 32 bytes of the event's digest, hex. */
  readonly hash: string;
  /** Of an erased event: the digest of the whole one, hex, which the chain has. */
  readonly erased?: string;
}

/** The chain value before the first event. */
export const genesis = "0".repeat(64);

/** The next chain value, hex. The ledger computes the same inside its atomic step. */
export function chainHash(previous: string, eventDigest: string): string {
  return createHash("sha256")
    .update(Buffer.from(previous, "hex"))
    .update(Buffer.from(eventDigest, "hex"))
    .digest("hex");
}

/** Deeper than any event of ours. JSON can nest too deep to be digested or sent on, which would stop verification and sinks. */
export function nestsTooDeep(value: unknown, most = 100): boolean {
  if (typeof value !== "object" || value === null) return false;
  return most === 0 || Object.values(value).some((each) => nestsTooDeep(each, most - 1));
}

export interface BrokenChain {
  readonly type: "broken";
  readonly sequence: number;
  readonly message: string;
}

/** A complete chain: the number of events, and the value after the last one. */
export interface WholeChain {
  readonly type: "whole";
  readonly count: number;
  readonly head: string;
}

export type ChainVerdict = WholeChain | BrokenChain;

/** The events that a worker erased, by their number, each with its `erasureMark`. */
export type Erasures = ReadonlyMap<number, string>;

/** What a worker signs about an erased event: the digest of the whole one, and the rest. Null: it is whole. */
export function erasureMark({ event, erased }: ChainedEvent<object>): string | null {
  return erased === undefined ? null : chainHash(erased, digestOfEvent(event));
}

/** Checks that no event was edited, removed, reordered or inserted. Names the first event that breaks the chain. */
export function verifyChain(
  events: readonly ChainedEvent<object>[],
  start: string = genesis,
  first = 1,
  erasures: Erasures = new Map(),
): ChainVerdict {
  let previous = start;
  let expected = first;
  for (const each of events) {
    const broken = breakOf(each, previous, expected, erasures);
    if (broken) return { type: "broken", sequence: expected, message: broken };
    previous = each.hash;
    expected += 1;
  }
  return { type: "whole", count: events.length, head: previous };
}

function breakOf(each: ChainedEvent<object>, previous: string, expected: number, erasures: Erasures): string | null {
  if (each.sequence !== expected) {
    return `Event ${expected} is missing.`;
  }
  if (each.previous !== previous) return `Event ${expected} does not follow the one before it.`;
  if (nestsTooDeep(each.event)) return `Event ${expected} was edited.`;
  const mark = erasureMark(each);
  if (mark !== null && mark !== erasures.get(expected))
    return `Event ${expected} was erased without the worker's signature.`;
  if (each.hash !== chainHash(previous, each.erased ?? digestOfEvent(each.event)))
    return `Event ${expected} was edited.`;
  return null;
}

/** An event about a person's link, so about no request and no cluster. `detail` names the person and the ARN. */
export function linkEvent(
  type: Extract<AuditEvent["type"], `link.${string}`>,
  actor: string,
  now: Date,
  detail: AuditEvent["detail"],
): AuditEvent {
  return { type, at: now.toISOString(), actor, request: "", cluster: "", detail };
}

/** CloudEvents 1.0 in its JSON form: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
export interface CloudEvent<Event = AuditEvent> {
  readonly specversion: "1.0";
  /** Unique for the source: sequence number and chain value. A second delivery has the same id. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Absent: the event is about no request. */
  readonly subject?: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  /** The extension of that name: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md */
  readonly sequence: string;
  /** Our own extensions: the chain values before and after this event, to verify an export. */
  readonly chainprevious: string;
  readonly chainhash: string;
  /** Of an erased event: the digest of the whole one. */
  readonly chainerased?: string;
  readonly data: Event;
}

/** One event of the log as a CloudEvent. The chain's digest covers `data`. */
export function toCloudEvent<Event extends Readonly<Record<"type" | "at" | "request" | "cluster", string>>>({
  sequence,
  event,
  previous,
  hash,
  erased,
}: ChainedEvent<Event>): CloudEvent<Event> {
  return {
    specversion: "1.0",
    id: `${sequence}-${hash.slice(0, 16)}`,
    // An attacker with Redis can name one with half a character, which no address takes.
    source: `/eks-access/clusters/${encodeURIComponent(Buffer.from(event.cluster).toString())}`,
    type: `eks-access.${event.type}`,
    ...(event.request !== "" && { subject: event.request }),
    time: event.at,
    datacontenttype: "application/json",
    // Padded, because the extension orders these texts as strings.
    sequence: String(sequence).padStart(15, "0"),
    chainprevious: previous,
    chainhash: hash,
    ...(erased !== undefined && { chainerased: erased }),
    data: event,
  };
}
