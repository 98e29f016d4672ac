import type { ChainedEvent } from "../audit-event.ts";

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

export interface AuditSinks {
  readonly s3: BucketSink | null;
  readonly eventBridge: BusSink | null;
  readonly webhook: WebhookSink | null;
}

export type SinkKind = "log" | "s3" | "eventbridge" | "webhook";

/** The configured sinks by kind, each with its name in the ledger. A new target gets the whole log. */
export function sinkNames(to: { copyToLog: boolean; sinks: AuditSinks }): ReadonlyMap<SinkKind, string> {
  const { s3, eventBridge, webhook } = to.sinks;
  return new Map<SinkKind, string>([
    ...(to.copyToLog ? [["log", "log"] as const] : []),
    ...(s3 ? [["s3", `s3 ${s3.account} ${s3.bucket} ${s3.prefix}`] as const] : []),
    ...(eventBridge ? [["eventbridge", `eventbridge ${eventBridge.busArn}`] as const] : []),
    ...(webhook ? [["webhook", `webhook ${webhook.url}`] as const] : []),
  ]);
}

/** A batch's name, by its first event, so that a repeated batch finds the first one. */
export function batchName(prefix: string, { sequence, event }: ChainedEvent): string {
  const day = new Date(event.at).toISOString().slice(0, 10).replaceAll("-", "/");
  return `${prefix}${day}/${String(sequence).padStart(15, "0")}.jsonl`;
}
