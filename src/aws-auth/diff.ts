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
  if (text === "") return [];
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  return last === "" ? lines : [...lines, `${last}\n\\ No newline at end of file`];
}

function hunksOf(lines: readonly DiffLine[]): DiffLine[][] {
  const hunks: DiffLine[][] = [];
  let end = -1;
  for (const [index, line] of lines.entries()) {
    if (line.sign === " ") continue;
    const start = Math.max(index - CONTEXT, 0);
    if (start > end || hunks.length === 0) hunks.push(lines.slice(start, index));
    else hunks.at(-1)?.push(...lines.slice(end, index));
    hunks.at(-1)?.push(line);
    end = index + 1;
    let context = 0;
    while (context < CONTEXT && lines[end]?.sign === " ") {
      hunks.at(-1)?.push(...lines.slice(end, end + 1));
      context += 1;
      end += 1;
    }
  }
  return hunks;
}

function hunkText(hunk: readonly DiffLine[]): string[] {
  const first = hunk[0];
  const old = hunk.filter((line) => line.sign !== "+").length;
  const now = hunk.filter((line) => line.sign !== "-").length;
  const from = (index: number, count: number) => (count === 0 ? index : index + 1);
  const header = `@@ -${from(first?.old ?? 0, old)},${old} +${from(first?.now ?? 0, now)},${now} @@`;
  return [header, ...hunk.map((line) => line.sign + line.text)];
}
