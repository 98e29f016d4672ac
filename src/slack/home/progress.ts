import { formatDuration, isPermanent } from "../../access/request/duration.ts";
import type { AccessRequest } from "../../access/request/record.ts";

const width = 12;

/** How much of a lease is over, as a bar in text, and how much is left: `▓▓▓░░░░░░░░░ 3h left of 4h`. */
export function leaseProgress({ grant, durationSeconds }: AccessRequest, now: Date): string {
  if (isPermanent(durationSeconds)) return "permanent";
  const endsAt = Date.parse(grant?.endsAt ?? "");
  const leftSeconds = Math.min(durationSeconds, Math.max(0, Math.ceil((endsAt - now.getTime()) / 1000)));
  const over = Math.round((1 - leftSeconds / durationSeconds) * width);
  // Seconds are of no use beside hours, and would only look exact.
  const shown = leftSeconds > 3600 ? leftSeconds - (leftSeconds % 60) : leftSeconds;
  return `${"▓".repeat(over)}${"░".repeat(width - over)} ${formatDuration(shown)} left of ${formatDuration(durationSeconds)}`;
}
