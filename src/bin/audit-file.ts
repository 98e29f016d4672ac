import { z } from "zod";
import type { ChainedEvent } from "../access/audit/event.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const event = z.looseObject({ type: z.string(), at: z.string(), actor: z.string(), request: z.string() });
const line = z.object({ sequence: z.int().min(1), event, previous: hash, hash });
const cloudEvent = z.object({
  specversion: z.literal("1.0"),
  sequence: z.string().regex(/^\d{1,15}$/),
  data: event,
  chainprevious: hash,
  chainhash: hash,
});

/** Of the newest form of an event only its being there is asked: the chain is over whatever it holds. */
export type ExportReading =
  | { readonly type: "events"; readonly events: readonly ChainedEvent<object>[] }
  | { readonly type: "unusable"; readonly message: string };

/** Reads what `audit export` printed, in either format. */
export function readExport(text: string): ExportReading {
  const events: ChainedEvent<object>[] = [];
  for (const [index, each] of text.split("\n").entries()) {
    if (each.trim() === "") continue;
    const event = readLine(each);
    if (!event) return { type: "unusable", message: `Line ${index + 1} is no event of an export of eks-access.` };
    events.push(event);
  }
  return { type: "events", events };
}

function readLine(text: string): ChainedEvent<object> | null {
  const value = parse(text);
  const own = line.safeParse(value);
  if (own.success) return own.data;
  const foreign = cloudEvent.safeParse(value);
  if (!foreign.success) return null;
  const { sequence, data, chainprevious, chainhash } = foreign.data;
  return { sequence: Number(sequence), event: data, previous: chainprevious, hash: chainhash };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
