import { z } from "zod";
import { causeCodes } from "./cause.ts";

const offer = z.object({ type: z.enum(["ask-again", "extend"]), request: z.string() });
const cause = z.object({
  code: z.enum(causeCodes),
  message: z.string(),
  remedy: z.string(),
  offer: offer.nullable(),
});

/** Why somebody can't get in, or why that could not be found out. */
export const whyReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("diagnosis"),
    principal: z.string().nullable(),
    noticed: z.string().nullable(),
    identity: z.object({ username: z.string(), groups: z.array(z.string()) }).nullable(),
    symptom: z.enum(["unauthorized", "forbidden", "none", "random", "unknown"]),
    causes: z.array(cause),
  }),
  /** The cluster could not be looked at: what, where and how to mend it, in one sentence. */
  z.object({ type: z.literal("failed"), message: z.string() }),
]);
export type WhyReport = z.infer<typeof whyReport>;
