import { z } from "zod";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { mayCall } from "./identities.ts";
import type { JsonHandlers } from "./json-service.ts";
import { done, escapeXml, refuse } from "./refusal.ts";
import { verifySignature } from "./signature.ts";

export interface StoredObject {
  readonly body: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** ISO 8601; null: not locked. */
  readonly lockedUntil: string | null;
}

export interface Bucket {
  readonly account: string;
  readonly hasObjectLock: boolean;
  readonly objects: Map<string, StoredObject>;
}

export interface BusEntry {
  readonly source: string;
  readonly type: string;
  readonly detail: unknown;
}

/** The buckets of S3 and the buses of EventBridge, as far as an audit log needs them. */
export class AuditPlaces {
  readonly buckets = new Map<string, Bucket>();
  readonly buses = new Map<string, BusEntry[]>();

  addBucket(name: string, account: string, hasObjectLock = true): Bucket {
    const bucket = { account, hasObjectLock, objects: new Map<string, StoredObject>() };
    this.buckets.set(name, bucket);
    return bucket;
  }
}

/** `s3.PutObject` and so on; undefined: another service's request. Bucket and key identify a request to S3. */
export function s3Call({ method, headers }: SandboxRequest): string | undefined {
  const isOfS3 = String(headers.authorization ?? "").includes("/s3/aws4_request");
  return isOfS3 ? `s3.${method === "HEAD" ? "HeadObject" : method === "PUT" ? "PutObject" : method}` : undefined;
}

/** Answers as documented: S3 API Reference, PutObject and HeadObject; User Guide, "How to prevent object overwrites". */
export function answerS3(context: AwsContext, places: AuditPlaces, request: SandboxRequest): SandboxAnswer {
  const signed = verifySignature(request, "s3", context);
  if (signed.type === "refused") return s3Error(signed.code, signed.status, signed.message);
  const { caller } = signed;
  const [, name = "", ...rest] = decodeURIComponent(request.url.pathname).split("/");
  const key = rest.join("/");
  const by = { by: caller.arn };
  const bucket = places.buckets.get(name);
  const header = (title: string) => request.headers[title]?.toString();
  if (!bucket) return { ...s3Error("NoSuchBucket", 404), ...by };
  const isForeign = header("x-amz-expected-bucket-owner") !== bucket.account;
  const may = (action: string) => mayCall(caller, action, `arn:aws:s3:::${name}/${key}`);
  if (request.method === "HEAD") {
    if (isForeign || !may("s3:GetObject")) return { status: 403, ...by };
    const found = bucket.objects.get(key);
    if (!found) return { status: 404, ...by };
    const metadata = Object.entries(found.metadata).map(([title, value]) => [`x-amz-meta-${title}`, value]);
    return { status: 200, headers: Object.fromEntries(metadata), ...by };
  }
  const lockedUntil = header("x-amz-object-lock-retain-until-date") ?? null;
  if (isForeign || !may("s3:PutObject") || (lockedUntil !== null && !may("s3:PutObjectRetention"))) {
    return { ...s3Error("AccessDenied", 403), ...by };
  }
  if (header("if-none-match") === "*" && bucket.objects.has(key))
    return { ...s3Error("PreconditionFailed", 412), ...by };
  if (lockedUntil !== null && !bucket.hasObjectLock) {
    return { ...s3Error("InvalidRequest", 400, "Bucket is missing Object Lock Configuration"), ...by };
  }
  const titles = Object.keys(request.headers).filter((title) => title.startsWith("x-amz-meta-"));
  const metadata = Object.fromEntries(titles.map((title) => [title.replace("x-amz-meta-", ""), header(title) ?? ""]));
  bucket.objects.set(key, { body: request.body.toString("utf8"), metadata, lockedUntil });
  return { status: 200, headers: { etag: '"1"' }, ...by };
}

function s3Error(code: string, status: number, message = code): SandboxAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body };
}

const putEvents = z.object({
  Entries: z
    .array(z.object({ EventBusName: z.string(), Source: z.string(), DetailType: z.string(), Detail: z.string() }))
    .min(1)
    .max(10),
});

/** Of all entries of a call (EventBridge User Guide, "Calculating PutEvents event entry size"). */
const maxEventBytes = 256 * 1024;

/** Answers as documented (EventBridge API Reference, PutEvents). */
export function eventBusCalls({ buses }: AuditPlaces): JsonHandlers {
  return {
    "events.PutEvents": ({ caller, body }) => {
      const { Entries } = putEvents.parse(body);
      const isRefused = Entries.some(({ EventBusName }) => !mayCall(caller, "events:PutEvents", EventBusName));
      if (isRefused) return refuse("AccessDenied", "not authorized to perform: events:PutEvents");
      const sizes = Entries.map(
        ({ Source, DetailType, Detail }) => Buffer.byteLength(`${Source}${DetailType}${Detail}`) + 14,
      );
      if (sizes.reduce((sum, bytes) => sum + bytes, 0) >= maxEventBytes)
        return refuse("ValidationException", "Total size of the entries in the request is over the limit.");
      const results = Entries.map(({ EventBusName, Source, DetailType, Detail }) => {
        const bus = buses.get(EventBusName);
        bus?.push({ source: Source, type: DetailType, detail: JSON.parse(Detail) });
        return bus ? { EventId: crypto.randomUUID() } : { ErrorCode: "NotFound", ErrorMessage: "Event bus not found." };
      });
      const failed = results.filter((each) => "ErrorCode" in each);
      return done({ FailedEntryCount: failed.length, Entries: results });
    },
  };
}
