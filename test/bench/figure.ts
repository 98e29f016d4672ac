/** One measured number beside what it is to be compared with, from the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** `ms`, `s`, `MB`, `/s`, or a word for what is counted. */
  readonly unit: string;
  readonly reference?: { readonly name: string; readonly value: number } | undefined;
  readonly target?: Target | undefined;
  /** What it is called where it is published; absent: it is not. */
  readonly published?: string | undefined;
}

export interface Target {
  /** For people: `at most 10`. */
  readonly text: string;
  readonly met: boolean;
}

/** How much is run: `small` to try the bench itself. */
export type Scale = "small" | "full";

export function atMost(limit: number, value: number): Target {
  return { text: `at most ${limit}`, met: value <= limit };
}

/** A target that is a part of the reference, for example 1.5 times it. */
export function atMostTimes(factor: number, value: number, reference: number): Target {
  return { text: `at most ${factor} × the reference`, met: value <= factor * reference };
}

export function atLeastTimes(factor: number, value: number, reference: number): Target {
  return { text: `at least ${factor} × the reference`, met: value >= factor * reference };
}
