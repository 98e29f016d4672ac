import { z } from "zod";

const severity = z.enum(["error", "warning", "notice"]);

/** What a worker found in the live document, or why it found nothing. */
export const checkReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("checked"),
    counts: z.object({ error: z.number(), warning: z.number(), notice: z.number() }),
    entries: z.number(),
    bytes: z.number(),
    groups: z.array(
      z.object({
        code: z.string(),
        severity,
        count: z.number(),
        places: z.array(z.string()),
        message: z.string(),
        remedy: z.string(),
      }),
    ),
    left: z.number(),
    writers: z.array(z.object({ manager: z.string(), sections: z.array(z.string()) })),
    immutable: z.boolean(),
    /** Somebody has deleted it, and only its finalizers keep it. A worker of before does not say. */
    isBeingDeleted: z.boolean().default(false),
    /** The cluster's mode reads aws-auth. */
    isRead: z.boolean(),
  }),
  z.object({ type: z.literal("absent") }),
  /** The cluster could not be looked at: what, where and how to mend it, in one sentence. */
  z.object({ type: z.literal("failed"), message: z.string() }),
]);
export type CheckReport = z.infer<typeof checkReport>;
