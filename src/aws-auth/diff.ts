import { compareLines, type DiffLine } from "./compare-lines.ts";

/** Lines of context around a change. */
const CONTEXT = 3;

/** A unified diff of two texts, as `diff -u` writes it; empty where they are the same. Null stands for no such text. */
export function unifiedDiff(name: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const lines = compareLines(toLines(before ?? ""), toLines(after ?? ""));
  const header = [
    `--- ${before === null ? "/dev/null" : `a/${name}`}`,
    `+++ ${after === null ? "/dev/null" : `b/${name}`}`,
  ];
  return `${[...header, ...hunksOf(lines).flatMap(hunkText)].join("\n")}\n`;
}

/** Lines without LF; a CR stays and shows. A last line without an LF carries the note that `diff` makes of it. */
function toLines(text: string): string[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return lines.map((line) => (line.endsWith("\n") ? line.slice(0, -1) : `${line}\n\\ No newline at end of file`));
}

type Hunk = [DiffLine, ...DiffLine[]];

/** Changes with the lines around them, and together where those touch. */
function hunksOf(lines: readonly DiffLine[]): Hunk[] {
  const shown = new Set<number>();
  for (const [index, line] of lines.entries()) {
    if (line.sign === " ") continue;
    for (let near = index - CONTEXT; near <= index + CONTEXT; near += 1) shown.add(near);
  }
  const hunks: Hunk[] = [];
  for (const [index, line] of lines.entries()) {
    const last = hunks.at(-1);
    if (!shown.has(index)) continue;
    if (last !== undefined && shown.has(index - 1)) last.push(line);
    else hunks.push([line]);
  }
  return hunks;
}

function hunkText(hunk: Hunk): string[] {
  const [first] = hunk;
  const old = hunk.filter((line) => line.sign !== "+").length;
  const now = hunk.filter((line) => line.sign !== "-").length;
  const from = (index: number, count: number) => (count === 0 ? index : index + 1);
  const header = `@@ -${from(first.old, old)},${old} +${from(first.now, now)},${now} @@`;
  return [header, ...hunk.map((line) => line.sign + line.text)];
}
