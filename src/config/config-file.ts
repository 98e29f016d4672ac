import { z } from "zod";
import { approversConfirmedForSeconds } from "../access/approval/decision.ts";
import type { Creator, CreatorRole, RoleStep } from "../access/policy/creator.ts";
import { isTicketPattern } from "../access/request/ticket.ts";
import { mapDeadlines } from "../operations/deadlines.ts";
import { auditFile } from "./audit-file.ts";
import { fleetFile } from "./fleet-file.ts";
import {
  account,
  addressLike,
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
import { policyFile } from "./policy-file.ts";

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
  written.transform((value, context): Creator => {
    const problem = problemOf(value);
    if (problem !== null) {
      context.addIssue({ code: "custom", message: problem });
      return z.NEVER;
    }
    return creatorOf(value);
  }),
);

/** A role of our own in the cluster, which `eks-access bootstrap` lets in. */
const operatorFile = z
  .strictObject({ roleArn, externalId: externalId.optional(), through: z.array(roleStep).default([]) })
  .transform(({ externalId: id, ...rest }): CreatorRole => ({ type: "role", ...rest, ...(id && { externalId: id }) }));

const name = textLike(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and hyphens, up to 63 characters");
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
const group = textLike(/^[\x21-\x7e]+$/, "use printable ASCII without spaces").refine(
  (written) => !written.includes("{{"),
  "a group can't have a template",
);

const ticketPattern = z
  .string("write a regular expression")
  .min(1)
  .max(200)
  .refine(isTicketPattern, "write a regular expression of RE2, without (?=, (?! or \\1, for example 'OPS-[0-9]+'");

const check = z.strictObject({
  verb: textLike(/./, "write a verb, for example list"),
  resource: textLike(/./, "write a resource in the plural, for example pods"),
  group: z.string().default(""),
  namespace: z.string().default(""),
});

const accessPolicy = textLike(
  /^AmazonEKS\w+Policy$/,
  "use the name of an EKS access policy, for example AmazonEKSViewPolicy",
);
const namespace = textLike(/^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$/, "use a namespace's name; * matches any text");
const rolePath = textLike(
  /^\/([!-)+->@-~]+\/)?$/,
  "use a path of IAM that begins and ends with a slash, for example /team/",
);
const assumableRole = textLike(
  /^arn:[a-z-]+:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*[\w+=,.@*-]+$/,
  "use a role's ARN with its path; * matches any text in the name, for example arn:aws:iam::111122223333:role/team-*",
);

const roleName = textLike(/^[\x21-\x7e]{1,253}$/, "use the name of a role, without spaces").refine(
  (written) => !/[/%]/.test(written),
  "use the name of a role, without / and %",
);
const boundNamespace = textLike(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "use a namespace's name");

/** Where a role is bound: in all namespaces, in these, or in those that the requester chooses. */
const boundIn = z.union(
  [z.literal("all"), z.literal("choose"), z.array(boundNamespace).min(1).max(20)],
  "write all, choose, or a list of namespaces",
);

/** A role that a lease binds to the person. */
const bind = z
  .strictObject({ clusterRole: roleName.optional(), role: roleName.optional(), in: boundIn })
  .refine(({ clusterRole, role }) => (clusterRole === undefined) !== (role === undefined), {
    message: "name a clusterRole or a role",
  })
  .refine(({ role, in: where }) => role === undefined || where !== "all", {
    path: ["in"],
    message: "a Role belongs to one namespace: list namespaces, or write choose",
  });

const level = z
  .strictObject({
    groups: z.array(group).default([]),
    bind: z.array(bind).max(20).default([]),
    policy: accessPolicy.optional(),
    namespaces: z
      .array(namespace)
      .min(1, "name at least one, or remove namespaces to cover the whole cluster")
      .optional(),
    maxDuration: duration,
    verify: z.array(check).default([]),
  })
  .refine(({ groups, policy, bind }) => groups.length > 0 || policy !== undefined || bind.length > 0, {
    path: ["groups"],
    message: "name at least one Kubernetes group, a policy, or roles to bind",
  })
  .refine(({ groups, policy, bind }) => bind.length === 0 || (groups.length === 0 && policy === undefined), {
    path: ["bind"],
    message: "bind roles in a level of their own, without groups and policies",
  })
  .refine(({ policy, namespaces }) => policy !== undefined || namespaces === undefined, {
    path: ["namespaces"],
    message: "name the policy for these namespaces",
  });

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
  quiet: z.union([z.boolean(), z.string().min(1).max(200)], "write true, or the reason as a text").default(false),
});

/** With an operator no run needs the creator: if the file does not name it, CloudTrail does. */
const cluster = z.preprocess((value) => {
  const isUnnamed = typeof value === "object" && value !== null && "operator" in value && !("creator" in value);
  return isUnnamed ? { ...value, creator: "discover" } : value;
}, ownCluster);

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
  levels: z.record(name, level),
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
        .refine(
          (times) => times.every((time, index) => time > (times[index - 1] ?? 0)),
          "make each longer than the one before",
        )
        .default([15 * 60, 3600, 4 * 3600]),
      sweepEvery: duration.default(1),
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

type Written = z.output<typeof written>;

/** Why the settings contradict each other; null: they don't. */
function problemOf({ roleArn, userArn, discover, through, externalId, profile }: Written): string | null {
  const named = [roleArn, userArn, discover].filter((each) => each !== undefined).length;
  if (named === 0) return oneOf;
  if (named > 1) return `${oneOf}, only one of them`;
  if (userArn !== undefined && (through.length > 0 || externalId !== undefined)) {
    return "remove through and externalId: they work for a role only";
  }
  if (roleArn !== undefined && profile !== undefined) {
    return "remove profile: it works for a user only";
  }
  return null;
}

function creatorOf({ roleArn, userArn, through, externalId, profile }: Written): Creator {
  const steps: readonly RoleStep[] = through;
  if (roleArn !== undefined) return { type: "role", roleArn, through: steps, ...(externalId && { externalId }) };
  if (userArn !== undefined) return { type: "user", userArn, ...(profile && { profile }) };
  return { type: "discover", through: steps, ...(externalId && { externalId }), ...(profile && { profile }) };
}
