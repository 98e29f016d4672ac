import { z } from "zod";

/** The most paths of roles that can be told. */
export const mostArns = 50;

const decideValue = z.strictObject({ migration: z.string().max(200), digest: z.string().max(64) });
const askValue = z.strictObject({ cluster: z.string().max(200), told: z.array(z.string().max(2048)).max(mostArns) });

/** What a button that decides about a move carries; null: it is none of ours. */
export function readMigrationValue(value: string): z.infer<typeof decideValue> | null {
  return decideValue.safeParse(parsed(value)).data ?? null;
}

/** What the button that asks for a move carries; null: it is none of ours. */
export function readAskValue(value: string): z.infer<typeof askValue> | null {
  return askValue.safeParse(parsed(value)).data ?? null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
