import type { Figure } from "./figure.ts";

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
