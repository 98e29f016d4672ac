import type { S3 } from "@aws-sdk/client-s3";
import { AccessError } from "../access/access-error.ts";
import type { BucketSink, BusSink } from "../access/audit-event.ts";
import { answeredWith, awsAnswer, type CredentialSource, clientSettings } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";

// The clients of both services are loaded with the first event for them: few installations have such a sink.

export interface NewObject {
  readonly key: string;
  readonly body: string;
  /** Short texts with the object; `storeOnce` returns those of an existing one. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly lockedUntil: Date | null;
}

/** S3 decides whether the name exists. @returns the existing object's metadata; null: stored @throws AccessError */
export async function storeOnce(
  credentials: CredentialSource,
  { bucket, region, account }: BucketSink,
  { key, body, metadata, lockedUntil }: NewObject,
): Promise<Readonly<Record<string, string>> | null> {
  const { S3 } = await import("@aws-sdk/client-s3");
  const client = new S3(clientSettings(credentials, region));
  const place = { Bucket: bucket, Key: key, ExpectedBucketOwner: account };
  const lock = lockedUntil && { ObjectLockMode: "COMPLIANCE" as const, ObjectLockRetainUntilDate: lockedUntil };
  try {
    const content = { Body: body, ContentType: "application/x-ndjson", Metadata: { ...metadata } };
    const { ETag } = await client.putObject({ ...place, ...content, IfNoneMatch: "*", ...lock });
    return answeredWith(ETag ? null : undefined, `s3:PutObject on ${bucket}/${key}`);
  } catch (error) {
    if (!(error instanceof Error && error.name === "PreconditionFailed")) {
      throw awsFailure(error, `s3:PutObject on ${bucket}/${key}`);
    }
    return metadataOf(client, place);
  }
}

async function metadataOf(client: S3, place: { readonly Bucket: string; readonly Key: string }) {
  const what = `s3:GetObject on ${place.Bucket}/${place.Key}`;
  return (await awsAnswer(what, client.headObject(place))).Metadata ?? {};
}

/** The limit of one call (EventBridge API Reference, PutEvents). */
export const maxEntries = 10;

export interface BusEvent {
  readonly type: string;
  readonly at: string;
  readonly detail: string;
}

const source = "eks-access";

/** Of all events of a call together (EventBridge User Guide, "Calculating PutEvents event entry size"). */
export const maxEventBytes = 256 * 1024;

/** As EventBridge counts: 14 are of its time. */
export function bytesOfBusEvent({ type, detail }: BusEvent): number {
  return Buffer.byteLength(`${source}${type}${detail}`) + 14;
}

/** Sends events, at most `maxEntries`, of less than `maxEventBytes`. @returns how many arrived before the first refused one @throws AccessError if that was the first */
export async function putEvents(
  credentials: CredentialSource,
  { busArn }: BusSink,
  events: readonly BusEvent[],
): Promise<number> {
  const { EventBridge } = await import("@aws-sdk/client-eventbridge");
  const region = busArn.split(":")[3] ?? "";
  const client = new EventBridge(clientSettings(credentials, region));
  const what = `events:PutEvents on ${busArn}`;
  const Entries = events.map(({ type, at, detail }) => ({
    EventBusName: busArn,
    Source: source,
    DetailType: type,
    Time: new Date(at),
    Detail: detail,
  }));
  const { Entries: results = [] } = await awsAnswer(what, client.putEvents({ Entries }));
  const failed = Entries.findIndex((_, index) => results[index]?.EventId === undefined);
  if (failed === 0) {
    const { ErrorCode = "unknown", ErrorMessage = "" } = results[0] ?? {};
    throw new AccessError("aws-failing", `EventBridge refused an event at ${what} (${ErrorCode}: ${ErrorMessage})`);
  }
  return failed < 0 ? Entries.length : failed;
}
