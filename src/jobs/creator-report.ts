import { z } from "zod";

/** What a worker found out about who created a cluster. */
export const creatorReport = z.object({
  /** Whether the worker could become the configured creator just now; otherwise why not, in one sentence. */
  becomes: z.object({ ok: z.boolean(), message: z.string() }),
  /** What CloudTrail says; null where it has no record of the last 90 days. */
  record: z
    .object({
      eventId: z.string(),
      at: z.string(),
      kind: z.string(),
      arn: z.string().nullable(),
      invokedBy: z.string().nullable(),
    })
    .nullable(),
  /** Why CloudTrail could not be asked; null where it could. */
  trouble: z.string().nullable(),
});
export type CreatorReport = z.infer<typeof creatorReport>;
