import { z } from "zod";
import {
  codedReasonForm,
  countForm,
  type Immutable,
  identityForm,
  itemsForm,
  leaseForm,
  otherLeaseForm,
  textForm,
  textsForm,
  timeForm,
  troubleForm,
  wayForm,
} from "./lease/lease-record.ts";
import { groupRightForm } from "./policy/rights.ts";
import { requesterFactsForm } from "./policy/rule.ts";

const typedFieldsForm = {
  reason: z.string(),
  ticket: z.string().nullable(),
  /** The namespaces that the requester chose, sorted, with commas; empty: none. */
  namespaces: z.string(),
} as const;

/** Every form, record and event carries all of these fields, and the approval's digest covers them. */
export type TypedFields = {
  readonly [Name in keyof typeof typedFieldsForm]: z.infer<(typeof typedFieldsForm)[Name]>;
};

/** The fields that an emergency and a recovered lease leave empty. */
export const emptyTypedFields = { ticket: null, namespaces: "" } as const satisfies Partial<TypedFields>;

export function typedFieldsOf({ reason, ticket, namespaces }: TypedFields): TypedFields {
  return { reason, ticket, namespaces };
}

export type Preview = Immutable<z.output<typeof previewForm>>;
const previewForm = z.strictObject({
  at: timeForm,
  /** Digest of the change, in the button and in the decision. */
  digest: textForm,
  way: wayForm,
  /** Unified difference of the document or of the access entry, as text. */
  diff: textForm,
  /** The principal's present identity in the cluster; null: it can't sign in through aws-auth. */
  today: identityForm.nullable(),
  base: identityForm.nullable(),
  /** The principal's other leases; the digest covers them. */
  leases: itemsForm(otherLeaseForm),
  afterwards: identityForm,
  /** The rights of the groups by role bindings; null: unreadable. */
  rights: itemsForm(groupRightForm).nullable(),
  warnings: textsForm,
  /** The worker's, over all fields above and the request's id. */
  seal: textForm,
});

export type Decision = Immutable<z.output<typeof decisionForm>>;
export const decisionForm = z.strictObject({
  /** `emergency`: the requester's own declaration, in place of approvals. */
  verdict: z.enum(["approved", "denied", "emergency"]),
  by: textForm,
  /** An unreadable time counts as void, like a future date: a run reports it. */
  at: textForm,
  digest: textForm,
  why: textForm,
  /** The approver's user groups in the policy, by Slack at that moment. The worker can't ask Slack, so it uses these and `requester`. */
  memberships: textsForm,
  /** The requester's facts at that moment; null: nothing depends on it (emergency access, a migration). */
  requester: requesterFactsForm.nullable(),
  /** The ARN that the approver's account was linked with at that moment; null: none, or nothing depends on it. */
  linked: textForm.nullable(),
  /** Of an approval: all counting approvers, confirmed by the Slack process. Empty in a denial and for an emergency. */
  stillApprovers: textsForm,
  /** Signed with the decision key, over all fields above and the request's id: `<key id>.<signature>`. */
  seal: textForm,
});

export type DroppedApproval = Immutable<z.output<typeof droppedForm>>;
const droppedForm = z.strictObject({ by: textForm, at: timeForm, why: textForm });

/** An unreadable time counts as void, like a future one: a new review is due. The seal covers the request's id too. `why`: the finding. */
export type Review = Immutable<z.output<typeof reviewForm>>;
const reviewForm = z.strictObject({ by: textForm, at: textForm, why: textForm.optional(), seal: textForm });

export type Emergency = Immutable<z.output<typeof emergencyForm>>;
const emergencyForm = z.strictObject({
  review: reviewForm.nullable(),
  remindAt: timeForm,
  reminders: countForm,
  /** The ARNs of the people who ran a rescue, by AWS: they gave their Slack id themselves. Empty: no rescue. */
  as: textsForm,
});

/** The reminders to the approvers of a pending request or migration: how many were sent, and the next one. */
export type Reminders = Immutable<z.output<typeof remindersForm>>;
export const remindersForm = z.strictObject({ sent: countForm, nextAt: timeForm.nullable() });

/** The form of our request ids. Other ids in Redis can't have been approved, and need no memory. */
export const ownId = /^[\w-]{1,64}$/;

