import { mapDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";

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

/** Without a deadline of the product that a busy machine misses: in most tests its services are in the same process. */
export function patiently<T>(act: () => Promise<T>): Promise<T> {
  return withinDeadline(
    "run",
    mapDeadlines(() => 600_000),
    act,
  );
}
