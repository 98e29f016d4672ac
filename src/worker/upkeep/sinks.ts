import { createHmac } from "node:crypto";
import { AccessError } from "../../access/access-error.ts";
import { partitionOfRegion } from "../../access/arn.ts";
import {
  type AuditEvent,
  type BucketSink,
  type BusSink,
  batchName,
  type ChainedEvent,
  type EventType,
  type Sink,
  type SinkKind,
  sinkName,
  toCloudEvent,
  type WebhookSink,
} from "../../access/audit-event.ts";
import { startOf } from "../../access/redact.ts";
import {
  type BusEvent,
  bytesOfBusEvent,
  maxEntries,
  maxEventBytes,
  putEvents,
  storeOnce,
} from "../../aws/audit-sinks.ts";
import type { CredentialSource } from "../../aws/client-settings.ts";
import { sessionPolicyFor } from "../../aws/session-policy.ts";
import type { AuditLog } from "../../ledger/audit-log.ts";
import { observedCall, resultOfStatus } from "../../operations/announcements.ts";
import { callWithinMs } from "../../operations/deadlines.ts";
import { lostLines } from "../../operations/log.ts";
import { sessionThrough } from "../become-creator.ts";

type Events = readonly [ChainedEvent, ...ChainedEvent[]];

/** A place outside of Redis that gets each audit event, in order. */
export interface AuditSink {
  readonly kind: SinkKind;
  /** In the ledger. */
  readonly name: string;
  readonly maxAtOnce: number;
  /** A repeated event has the same id. @returns the number of the last one that arrived @throws AccessError */
  readonly send: (events: Events) => Promise<number>;
}

/** Sends a sink its missing events. After a crash it sends some events again, and misses none. */
export async function deliver(log: AuditLog, sink: AuditSink, isOutOfTime = () => false): Promise<void> {
  for (;;) {
    const [first, ...rest] = await log.events((await log.delivered(sink.name)) + 1, sink.maxAtOnce);
    if (!first) return;
    await log.markDelivered(sink.name, await sink.send([first, ...rest]));
    if (isOutOfTime()) return;
  }
}

export interface SinkPlaces {
  readonly sinks: readonly Sink[];
  /** The bytes of the webhook's secret; null: no webhook. */
  readonly webhookSecret: Buffer | null;
  readonly write: (event: ChainedEvent) => void;
  readonly now: () => Date;
}

export function auditSinks(places: SinkPlaces): readonly AuditSink[] {
  return places.sinks.flatMap((sink) => auditSink(sink, places) ?? []);
}

function auditSink(sink: Sink, { webhookSecret, write, now }: SinkPlaces): AuditSink | null {
  const named = { kind: sink.kind, name: sinkName(sink) };
  switch (sink.kind) {
    case "log":
      return { ...named, maxAtOnce: 500, send: (events) => toLog(write, events) };
    case "s3":
      return { ...named, maxAtOnce: 200, send: (events) => toBucket(sink, events, now()) };
    case "eventbridge":
      return { ...named, maxAtOnce: maxEntries, send: (events) => toBus(sink, events) };
    case "webhook":
      if (!webhookSecret) return null;
      return { ...named, maxAtOnce: 100, send: (events) => toWebhook(sink, webhookSecret, events, now()) };
  }
}

function lastOf(events: Events): ChainedEvent {
  return events.at(-1) ?? events[0];
}

/** An event that the log had no room for comes again, and what follows it after it. */
async function toLog(write: SinkPlaces["write"], events: Events): Promise<number> {
  let isLost = false;
  const hear = () => {
    isLost = true;
  };
  lostLines.subscribe(hear);
  const firstLost = events.findIndex((event) => {
    write(event);
    return isLost;
  });
  lostLines.unsubscribe(hear);
  if (firstLost === 0) throw new Error("the log has no room");
  return (events[firstLost - 1] ?? lastOf(events)).sequence;
}