/** The fields of requests and migrations in every state: both have the same life. */
export const recordFields = z.strictObject({
  id: textForm,
  /** Counts the changes, from 1; the ledger compares it before each write. */
  version: z.int().positive(),
  cluster: textForm,
  /** Of a request: the person who gets the lease. */
  requester: textForm,
  createdAt: timeForm,
  /** After this time no approval is possible. */
  expiresAt: timeForm,
  reminders: remindersForm.nullable(),
  /** The sealed approvals, of different people, oldest first. */
  approvals: itemsForm(decisionForm),
  /** Approvals of people who are no longer approvers: they do not count. */
  dropped: itemsForm(droppedForm),
  /** Why the earlier approvals of these people became void. */
  voided: z.strictObject({ by: textsForm, message: textForm }).nullable(),
  trouble: troubleForm.nullable(),
});

export type RequestFields = Immutable<z.output<typeof requestFields>>;
const requestFields = recordFields.extend({
  /** The person who asked for the requester; null: the requester. */
  askedBy: textForm.nullable(),
  requesterFacts: requesterFactsForm,
  level: textForm,
  /** ARN as in the document. */
  principal: textForm,
  /** The level's groups and access policies when the request was made. */
  groups: textsForm,
  durationSeconds: z.number().positive(),
  ...typedFieldsForm,
  /** The end of an extension. Null: the lease counts from the last approval. */
  until: timeForm.nullable(),
  /** The id of the request to extend; null: no extension. */
  extends: textForm.nullable(),
  /** Null: the worker has yet to look, for the first time or again. Always null for an emergency. */
  preview: previewForm.nullable(),
  /** How many approvals it needs, for messages: the worker asks the policy again before it writes. */
  approvalsWanted: countForm,
});

const nothing = { lease: z.null(), emergency: z.null(), denial: z.null(), refusal: z.null() } as const;

export const accessRequestForm = z.discriminatedUnion("state", [
  requestFields.extend({ state: z.literal("pending"), ...nothing }),
  requestFields.extend({
    state: z.literal("approved"),
    ...nothing,
    approvals: itemsForm(decisionForm, z.array(decisionForm).min(1)),
    lease: leaseForm,
    emergency: emergencyForm.nullable(),
  }),
  requestFields.extend({ state: z.literal("denied"), ...nothing, denial: decisionForm }),
  requestFields.extend({ state: z.enum(["cancelled", "expired"]), ...nothing }),
  requestFields.extend({ state: z.literal("refused"), ...nothing, refusal: codedReasonForm }),
]);

/** One record of the ledger: a person's request, the decisions about it, and its lease. */
export type AccessRequest = Immutable<z.output<typeof accessRequestForm>>;

export type RequestState = AccessRequest["state"];

type RequestIn<State extends RequestState> = Extract<AccessRequest, { readonly state: State }>;

/** Waits for the worker's preview, then for a decision. */
export type PendingRequest = RequestIn<"pending">;

export type ApprovedRequest = RequestIn<"approved">;

/** Got its lease by an emergency, without an approval. */
export type EmergencyRequest = ApprovedRequest & { readonly emergency: Emergency };

export type DeniedRequest = RequestIn<"denied">;

/** Cancelled by the requester or the person who asked for them, or not decided in time. */
export type UndecidedRequest = Extract<AccessRequest, { readonly state: "cancelled" | "expired" }>;

/** The policy, the plan or the cluster refused it before an approver decided. */
export type RefusedRequest = RequestIn<"refused">;

export interface Asked {
  readonly requester: string;
  /** Slack user id of the person who asked for them, at first. Null or absent: the requester asked. */
  readonly askedBy?: string | null;
  readonly extends?: string | null;
}

/** The person who asked: limits count for them. Only the requester extends a lease, also one that another person asked for. */
export function askerOf({ requester, askedBy, extends: extended }: Asked): string {
  return extended ? requester : (askedBy ?? requester);
}

/** The person who gets the access, and the one who asked for it: both can see and end it, and neither can decide about it. */
export function peopleOf({ requester, askedBy }: Asked): readonly string[] {
  return askedBy ? [requester, askedBy] : [requester];
}

/** @param otherIds of this person: a request can be older than the id of their organization */
export function isTheirs(asked: Asked, user: string, otherIds: readonly string[] = []): boolean {
  return peopleOf(asked).some((each) => each === user || otherIds.includes(each));
}
