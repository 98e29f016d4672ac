import { HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { BucketSink } from "../access/audit/sink.ts";
import { type CredentialSource, clientSettings } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";

export interface NewObject {
  readonly key: string;
  readonly body: string;
  /** Small texts with it, which `storeOnce` returns for an object that is there. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly lockedUntil: Date | null;
}

/**
 * Stores an object, unless one of its name is there: the condition makes S3 decide it, also between two workers.
 * @returns the metadata of the object that is there instead; null: the new one was stored
 * @throws AccessError
 */
export async function storeOnce(
  credentials: CredentialSource,
  { bucket, region, account }: BucketSink,
  { key, body, metadata, lockedUntil }: NewObject,
): Promise<Readonly<Record<string, string>> | null> {
  const client = new S3Client(clientSettings(credentials, region));
  const place = { Bucket: bucket, Key: key, ExpectedBucketOwner: account };
  const lock = lockedUntil && { ObjectLockMode: "COMPLIANCE" as const, ObjectLockRetainUntilDate: lockedUntil };
  try {
    const content = { Body: body, ContentType: "application/x-ndjson", Metadata: { ...metadata } };
    await client.send(new PutObjectCommand({ ...place, ...content, IfNoneMatch: "*", ...lock }));
    return null;
  } catch (error) {
    if (!(error instanceof Error && error.name === "PreconditionFailed")) {
      throw awsFailure(error, `s3:PutObject on ${bucket}/${key}`);
    }
    return metadataOf(client, place);
  } finally {
    client.destroy();
  }
}

async function metadataOf(
  client: S3Client,
  place: { readonly Bucket: string; readonly Key: string },
): Promise<Readonly<Record<string, string>>> {
  try {
    return (await client.send(new HeadObjectCommand(place))).Metadata ?? {};
  } catch (error) {
    throw awsFailure(error, `s3:GetObject on ${place.Bucket}/${place.Key}`);
  }
}
