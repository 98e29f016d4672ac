import { z } from "zod";
import { isTicketPattern } from "../access/ask/ticket.ts";
import type { Sink } from "../access/audit-event.ts";
import { clusterNameForm } from "../access/policy/cluster.ts";
import { approversConfirmedForSeconds } from "../access/seals.ts";
import { mapDeadlines } from "../operations/deadlines.ts";
import { fleetFile } from "./fleet-file.ts";
import {
  account,
  addressLike,
  alsoInBroken,
  alsoInBrokenList,
  duration,
  externalId,
  labels,
  region,
  roleArn,
  roleStep,
  shortDuration,
  slackChannel,
  slackUser,
  textLike,
  userOrGroup,
} from "./forms.ts";
import { identitiesFile } from "./identity-rules.ts";
import { isEmpty, levelFile, policyFile } from "./policy-file.ts";

const userForm = "use a user's ARN, for example arn:aws:iam::111122223333:user/cluster-creator";

const userArn = z.string(userForm).regex(/^arn:[a-z-]+:iam::\d{12}:user\/[\w+=,.@/-]+$/, userForm);

const profileForm = "use the name of an AWS profile, without spaces";

const profile = z.string(profileForm).regex(/^[\w+=,.@:/-]{1,128}$/, profileForm);

const written = z.strictObject({
  roleArn: roleArn.optional(),
  externalId: externalId.optional(),
  through: z.array(roleStep).default([]),
  userArn: userArn.optional(),
  profile: profile.optional(),
  discover: z.literal(true).optional(),
});

const oneOf = "say who created the cluster: roleArn, userArn or discover";

/** Who created the cluster, in one of three forms: `{ roleArn }`, `{ userArn }` or `discover` (`{ discover: true, … }`). */
const creatorFile = z.preprocess(
  (value) => (value === "discover" ? { discover: true } : value),
  written.refine((value) => problemOf(value) === undefined, {
    error: ({ input }) => problemOf(input as WrittenCreator),
    ...alsoInBroken,
  }),
);

/** A role of our own in the cluster, which `eks-access bootstrap` lets in. */
const operatorFile = z.strictObject({
  roleArn,
  externalId: externalId.optional(),
  through: z.array(roleStep).default([]),
});

const name = textLike(clusterNameForm, "use lower-case letters, digits and hyphens, up to 63 characters");
const owner = textLike(
  /^[a-z0-9][a-z0-9-]{0,62}$/,
  "name the tool in lower case, for example terraform, argocd or flux, or write none",
);
const slackWorkspace = textLike(/^T[A-Z0-9]{2,}$/, "use a workspace's id, for example T012ABCDEF (not a name)");
const zone = textLike(
  /^[a-z0-9][a-z0-9-]{0,39}$/,
  "use lower-case letters, digits and hyphens, up to 40 characters, for example eu-private",
);
const slackApp = textLike(/^A[A-Z0-9]{2,}$/, "use the app's id, for example A012ABCDEF");
const endpoint = addressLike(/^https:\/\/[^\s/?#@]+\/?$/, "use the API server's https address, without a path");
const certificateAuthority = textLike(
  /^LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2}$/,
  "use a PEM certificate in base64, as EKS gives it",
);
const eksName = textLike(/^[0-9A-Za-z][\w-]{0,99}$/, "use the cluster's name in EKS");
const quietForm = "write true or false, or the reason as a text";
/** YAML 1.2 reads no and off as texts: not as the switch that people mean by them. */
const quietReason = textLike(/^(?!\s*(?:yes|no|on|off|true|false)?\s*$)/i, quietForm).max(200);
const ticketPattern = z
  .string("write a regular expression")
  .min(1)
  .max(200)
  .refine(isTicketPattern, "write a regular expression of RE2, without (?=, (?! or \\1, for example 'OPS-[0-9]+'");

const rolePath = textLike(
  /^\/([!-)+->@-~]+\/)?$/,
  "use a path of IAM that begins and ends with a slash, for example /team/",
);
const assumableRole = textLike(
  /^arn:[a-z-]+:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*[\w+=,.@*-]+$/,
  "use a role's ARN with its path; * matches any text in the name, for example arn:aws:iam::111122223333:role/team-*",
);

function isAscending(times: readonly unknown[]): boolean {
  const known = times.filter((time) => typeof time === "number");
  return known.every((time, index) => time > (known[index - 1] ?? 0));
}

