const start = Date.parse("2026-03-01T09:00:00.000Z");

/** The time so many seconds after the story's start. */
export function at(seconds: number): Date {
  return new Date(start + seconds * 1000);
}

export function minutes(count: number): number {
  return count * 60;
}

export function hours(count: number): number {
  return count * 3600;
}
