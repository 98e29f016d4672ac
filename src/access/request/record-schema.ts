import { z } from "zod";
import type { Lease, LeaseFields } from "../lease/lease-record.ts";
import type { CodedReason, Trouble } from "../lease/proof-record.ts";
import type { AccessRequest, Decision, DroppedApproval, Reminders, RequestFields } from "./record.ts";
import type { ClusterTrouble } from "./retry.ts";
import { typedFieldsSchema } from "./typed.ts";

/** The parts that requests and migrations share. Strict: we never write unknown fields. */
const text = z.string();
const texts = z.array(z.string());
const count = z.int().nonnegative();
const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)), { error: "no time" });
const way = z.enum(["aws-auth", "access-entry", "binding"]);
const identity = z.strictObject({ username: text, groups: texts });
const otherLease = z.strictObject({ id: text, groups: texts, endsAt: time });
const standing = z.strictObject({ memberships: texts, linked: text.nullable() });
export const codedReasonSchema = z.strictObject({ code: text, message: text }) satisfies z.ZodType<CodedReason>;
const finding = z.strictObject({ result: z.enum(["yes", "no", "not tested"]), detail: text });

const troubleFields = {
  code: text,
  message: text,
  at: time,
  attempts: count,
  retryAt: time,
  causes: texts,
} as const;
export const troubleSchema = z.strictObject(troubleFields) satisfies z.ZodType<Trouble>;

export const clusterTroubleSchema = z.strictObject({
  ...troubleFields,
  since: time,
  configuration: text,
  overAt: time.nullable(),
}) satisfies z.ZodType<ClusterTrouble>;

export const decisionSchema = z.strictObject({
  verdict: z.enum(["approved", "denied", "emergency"]),
  by: text,
  // An unreadable time counts as void, like a date in the future: a run reports it.
  at: text,
  digest: text,
  why: text,
  memberships: texts,
  requester: standing.nullable(),
  linked: text.nullable(),
  stillApprovers: texts,
  seal: text,
}) satisfies z.ZodType<Decision>;

export const droppedSchema = z.strictObject({ by: text, at: time, why: text }) satisfies z.ZodType<DroppedApproval>;
export const voidedSchema = z.strictObject({ by: texts, message: text });
export const remindersSchema = z.strictObject({ sent: count, nextAt: time.nullable() }) satisfies z.ZodType<Reminders>;

const preview = z.strictObject({
  at: time,
  digest: text,
  way,
  diff: text,
  today: identity.nullable(),
  base: identity.nullable(),
  leases: z.array(otherLease),
  afterwards: identity,
  rights: z.array(z.strictObject({ group: text, role: text, where: text, allows: text })).nullable(),
  warnings: texts,
  seal: text,
});

const emergency = z.strictObject({
  // An unreadable time counts as void, like a review in the future: a new review is due.
  review: z.strictObject({ by: text, at: text, seal: text }).nullable(),
  remindAt: time,
  reminders: count,
  as: text.nullable(),
});

const share = z.strictObject({
  id: text,
  groups: texts,
  endsAt: time,
  level: text,
  requester: text,
  emergency: z.boolean(),
  approvers: texts,
});

const proof = z.strictObject({
  at: time,
  mapped: finding,
  authorized: finding,
  reviewedAs: identity.nullable(),
  entryArn: text.nullable(),
  signedIn: finding,
  auditIds: texts,
});

const endProof = z.strictObject({
  at: time,
  mapped: finding,
  authorized: finding,
  reviewedAs: identity,
  others: texts,
  trouble: troubleSchema.nullable(),
});

const leaseFields = z.strictObject({
  endsAt: time,
  writeBegan: time.nullable(),
  sentAgainAt: time.nullable(),
  activeSince: time.nullable(),
  proof: proof.nullable(),
  signInDueAt: time.nullable(),
  signInTrouble: troubleSchema.nullable(),
  reviewTrouble: troubleSchema.nullable(),
  written: z.strictObject({ entryAdded: z.boolean(), added: texts, way, share, seal: text }).nullable(),
  drift: z.strictObject({ at: time, message: text }).nullable(),
  warnAt: time.nullable(),
  warnedAt: time.nullable(),
  end: z
    .strictObject({
      cause: z.enum(["expired", "revoked", "replayed", "cluster-gone"]),
      by: text,
      at: time,
      why: text,
    })
    .nullable(),
  voidSince: time.nullable(),
  isForgotten: z.boolean(),
  endProof: endProof.nullable(),
  remains: identity.nullable(),
}) satisfies z.ZodType<LeaseFields>;

const neither = { endedAt: z.null(), failure: z.null() } as const;
const lease = z.discriminatedUnion("state", [
  leaseFields.extend({ state: z.literal("scheduled"), ...neither }),
  leaseFields.extend({ state: z.literal("active"), ...neither, activeSince: time }),
  leaseFields.extend({ state: z.literal("ended"), ...neither, endedAt: time }),
  leaseFields.extend({ state: z.literal("failed"), ...neither, failure: codedReasonSchema }),
]) satisfies z.ZodType<Lease>;

const requestFields = z.strictObject({
  id: text,
  version: z.int().positive(),
  requester: text,
  askedBy: text.nullable(),
  standing,
  cluster: text,
  level: text,
  principal: text,
  groups: texts,
  durationSeconds: z.number().positive(),
  ...typedFieldsSchema,
  createdAt: time,
  lapsesAt: time,
  until: time.nullable(),
  extends: text.nullable(),
  preview: preview.nullable(),
  reminders: remindersSchema.nullable(),
  approvals: z.array(decisionSchema),
  dropped: z.array(droppedSchema),
  approvalsWanted: count,
  trouble: troubleSchema.nullable(),
  voided: voidedSchema.nullable(),
}) satisfies z.ZodType<RequestFields>;

const nothing = { lease: z.null(), emergency: z.null(), denial: z.null(), refusal: z.null() } as const;

export const accessRequestSchema = z.discriminatedUnion("state", [
  requestFields.extend({ state: z.literal("pending"), ...nothing }),
  requestFields.extend({
    state: z.literal("approved"),
    ...nothing,
    approvals: z.array(decisionSchema).min(1),
    lease,
    emergency: emergency.nullable(),
  }),
  requestFields.extend({ state: z.literal("denied"), ...nothing, denial: decisionSchema }),
  requestFields.extend({ state: z.enum(["cancelled", "lapsed"]), ...nothing }),
  requestFields.extend({ state: z.literal("refused"), ...nothing, refusal: codedReasonSchema }),
]) satisfies z.ZodType<AccessRequest>;
