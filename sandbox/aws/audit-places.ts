import { z } from "zod";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { mayCall } from "./identities.ts";
import type { JsonHandlers } from "./json-service.ts";
import { escapeXml, refuse } from "./refusal.ts";
import { answerSigned } from "./signature.ts";

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
  return answerSigned(context, request, "s3", s3Error, ({ caller }) => {
    const [, name = "", ...rest] = decodeURIComponent(request.url.pathname).split("/");
    const key = rest.join("/");
    const bucket = places.buckets.get(name) ?? refuse("NoSuchBucket", "NoSuchBucket", 404);
    const header = (title: string) => request.headers[title]?.toString();
    const isForeign = header("x-amz-expected-bucket-owner") !== bucket.account;
    const may = (action: string) => mayCall(caller, action, `arn:aws:s3:::${name}/${key}`);
    if (request.method === "HEAD") {
      if (isForeign || !may("s3:GetObject")) return { status: 403 };
      const found = bucket.objects.get(key);
      if (!found) return { status: 404 };
      const metadata = Object.entries(found.metadata).map(([title, value]) => [`x-amz-meta-${title}`, value]);
      return { status: 200, headers: Object.fromEntries(metadata) };
    }
    const lockedUntil = header("x-amz-object-lock-retain-until-date") ?? null;
    if (isForeign || !may("s3:PutObject") || (lockedUntil !== null && !may("s3:PutObjectRetention"))) {
      refuse("AccessDenied", "AccessDenied", 403);
    }
    if (header("if-none-match") === "*" && bucket.objects.has(key)) {
      refuse("PreconditionFailed", "PreconditionFailed", 412);
    }
    if (lockedUntil !== null && !bucket.hasObjectLock) {
      refuse("InvalidRequest", "Bucket is missing Object Lock Configuration");
    }
    const titles = Object.keys(request.headers).filter((title) => title.startsWith("x-amz-meta-"));
    const metadata = titles.map((title) => [title.replace("x-amz-meta-", ""), header(title) ?? ""]);
    const stored = { metadata: Object.fromEntries(metadata), lockedUntil };
    bucket.objects.set(key, { body: request.body.toString("utf8"), ...stored });
    return { status: 200, headers: { etag: '"1"' } };
  });
}

function s3Error(code: string, message: string, status: number): SandboxAnswer {
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
      if (isRefused) refuse("AccessDenied", "not authorized to perform: events:PutEvents");
      const sizes = Entries.map(
        ({ Source, DetailType, Detail }) => Buffer.byteLength(`${Source}${DetailType}${Detail}`) + 14,
      );
      if (sizes.reduce((sum, bytes) => sum + bytes, 0) >= maxEventBytes)
        refuse("ValidationException", "Total size of the entries in the request is over the limit.");
      const results = Entries.map(({ EventBusName, Source, DetailType, Detail }) => {
        const bus = buses.get(EventBusName);
        bus?.push({ source: Source, type: DetailType, detail: JSON.parse(Detail) });
        return bus ? { EventId: crypto.randomUUID() } : { ErrorCode: "NotFound", ErrorMessage: "Event bus not found." };
      });
      return { FailedEntryCount: results.filter((each) => "ErrorCode" in each).length, Entries: results };
    },
  };
}