/** A batch's name follows from its first event, so after a crash the next process continues after a stored batch. */
async function toBucket(bucket: BucketSink, events: Events, now: Date): Promise<number> {
  const last = lastOf(events);
  const key = batchName(bucket.prefix, events[0]);
  const body = events.map((event) => `${JSON.stringify(toCloudEvent(event))}\n`).join("");
  const lockedUntil = bucket.lockSeconds === null ? null : new Date(now.getTime() + bucket.lockSeconds * 1000);
  const metadata = { "last-number": String(last.sequence), "last-hash": last.hash };
  const objects = `arn:${partitionOfRegion(bucket.region) ?? "aws"}:s3:::${bucket.bucket}/${bucket.prefix}*`;
  const actions = ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"];
  const actor = await actorFor(bucket, bucket.region, objects, actions);
  const found = await storeOnce(actor, bucket, { key, body, metadata, lockedUntil });
  if (found === null) return last.sequence;
  const stored = events.find(({ hash }) => hash === found["last-hash"]);
  if (stored) return stored.sequence;
  throw new AccessError("audit-sink-differs", `The object ${key} in the bucket ${bucket.bucket} has other events`);
}

async function toBus(bus: BusSink, events: Events): Promise<number> {
  const region = bus.busArn.split(":")[3] ?? "";
  const actor = await actorFor(bus, region, bus.busArn, ["events:PutEvents"]);
  const arrived = await putEvents(actor, bus, withinOneCall(events.map(busEventOf)));
  return events[arrived - 1]?.sequence ?? lastOf(events).sequence;
}

function busEventOf(chained: ChainedEvent): BusEvent {
  const whole = asBusEvent(chained);
  if (bytesOfBusEvent(whole) < maxEventBytes) return whole;
  return asBusEvent({ ...chained, event: startOfEvent(chained.event) });
}

function asBusEvent(chained: ChainedEvent): BusEvent {
  const event = toCloudEvent(chained);
  return { type: event.type, at: chained.event.at, detail: JSON.stringify(event) };
}

/** The longest text of an event that a bus does not take whole. */
const shownOfLong = 300;

/** What is left of an event that is too large for a bus. Its number and chain value lead to the whole one in the log. */
function startOfEvent(event: AuditEvent): AuditEvent {
  const start = (text: string) => startOf(text, shownOfLong);
  return {
    type: start(event.type) as EventType,
    at: new Date(event.at).toISOString(),
    actor: start(event.actor),
    request: start(event.request),
    cluster: start(event.cluster),
    detail: { tooLarge: Buffer.byteLength(JSON.stringify(event)) },
  };
}

/** As many of the first events as one call takes: the others follow in the next one. */
function withinOneCall(events: readonly BusEvent[]): readonly BusEvent[] {
  let bytes = 0;
  const next = events.findIndex((event) => {
    bytes += bytesOfBusEvent(event);
    return bytes >= maxEventBytes;
  });
  return next < 0 ? events : events.slice(0, next);
}

async function toWebhook(webhook: WebhookSink, secret: Buffer, events: Events, now: Date): Promise<number> {
  const last = lastOf(events);
  const id = `${events[0].sequence}-${last.sequence}-${last.hash.slice(0, 16)}`;
  await postBatch(webhook, secret, { id, body: JSON.stringify(events.map(toCloudEvent)) }, now);
  return last.sequence;
}

/** A session of the sink's role with only these rights; without a role the worker's own identity. @throws AccessError */
async function actorFor(
  { roleArn, externalId }: BucketSink | BusSink,
  region: string,
  resource: string,
  actions: readonly string[],
): Promise<CredentialSource> {
  if (roleArn === undefined) return "default";
  const purpose = { id: "audit", requester: "audit" };
  return sessionThrough(region, [{ roleArn, externalId }], [purpose], sessionPolicyFor(actions, resource));
}

export type Batch = { readonly id: string; readonly body: string };

/**
 * Posts a batch of CloudEvents (CloudEvents HTTP binding, "Batched Content Mode"), signed as Standard Webhooks 1.0
 * says.
 * @param secret the bytes of the shared secret
 * @throws AccessError for any answer but 2xx, also for a redirect, which would carry the events elsewhere
 */
async function postBatch({ url }: WebhookSink, secret: Buffer, { id, body }: Batch, now: Date): Promise<void> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/cloudevents-batch+json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
  const signal = AbortSignal.timeout(callWithinMs("webhook"));
  const { host } = new URL(url);
  const failure = (why: string, cause?: unknown) =>
    new AccessError("audit-webhook", `The audit webhook at ${host} ${why}`, { cause });
  const answer = await observedCall(
    { service: "webhook", operation: "POST" },
    () => fetch(url, { method: "POST", headers, body, redirect: "manual", signal }),
    ({ status }) => resultOfStatus(status),
  ).catch((error: unknown) => {
    throw failure("can't be reached", error);
  });
  await answer.body?.cancel();
  if (!answer.ok) throw failure(`answered ${answer.status}`);
}
