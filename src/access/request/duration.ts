const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A count and its unit, by its letter or by its name. */
const PIECE = /(\d{1,6})\s*(d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])\s*/y;

/** Reads `90m`, `4h`, `2 hours`, `1h30m`, `2d` as whole seconds, and `permanent`. Null where the text is not a duration above zero. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "permanent") return permanentSeconds;
  let seconds = 0;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < trimmed.length) {
    const [, count, unit = ""] = PIECE.exec(trimmed) ?? [];
    if (count === undefined) return null;
    seconds += Number(count) * (secondsOf[unit.charAt(0)] ?? 0);
  }
  return seconds > 0 ? seconds : null;
}

/**
 * What `permanent` means: a lease of a hundred years. It has an end like any other, which is sealed, written on the cluster
 * and swept, so that nothing has to know of leases without one; and it can be taken away like any other.
 */
export const permanentSeconds = 100 * 365 * 86_400;

/** Whether people call it permanent. One that was rebuilt from its cluster is a little shorter. */
export function isPermanent(seconds: number): boolean {
  return seconds >= permanentSeconds / 2;
}

/** Writes whole seconds as `1d 2h`, `4h`, `1h 30m`, `45s`: only the units that are not zero. */
export function formatDuration(seconds: number): string {
  if (isPermanent(seconds)) return "permanent";
  const parts: string[] = [];
  let rest = seconds;
  for (const unit of ["d", "h", "m", "s"]) {
    const size = secondsOf[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join(" ") || "0s";
}
