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

/**
 * The smallest of the values that at least this part of them does not exceed (nearest rank): with 30 values the p99 is
 * the largest one.
 *
 * @param part from 0 to 1
 * @returns NaN where there are no values
 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The figures as a table of Markdown, aligned so that it reads in a terminal too. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    amountOf(figure.value, figure.unit),
    figure.reference ? `${amountOf(figure.reference.value, figure.unit)} (${figure.reference.name})` : "",
    figure.target ? `${figure.target.text}: ${figure.target.met ? "met" : "missed"}` : "",
  ]);
  const head = ["figure", "measured", "reference in the same run", "target"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

export function amountOf(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`.trim();
}

/** What users of such a tool want to know of it, as a table of Markdown for the README. */
export function summaryOf(figures: readonly Figure[]): string {
  const rows = figures.flatMap((figure) =>
    figure.published === undefined ? [] : [`| ${figure.published} | ${amountOf(figure.value, figure.unit)} |`],
  );
  return ["| what | measured |", "| --- | --- |", ...rows].join("\n");
}
