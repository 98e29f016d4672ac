import type { AccessRequest } from "./record.ts";

/** Fewer answers say nothing about the next one. */
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
