import { z } from "zod";
import { linkNames } from "./link.ts";

/** What a worker found at each link between somebody in Slack and their pods. */
export const chainReport = z.object({
  links: z.array(
    z.object({
      name: z.enum(linkNames),
      result: z.enum(["yes", "no", "not asked"]),
      detail: z.string(),
      mend: z.string().nullable(),
      ms: z.number().nullable(),
    }),
  ),
});
export type ChainReport = z.infer<typeof chainReport>;
