import { type Migration, nextMigration, type PendingMigration } from "./migration.ts";
import type { AccessRequest, PendingRequest, Reminders } from "./record.ts";
import { pendingRequest } from "./request.ts";

/** Plans the reminders, `afterSeconds` after `askedAt`. None comes after the last possible decision. */
export function planReminders(askedAt: Date, expiresAt: string, afterSeconds: readonly number[]): Reminders {
  return { sent: 0, nextAt: nextAfter(askedAt, askedAt, expiresAt, afterSeconds) };
}

/** The request after a due reminder; null: none is due. Several missed reminders become one. */
export function remind(request: AccessRequest, now: Date, afterSeconds: readonly number[]): PendingRequest | null {
  if (request.state !== "pending" || !request.preview) return null;
  const reminders = remindersAfter(request, request.preview.at, now, afterSeconds);
  return reminders && pendingRequest(request, { reminders });
}

export function remindOfMigration(migration: Migration, now: Date, afterSeconds: readonly number[]): Migration | null {
  if (migration.state !== "pending" || !migration.plan) return null;
  const reminders = remindersAfter(migration, migration.plan.at, now, afterSeconds);
  return reminders && nextMigration(migration, { reminders });
}

/** The reminders after one that is due; null: none is due. @param askedAt ISO 8601: when the approvers were asked */
function remindersAfter(
  { expiresAt, reminders }: PendingRequest | PendingMigration,
  askedAt: string,
  now: Date,
  afterSeconds: readonly number[],
): Reminders | null {
  if (!reminders?.nextAt) return null;
  if (now.getTime() < Date.parse(reminders.nextAt) || now.getTime() >= Date.parse(expiresAt)) return null;
  return { sent: reminders.sent + 1, nextAt: nextAfter(new Date(askedAt), now, expiresAt, afterSeconds) };
}

function nextAfter(askedAt: Date, now: Date, expiresAt: string, afterSeconds: readonly number[]): string | null {
  const times = afterSeconds.map((seconds) => askedAt.getTime() + seconds * 1000);
  const next = times.find((time) => time > now.getTime() && time < Date.parse(expiresAt));
  return next === undefined ? null : new Date(next).toISOString();
}

const fewestAnswers = 3;

/** The usual time from a request to its decision, in seconds: the median of these requests. Null: too few were decided. */
export function usualAnswerSeconds(requests: readonly AccessRequest[]): number | null {
  const waits = requests.flatMap(({ createdAt, approvals, denial, emergency, state }) => {
    const last = state === "denied" ? denial : state === "approved" && !emergency ? approvals.at(-1) : null;
    const seconds = (Date.parse(last?.at ?? "") - Date.parse(createdAt)) / 1000;
    return seconds >= 0 ? [seconds] : [];
  });
  if (waits.length < fewestAnswers) return null;
  return waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] ?? null;
}
