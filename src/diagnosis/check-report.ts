import { z } from "zod";

/** Problems by their kind, those that are left out counted. */
const problems = {
  counts: z.object({ error: z.number(), warning: z.number(), notice: z.number() }),
  groups: z
    .array(
      z.object({
        code: z.string(),
        severity: z.enum(["error", "warning", "notice"]),
        count: z.number(),
        places: z.array(z.string()).readonly(),
        message: z.string(),
        remedy: z.string(),
      }),
    )
    .readonly(),
  left: z.number(),
};

/** What could not be looked at: what, where and how to mend it. */
const failed = z.object({ type: z.literal("failed"), message: z.string() });

const documentReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("checked"),
    ...problems,
    entries: z.number(),
    bytes: z.number(),
    writers: z.array(z.object({ manager: z.string(), sections: z.array(z.string()).readonly() })).readonly(),
    immutable: z.boolean(),
    /** Somebody has deleted it, and only its finalizers keep it. */
    isBeingDeleted: z.boolean(),
  }),
  z.object({ type: z.literal("absent") }),
  failed,
]);
export type DocumentReport = z.infer<typeof documentReport>;

const entriesReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("checked"),
    ...problems,
    listed: z.number(),
    types: z.array(z.object({ type: z.string(), count: z.number() })).readonly(),
    knowsBindings: z.boolean(),
    unread: z.number(),
    /** Why some were not read; null: all were. */
    why: z.string().nullable(),
  }),
  /** The cluster's mode knows none. */
  z.object({ type: z.literal("none") }),
  failed,
]);
export type EntriesReport = z.infer<typeof entriesReport>;

/** What a worker found of who gets in to a cluster, or why it found nothing. Either part may fail without the other. */
export const checkReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("looked"),
    mode: z.enum(["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]),
    document: documentReport,
    entries: entriesReport,
  }),
  failed,
]);
export type CheckReport = z.infer<typeof checkReport>;
