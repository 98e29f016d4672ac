import { z } from "zod";
import { type Immutable, textForm, textsForm, timeForm } from "./lease/lease-record.ts";
import type { DecisionKeys, Json, PreviewKeys, SlackKeys } from "./seal.ts";

/** News for the operators' channel. */
export type Notice = Omit<SealedNotice, "seal">;
export type SealedNotice = Immutable<z.output<typeof noticeForm>>;
const noticeForm = z.strictObject({
  /** The same notice of several processes has one id. */
  id: textForm,
  at: timeForm,
  title: textForm,
  /** Sentences, or parts of a list. */
  lines: textsForm,
  seal: textForm,
});

/** Each process has its key for it: an attacker with Redis must not speak to the operators. */
export function sealNotice(notice: Notice, keys: PreviewKeys | DecisionKeys): SealedNotice {
  return { ...notice, seal: keys.seal("notice", notice as unknown as Json) };
}

/** A notice from Redis; null: none of our processes sealed it. */
export function readNotice(stored: unknown, keys: SlackKeys): Notice | null {
  const read = noticeForm.safeParse(stored);
  if (!read.success) return null;
  const { seal, ...notice } = read.data;
  const value = notice as unknown as Json;
  return keys.preview.isSealed("notice", value, seal) || keys.decision.isSealed("notice", value, seal) ? notice : null;
}
