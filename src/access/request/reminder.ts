import type { AccessRequest, Reminders } from "./record.ts";
import { waiting } from "./transitions.ts";

/**
 * The reminders of what the approvers are asked about at `askedAt`. `afterSeconds` are counted from then, and
 * grow. None comes when nobody can decide any more.
 */
export function planReminders(askedAt: Date, lapsesAt: string, afterSeconds: readonly number[]): Reminders {
  return { sent: 0, nextAt: nextAfter(askedAt, askedAt, lapsesAt, afterSeconds) };
}

/** The record once a reminder that is due is sent; null: none is. Of several that were missed only one is sent. */
export function remind(request: AccessRequest, now: Date, afterSeconds: readonly number[]): AccessRequest | null {
  if (request.state !== "pending" || !request.preview) return null;
  const reminders = remindersAfter({ ...request, askedAt: request.preview.at }, now, afterSeconds);
  return reminders && waiting(request, { reminders });
}

/** Something that waits for a decision, and since when. */
export interface Waiting {
  /** ISO 8601. */
  readonly askedAt: string;
  /** ISO 8601. */
  readonly lapsesAt: string;
  readonly reminders: Reminders | null;
}

/** The reminders once one that is due is sent; null: none is. */
export function remindersAfter(
  { askedAt, lapsesAt, reminders }: Waiting,
  now: Date,
  afterSeconds: readonly number[],
): Reminders | null {
  if (!reminders?.nextAt) return null;
  if (now.getTime() < Date.parse(reminders.nextAt) || now.getTime() >= Date.parse(lapsesAt)) return null;
  return { sent: reminders.sent + 1, nextAt: nextAfter(new Date(askedAt), now, lapsesAt, afterSeconds) };
}

function nextAfter(askedAt: Date, now: Date, lapsesAt: string, afterSeconds: readonly number[]): string | null {
  const times = afterSeconds.map((seconds) => askedAt.getTime() + seconds * 1000);
  const next = times.find((time) => time > now.getTime() && time < Date.parse(lapsesAt));
  return next === undefined ? null : new Date(next).toISOString();
}
