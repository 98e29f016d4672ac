import { z } from "zod";

export type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Immutable<T[Name]> }
    : T;

/** Parts of the forms in which records are stored. The objects are strict: we never write unknown fields. */
export const textForm = z.string();
export const textsForm = z.array(textForm);
export const countForm = z.int().nonnegative();
export const timeForm = textForm.refine((value) => !Number.isNaN(Date.parse(value)), { error: "no time" });
export const wayForm = z.enum(["aws-auth", "access-entry", "binding"]);

/** A username and its groups, as aws-auth gives them. */
export type MappedIdentity = Immutable<z.output<typeof identityForm>>;
export const identityForm = z.strictObject({ username: textForm, groups: textsForm });

/** Why something failed, in words for people, and when the next try is. */
export type Trouble = Immutable<z.output<typeof troubleForm>>;
export const troubleForm = z.strictObject({
  code: textForm,
  message: textForm,
  at: timeForm,
  attempts: countForm,
  retryAt: timeForm,
  /** A digest of each cause so far, bounded. */
  causes: textsForm,
});

export type CodedReason = Immutable<z.output<typeof codedReasonForm>>;
export const codedReasonForm = z.strictObject({ code: textForm, message: textForm });

/** One verified fact. `not tested` has its reason, and never counts as a yes. */
export type ProofFinding = Immutable<z.output<typeof findingForm>>;
const findingForm = z.strictObject({ result: z.enum(["yes", "no", "not tested"]), detail: textForm });

export type Proof = Immutable<z.output<typeof proofForm>>;
export const proofForm = z.strictObject({
  at: timeForm,
  /** The document, read back after the write, gives the principal its groups. */
  mapped: findingForm,
  /** The API server allows the level's checks to this username with these groups. */
  authorized: findingForm,
  /** The identity of the review for `authorized`; null: none was sent. */
  reviewedAs: identityForm.nullable(),
  /** The ARN of its access entry, with the path of a role; null: it is in aws-auth, which has no paths. */
  entryArn: textForm.nullable(),
  /** The principal itself signed in and listed pods. */
  signedIn: findingForm,
  auditIds: textsForm,
});

export type EndProof = Immutable<z.output<typeof endProofForm>>;
export const endProofForm = z.strictObject({
  at: timeForm,
  /** Whether the cluster's map or its access entries still map the principal. No: new sign-ins are refused. */
  mapped: findingForm,
  authorized: findingForm,
  reviewedAs: identityForm,
  /** Other leases that still give access, a clause each. */
  others: textsForm,
  /** Set while the API server is asked again; null: it answered, or the tries are over. */
  trouble: troubleForm.nullable(),
});
