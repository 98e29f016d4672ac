import { z } from "zod";

const texts = z.array(z.string());

/** What a worker plans for the move of a cluster to access entries, bounded so that an answer can hold it. */
export const migrationReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("planned"),
    mode: z.string(),
    items: z.array(
      z.object({
        place: z.string(),
        arn: z.string(),
        fate: z.enum(["moves", "stands", "nodes", "creator", "waits", "stays", "dead"]),
        sentences: texts,
      }),
    ),
    steps: z.array(z.object({ name: z.string().default(""), does: z.string(), proof: z.string(), undo: z.string() })),
    keptBecause: z.string().nullable(),
    before: texts,
    digest: z.string(),
  }),
  /** There is nothing to plan, or it must not be: why, in a sentence. */
  z.object({ type: z.literal("refused"), message: z.string() }),
  /** The cluster could not be looked at: what, where and how to mend it, in one sentence. */
  z.object({ type: z.literal("failed"), message: z.string() }),
]);
export type MigrationReport = z.infer<typeof migrationReport>;
