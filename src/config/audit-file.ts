import { z } from "zod";
import type { AuditSinks } from "../access/audit/audit-sink.ts";
import { account, addressLike, duration, externalId, region, roleArn, slackChannel, textLike } from "./forms.ts";

const actor = { roleArn: roleArn.optional(), externalId: externalId.optional() };

const bucketSink = z.strictObject({
  bucket: textLike(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "use a bucket's name"),
  region,
  account,
  prefix: textLike(/^([\w!.*'()-]+\/)*$/, "use a prefix that ends with a slash, for example audit/").default(""),
  lockFor: duration.optional(),
  ...actor,
});

const busSink = z.strictObject({
  bus: textLike(
    /^arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:event-bus\/[\w./-]+$/,
    "use an event bus's ARN, for example arn:aws:events:eu-central-1:111122223333:event-bus/audit",
  ),
  ...actor,
});

const webhookSink = z.strictObject({
  url: addressLike(
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?\/)[^\s@#]+$/,
    "use an https address without a user and password",
  ),
});

export const auditFile = z
  .strictObject({
    channel: slackChannel.optional(),
    anchorEvery: duration.default(24 * 3600),
    keep: duration.refine((seconds) => seconds >= 7 * 24 * 3600, "keep events for at least 7d").optional(),
    copyToLog: z.boolean().default(true),
    s3: bucketSink.optional(),
    eventBridge: busSink.optional(),
    webhook: webhookSink.optional(),
  })
  .prefault({});

export function sinksOf({ s3, eventBridge, webhook }: z.output<typeof auditFile>): AuditSinks {
  return {
    s3: s3 ? { ...s3, lockSeconds: s3.lockFor ?? null } : null,
    eventBridge: eventBridge ? { ...eventBridge, busArn: eventBridge.bus } : null,
    webhook: webhook ?? null,
  };
}