const ownCluster = z.strictObject({
  eksName,
  region,
  account,
  creator: creatorFile,
  operator: operatorFile.optional(),
  endpoint: endpoint.optional(),
  certificateAuthority: certificateAuthority.optional(),
  channel: slackChannel,
  approvers: z.array(userOrGroup).min(1, "name at least one approver"),
  levels: z.array(name).min(1, "offer at least one level"),
  labels: labels.default({}),
  onCall: z.array(userOrGroup).default([]),
  drift: z.enum(["report", "repair"]).default("report"),
  foreignAccounts: z.array(account).default([]),
  createAwsAuth: z.boolean().default(false),
  zone: zone.optional(),
  owner: owner.optional(),
  way: z.enum(["access-entry", "aws-auth"]).default("access-entry"),
  accessEntries: z
    .strictObject({ as: z.enum(["creator", "worker"]).default("creator"), rolePaths: z.array(rolePath).default([]) })
    .prefault({}),
  pinnedSessions: z.array(assumableRole).default([]),
  signIn: z.strictObject({ roles: z.array(assumableRole).default([]), externalId: externalId.optional() }).prefault({}),
  ticket: z.enum(["none", "optional", "required"]).default("none"),
  ticketPattern: ticketPattern.optional(),
  quiet: z.union([z.boolean(), quietReason], quietForm).default(false),
});

/** With an operator no run needs the creator: if the file does not name it, CloudTrail does. */
const cluster = z.preprocess((value) => {
  const isUnnamed = typeof value === "object" && value !== null && "operator" in value && !("creator" in value);
  return isUnnamed ? { ...value, creator: "discover" } : value;
}, ownCluster);

export const clusterSettings: readonly string[] = Object.keys(ownCluster.shape);

const someSettings = ownCluster.partial();

/** The form of what clusters share: `defaults`, and each of `templates`. */
export const sharedFile = z.object({
  defaults: someSettings.prefault({}),
  templates: z.record(z.string(), someSettings).prefault({}),
});

export type SharedFile = z.output<typeof sharedFile>;

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

export function sinksOf({ copyToLog, s3, eventBridge, webhook }: z.output<typeof auditFile>): readonly Sink[] {
  return [
    ...(copyToLog ? [{ kind: "log" } as const] : []),
    ...(s3 ? [{ kind: "s3", ...s3, lockSeconds: s3.lockFor ?? null } as const] : []),
    ...(eventBridge ? [{ kind: "eventbridge", ...eventBridge, busArn: eventBridge.bus } as const] : []),
    ...(webhook ? [{ kind: "webhook", ...webhook } as const] : []),
  ];
}

/** The form of `eks-access.yml`; docs/configuration.md explains each field. */
export const configFile = z.strictObject({
  slack: z
    .strictObject({
      mode: z.enum(["http", "socket"]).default("http"),
      appId: slackApp.optional(),
      workspace: slackWorkspace.optional(),
    })
    .prefault({}),
  clusters: z.record(name, cluster),
  fleet: fleetFile.optional(),
  levels: z.record(name, levelFile),
  policy: policyFile.optional(),
  operators: z.strictObject({ channel: slackChannel.optional() }).prefault({}),
  administrators: z.array(slackUser).default([]),
  linking: z.strictObject({ confirm: z.enum(["none", "administrator"]).default("none") }).prefault({}),
  identities: identitiesFile,
  audit: auditFile,
  ledger: z
    .strictObject({
      keep: duration
        .refine((seconds) => seconds >= 7 * 24 * 3600, "keep closed requests for at least 7d")
        .default(90 * 24 * 3600),
    })
    .prefault({}),
  limits: z
    .strictObject({
      pending: z.int().min(1).max(1000).default(10),
      requests: z.int().min(1).max(1000).default(30),
      questions: z.int().min(1).max(1000).default(30),
      every: duration.default(600),
    })
    .prefault({}),
  timing: z
    .strictObject({
      requestExpiresAfter: duration.default(24 * 3600),
      approvalGoodFor: duration
        .refine((seconds) => seconds <= approversConfirmedForSeconds, "use at most 8h, because people leave")
        .default(3600),
      remindAfter: z
        .array(duration)
        .refine(isAscending, { message: "make each longer than the one before", ...alsoInBrokenList })
        .default([15 * 60, 3600, 4 * 3600]),
      sweepEvery: duration.refine((seconds) => seconds <= 3600, "use at most 1h").default(1),
      inspectEvery: duration.default(300),
      warnBeforeEnd: duration.default(900),
      settleEntries: duration.default(60),
      endWithoutLedgerAfter: duration
        .refine((seconds) => seconds >= 10 && seconds <= 3600, "use 10s to 1h")
        .default(60),
      deadlines: z.strictObject(mapDeadlines((ms) => shortDuration.default(ms))).prefault({}),
    })
    .prefault({}),
});

export type ConfigFile = z.output<typeof configFile>;

export type WrittenCreator = z.output<typeof written>;

/** Why the settings contradict each other; undefined: they don't. */
function problemOf({ roleArn, userArn, discover, through, externalId, profile }: WrittenCreator): string | undefined {
  const named = [roleArn, userArn, discover].filter((each) => each !== undefined).length;
  if (named === 0) return oneOf;
  if (named > 1) return `${oneOf}, only one of them`;
  if (userArn !== undefined && (!isEmpty(through) || externalId !== undefined)) {
    return "remove through and externalId: they work for a role only";
  }
  return roleArn !== undefined && profile !== undefined ? "remove profile: it works for a user only" : undefined;
}
