import type { Figure } from "./figure.ts";
import { amountOf } from "./table.ts";

/** What users of such a tool want to know of it, as a table of Markdown for the README. */
export function summaryOf(figures: readonly Figure[]): string {
  const rows = figures.flatMap((figure) =>
    figure.published === undefined ? [] : [`| ${figure.published} | ${amountOf(figure.value, figure.unit)} |`],
  );
  return ["| what | measured |", "| --- | --- |", ...rows].join("\n");
}
