import { z } from "zod";

export type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Immutable<T[Name]> }
    : T;

/** `permanent` is a lease of a hundred years. It has a sealed end like any other, so no code needs leases without an end. */
export const permanentSeconds = 100 * 365 * 86_400;

/** Whether people call it permanent. A lease rebuilt from its cluster is a little shorter. */
export function isPermanent(seconds: number): boolean {
  return seconds >= permanentSeconds / 2;
}

/** Parts of the forms in which records are stored. The objects are strict: we never write unknown fields. */
export const textForm = z.string();
const fewItems = 20;

/** Of many items it names the first bad one: zod keeps each problem, so that 400 KB in Redis would end the process. */
function firstProblemOf<Form extends z.ZodType, All extends z.ZodType>(form: Form, all: All) {
  const check = (items: unknown, { issues }: z.core.$RefinementCtx) => {
    const some = typeof items === "object" && items !== null ? items : {};
    const found: [PropertyKey, unknown][] = Array.isArray(some) ? [...some.entries()] : Object.entries(some);
    for (const [name, input] of found.length > fewItems ? found : []) {
      const [problem] = form.safeParse(input).error?.issues ?? [];
      if (!problem) continue;
      issues.push({ ...problem, input, path: [name, ...problem.path] } as (typeof issues)[number]);
      return z.NEVER;
    }
    return items;
  };
  return z.preprocess(check, all);
}
export const itemsForm = <Form extends z.ZodType>(form: Form, list = z.array(form)) => firstProblemOf(form, list);
export const mapForm = <Form extends z.ZodType>(form: Form) => firstProblemOf(form, z.record(z.string(), form));
export const textsForm = itemsForm(textForm);
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

/** One lease's share of an entry, with all that can rebuild the lease after a loss of the ledger. */
export type Share = Immutable<z.output<typeof shareForm>>;
export const shareForm = z.strictObject({
  id: textForm,
  groups: textsForm,
  endsAt: timeForm,
  level: textForm,
  requester: textForm,
  /** The person who asked for the requester; absent: the requester. */
  askedBy: textForm.optional(),
  emergency: z.boolean(),
  approvers: textsForm,
});

/** People can strip the cluster's own memory, so a repair or removal trusts nothing else. */
export type WrittenShare = Immutable<z.output<typeof writtenForm>>;
const writtenForm = z.strictObject({
  entryAdded: z.boolean(),
  added: textsForm,
  way: wayForm,
  share: shareForm,
  seal: textForm,
});

/** The cluster of a lease, or of a step of a migration that began, by `sealedClusterOf`: the configuration can give its name to another one. */
export type SealedPlace = Immutable<z.output<typeof placeForm>>;
export const placeForm = z.strictObject({ cluster: textForm, seal: textForm });

/** Why and when a lease ends. */
export type LeaseEnd = Immutable<z.output<typeof leaseEndForm>>;
const leaseEndForm = z.strictObject({
  /** `replayed`: an old copy came back after a revocation. `cluster-gone`: an operator closed it. */
  cause: z.enum(["expired", "revoked", "replayed", "cluster-gone"]),
  /** A Slack user id, or `worker`. */
  by: textForm,
  /** The time of the decision; `endedAt` is the time when the access was gone. */
  at: timeForm,
  why: textForm,
});

export type LeaseFields = Immutable<z.output<typeof leaseFields>>;
const leaseFields = z.strictObject({
  /** Counted from the sealed decision: an attacker with Redis can't move it, and an old approval never works after its end. */
  endsAt: timeForm,
  /** Recorded before the first write: a process that dies in between leaves nothing unknown. Null: nothing of it is there. */
  writeBegan: timeForm.nullable(),
  /** Where that write went; null: nothing of it is anywhere. */
  place: placeForm.nullable(),
  /** When a call that gives it was last sent again, and may still arrive: its bindings, or groups that no tag claims; null: never. */
  sentAgainAt: timeForm.nullable(),
  /** When the proof was complete; null before. */
  activeSince: timeForm.nullable(),
  proof: proofForm.nullable(),
  /** When to check whether the principal signed in; null: no sign-in is due. */
  signInDueAt: timeForm.nullable(),
  /** Set during retries of a sign-in without a result. */
  signInTrouble: troubleForm.nullable(),
  /** Set while the API server has not answered about the lease's rights. */
  reviewTrouble: troubleForm.nullable(),
  /** What it added to the cluster; set when it becomes active. */
  written: writtenForm.nullable(),
  /** Set while others' change keeps its part out of the cluster: one clause for people. */
  drift: z.strictObject({ at: timeForm, message: textForm }).nullable(),
  warnAt: timeForm.nullable(),
  warnedAt: timeForm.nullable(),
  /** Set while an active lease waits for its removal. */
  end: leaseEndForm.nullable(),
  /** When its approval became void, while the cluster may have or get a part of it. A void lease sends nothing more. */
  voidSince: timeForm.nullable(),
  /** Whether the cluster could not remember its revocation. */
  isForgotten: z.boolean(),
  /** What was verified after the end; null: nothing, for example because the cluster is gone. */
  endProof: endProofForm.nullable(),
  /** The principal's identity in aws-auth after the end: the base, or that of other leases. */
  remains: identityForm.nullable(),
});

/** The lease of an approved request. Its type by state has exactly the fields that the state needs. */
export type Lease = Immutable<z.output<typeof leaseForm>>;
export type LeaseState = Lease["state"];
const neither = { endedAt: z.null(), failure: z.null() } as const;
export const leaseForm = z.discriminatedUnion("state", [
  leaseFields.extend({ state: z.literal("scheduled"), ...neither }),
  leaseFields.extend({ state: z.literal("active"), ...neither, activeSince: timeForm }),
  leaseFields.extend({ state: z.literal("ended"), ...neither, endedAt: timeForm }),
  leaseFields.extend({ state: z.literal("failed"), ...neither, failure: codedReasonForm }),
]);

/** Our part of one entry of the document: only our additions, so that a removal removes nothing of others. */
export interface Holding {
  readonly arn: string;
  /** Whether we made the entry itself; otherwise we only added groups to others' entry. */
  readonly entryAdded: boolean;
  readonly added: readonly string[];
  readonly shares: readonly Share[];
  /** Of aws-auth: the entry's other groups in our last write. Absent: unknown. */
  readonly beside?: readonly string[];
  /** How many entries that do not count have had exactly these groups since before that write. Absent: none. */
  readonly hidden?: number;
}

/** `groups`: those of its groups that the principal has, or is about to get, sorted. */
export type OtherLease = Immutable<z.output<typeof otherLeaseForm>>;
export const otherLeaseForm = z.strictObject({ id: textForm, groups: textsForm, endsAt: timeForm });

export interface OtherLeasesNow {
  readonly leases: readonly OtherLease[];
  readonly isExtendedLeaseOver: boolean;
  /** Whether one that the approver was shown is revoked, and its part can still be in the cluster. */
  readonly isOneEnding: boolean;
}

export function findingsOf(proof: Proof): readonly { name: string; finding: ProofFinding }[] {
  return [
    { name: "mapped", finding: proof.mapped },
    { name: "authorized", finding: proof.authorized },
    { name: "signed in", finding: proof.signedIn },
  ];
}
