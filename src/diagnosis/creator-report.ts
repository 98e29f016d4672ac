import { z } from "zod";

/** A CreationRecord as it comes back from a queue or from Redis. */
export const creationRecord = z.object({
  eventId: z.string(),
  at: z.string(),
  kind: z.string(),
  arn: z.string().nullable(),
  invokedBy: z.string().nullable(),
});

/** What a worker found out about who created a cluster. */
export const creatorReport = z.object({
  becomes: z.object({
    /** Whether the worker could become the creator just now. */
    ok: z.boolean(),
    /** Why it could not, or why the cluster can't be used all the same, in one sentence; empty: all is well. */
    message: z.string(),
    /** Whom it became. */
    arn: z.string().nullable(),
    /** Whether EKS said to the creator that there is no such cluster in its region. */
    isMissing: z.boolean(),
  }),
  /** What CloudTrail says; null where it has no record of the last 90 days, and the ledger remembers none. */
  record: creationRecord.nullable(),
  /** Whether the record is what the ledger remembers, and CloudTrail itself has it no more. */
  isRemembered: z.boolean(),
  /** Why CloudTrail could not be asked; null where it could. */
  trouble: z.string().nullable(),
});
export type CreatorReport = z.infer<typeof creatorReport>;
