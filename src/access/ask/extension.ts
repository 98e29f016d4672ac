import { isPermanent } from "../lease/lease-record.ts";
import type { Level } from "../policy/cluster.ts";
import type { AccessRequest } from "../record.ts";
import { formatDuration } from "./duration.ts";

export type ExtensionReading =
  /** `durationSeconds`: from now to the end, which the policy limits. */
  | { readonly type: "extension"; readonly until: string; readonly durationSeconds: number }
  | { readonly type: "refused"; readonly message: string };

export interface Extension {
  readonly of: string;
  readonly until: string;
  /** Who asked for the lease, if another person: they don't approve its extension, and its ARN can be theirs. */
  readonly askedBy: string | null;
}

/** One choice of the form: so much longer, and the new end (ISO 8601). */
export type ExtensionChoice = { readonly bySeconds: number; readonly until: string };

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [30 * minute, hour, 2 * hour, 4 * hour, 8 * hour, 12 * hour, day, 2 * day, 3 * day, 7 * day] as const;
const shortSteps = [5 * minute, 10 * minute, 15 * minute] as const;

/** Ends `bySeconds` after the present end, whenever it is approved, within the level's maximum. */
export function readExtension(request: AccessRequest, level: Level, bySeconds: number, now: Date): ExtensionReading {
  const { lease } = request;
  if (lease?.state !== "active" || lease.end) {
    return { type: "refused", message: `${request.id} is not active. Request access again.` };
  }
  if (isPermanent(request.durationSeconds)) {
    return { type: "refused", message: `${request.id} is permanent.` };
  }
  const endsAt = Date.parse(lease.endsAt);
  if (bySeconds <= roomIn(level, endsAt, now)) {
    const until = endsAt + bySeconds * 1000;
    const durationSeconds = Math.ceil((until - now.getTime()) / 1000);
    return { type: "extension", until: new Date(until).toISOString(), durationSeconds };
  }
  const longest = formatDuration(level.maxDurationSeconds);
  const message = `${level.name} lasts at most ${longest} at a time. Extend \`${request.id}\` ${mostNow(level, endsAt, now)}.`;
  return { type: "refused", message };
}

/** The choices of the form: round times, each with its end. Empty: there is no room yet, or no active lease. */
export function extensionChoices({ lease }: AccessRequest, level: Level, now: Date): readonly ExtensionChoice[] {
  const endsAt = lease?.state === "active" && !lease.end ? Date.parse(lease.endsAt) : Number.NaN;
  const room = roomIn(level, endsAt, now);
  const fitting = (all: readonly number[]) => all.filter((step) => step <= room);
  const offered = fitting(steps).length > 0 ? fitting(steps) : fitting(shortSteps);
  return offered.map((bySeconds) => ({ bySeconds, until: new Date(endsAt + bySeconds * 1000).toISOString() }));
}

/** By how many seconds a lease with this end can be extended now. */
function roomIn({ maxDurationSeconds }: Level, endsAt: number, now: Date): number {
  const leftSeconds = Math.max(0, Math.ceil((endsAt - now.getTime()) / 1000));
  return maxDurationSeconds - leftSeconds;
}

function mostNow(level: Level, endsAt: number, now: Date): string {
  const room = roomIn(level, endsAt, now);
  const [shortest] = shortSteps;
  if (room >= shortest) return `by at most ${formatDuration(Math.floor(room / minute) * minute)} now`;
  const from = endsAt - Math.max(0, level.maxDurationSeconds - shortest) * 1000;
  return `from ${new Date(from).toISOString()} on`;
}
