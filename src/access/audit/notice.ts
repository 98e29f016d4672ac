import { z } from "zod";
import type { DecisionKeys, PreviewKeys, SlackKeys } from "../approval/seal.ts";
import type { Json } from "./event.ts";

/** What the operators have to know, for their channel. */
export interface Notice {
  /** The same notice of several processes has one id. */
  readonly id: string;
  readonly at: string;
  readonly title: string;
  /** Sentences, or parts of a list. */
  readonly lines: readonly string[];
}

export interface SealedNotice extends Notice {
  readonly seal: string;
}

const sealedNotice = z.strictObject({
  id: z.string(),
  at: z.iso.datetime(),
  title: z.string(),
  lines: z.array(z.string()),
  seal: z.string(),
}) satisfies z.ZodType<SealedNotice>;

/** Both processes have a key for it: an attacker with Redis must not speak to the operators. */
export function sealNotice(notice: Notice, keys: PreviewKeys | DecisionKeys): SealedNotice {
  return { ...notice, seal: keys.seal("notice", notice as unknown as Json) };
}

/** A notice out of Redis; null: none of our processes sealed it. */
export function readNotice(stored: unknown, keys: SlackKeys): Notice | null {
  const read = sealedNotice.safeParse(stored);
  if (!read.success) return null;
  const { seal, ...notice } = read.data;
  const value = notice as unknown as Json;
  return keys.preview.isSealed("notice", value, seal) || keys.decision.isSealed("notice", value, seal) ? notice : null;
}
