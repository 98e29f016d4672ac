import { createHash } from "node:crypto";
import { digestOfEvent, type Json } from "./seal.ts";

/** Every kind of event, with what its actor did. */
export const happened = {
  "request.created": "asked",
  "request.previewed": "checked the cluster",
  "request.delayed": "could not check the cluster yet",
  "request.reminded": "reminded the approvers",
  "request.refused": "refused it",
  "preview.refused": "rejected the preview; the worker checks again",
  "preview.outdated": "found the preview outdated: another lease of the principal began or ended",
  "approval.given": "approved it; more approvals needed",
  "request.approved": "approved it",
  "request.denied": "denied it",
  "request.cancelled": "cancelled it",
  "request.expired": "expired it without a decision",
  "approval.given-to-self": "approved their own request; more approvals needed",
  "request.self-approved": "approved their own request, as the policy allows",
  "emergency.taken": "took emergency access",
  "emergency.unreviewed": "asked again for a review",
  "emergency.reviewed": "reviewed it",
  "approval.dropped": "dropped an approval that no longer counts",
  "approval.void": "found that the approval no longer counts",
  "lease.writing": "started to apply it",
  "lease.active": "proved it: active",
  "lease.signed-in": "tested signing in as the principal",
  "lease.sign-in-delayed": "could not test the sign-in yet",
  "lease.rights-asked": "asked the API server what the access allows",
  "lease.rights-delayed": "got no answer from the API server yet",
  "lease.delayed": "could not apply it yet",
  "lease.warned": "warned that it ends soon",
  "lease.drifted": "found access lost",
  "lease.repaired": "found access restored",
  "lease.recovered": "restored it from the cluster's own memory",
  "lease.returned": "found its access in the cluster again after its end",
  "lease.replayed": "refused it: an old copy of this request was restored into Redis",
  "lease.failed": "gave up",
  "lease.ending": "started to end it",
  "lease.ended": "removed it",
  "migration.asked": "asked for a migration",
  "migration.planned": "planned a migration",
  "migration.refused": "refused a migration",
  "migration.reminded": "reminded the approvers of a migration",
  "migration.approved": "approved the plan of a migration",
  "migration.denied": "denied a migration",
  "migration.stopped": "stopped a migration",
  "migration.expired": "expired a migration without a decision",
  "migration.approval-dropped": "dropped an approval of a migration",
  "migration.void": "found that the approvals of a migration no longer count",
  "migration.begun": "started a step of a migration",
  "migration.stepped": "completed a step of a migration",
  "migration.undone": "undid a migration step, or found it undone",
  "migration.settling": "waits before removing anything from aws-auth",
  "migration.delayed": "could not continue a migration yet",
  "migration.retried": "retried a migration",
  "migration.done": "completed a migration",
  "rescue.mode-switched": "switched the authentication mode to API_AND_CONFIG_MAP",
  "rescue.writing": "started to write aws-auth",
  "rescue.repaired": "repaired aws-auth",
  "link.made": "linked a principal",
  "link.proposed": "asked for a link",
  "link.confirmed": "confirmed a link",
  "link.refused": "refused a link",
  "record.undone": "found that Redis had lost the last changes of this request",
  "record.unreadable": "could not read the record in Redis, and left it alone",
  "configuration.changed": "changed the configuration",
  "configuration.refused": "refused a configuration",
  "creator.used": "became the creator, although the cluster has an operator",
  "cluster.removed": "found leases or a migration of a cluster that is not configured",
  "fleet.changed": "found a change of the fleet",
  "write.changed": "found that a webhook had changed a write",
  "annotation.refused": "rejected the cluster's own memory",
  "decision.refused": "decision blocked",
  "attempt.refused": "action blocked",
  "person.erased": "erased a person's data",
} as const;

export type EventType = keyof typeof happened;

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
  if (each.sequence !== expected) return `Event ${expected} is missing.`;
  if (each.previous !== previous) return `Event ${expected} breaks the chain.`;
  if (nestsTooDeep(each.event)) return `Event ${expected} was edited.`;
  const mark = erasureMark(each);
  if (mark !== null && mark !== erasures.get(expected))
    return `Event ${expected} was erased without the worker's signature.`;
  if (each.hash !== chainHash(previous, each.erased ?? digestOfEvent(each.event)))
    return `Event ${expected} was edited.`;
  return null;
}

/** Who gets the access by an event that asks for it, and who asked for them, if it was another person. */
export function peopleIn(actor: string, { requester }: AuditEvent["detail"]): { requester: string; askedBy?: string } {
  return typeof requester === "string" ? { requester, askedBy: actor } : { requester: actor };
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
export function toCloudEvent<Event extends Readonly<Record<"type" | "at" | "request" | "cluster", string>>>(
  chained: ChainedEvent<Event>,
): CloudEvent<Event> {
  const { sequence, event, previous, hash, erased } = chained;
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

type Actor = { readonly roleArn?: string | undefined; readonly externalId?: string | undefined };

export interface BucketSink extends Actor {
  readonly bucket: string;
  readonly region: string;
  /** The bucket's account: a bucket of the same name elsewhere gets nothing. */
  readonly account: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
  /** How long Object Lock keeps each object in compliance mode; null: the bucket's own default decides. */
  readonly lockSeconds: number | null;
}

export type BusSink = Actor & { readonly busArn: string };

/** A server that takes batches of CloudEvents, signed by Standard Webhooks. */
export type WebhookSink = { readonly url: string };

/** The worker delivers to each kind by itself. */
export const sinkKinds = ["log", "s3", "eventbridge", "webhook"] as const;
export type SinkKind = (typeof sinkKinds)[number];

type SinkOf<Kind extends SinkKind, Settings = object> = { readonly kind: Kind } & Settings;

/** A place outside of Redis that gets each audit event. `log`: the worker's own. */
export type Sink =
  | SinkOf<"log">
  | SinkOf<"s3", BucketSink>
  | SinkOf<"eventbridge", BusSink>
  | SinkOf<"webhook", WebhookSink>;

/** Its name in the ledger, without a token that a URL can have. A new target gets the whole log. */
export function sinkName(sink: Sink): string {
  switch (sink.kind) {
    case "log":
      return "log";
    case "s3":
      return `s3 ${sink.account} ${sink.bucket} ${sink.prefix}`;
    case "eventbridge":
      return `eventbridge ${sink.busArn}`;
    case "webhook":
      return `webhook ${new URL(sink.url).host} ${createHash("sha256").update(sink.url).digest("hex").slice(0, 16)}`;
  }
}

/** A batch's name, by its first event, so that a repeated batch finds the first one. */
export function batchName(prefix: string, { sequence, event }: ChainedEvent): string {
  const day = new Date(event.at).toISOString().slice(0, 10).replaceAll("-", "/");
  return `${prefix}${day}/${String(sequence).padStart(15, "0")}.jsonl`;
}
