import { createTwoFilesPatch, FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";

/** More differences than this are shown as one block: the shortest script takes long and helps nobody. */
const maxEditLength = 1000;

/** A unified diff of two texts, as `diff -u` writes it; empty where they are the same. Null stands for no such text. */
export function unifiedDiff(name: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const names = [before === null ? "/dev/null" : `a/${name}`, after === null ? "/dev/null" : `b/${name}`] as const;
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY, maxEditLength };
  const texts = [before ?? "", after ?? ""] as const;
  return createTwoFilesPatch(...names, ...texts, undefined, undefined, options) ?? asOneBlock(names, texts);
}

function asOneBlock(names: readonly [string, string], [before, after]: readonly [string, string]): string {
  const removed = structuredPatch(...names, before, "").hunks.flatMap(({ lines }) => lines);
  const added = structuredPatch(...names, "", after).hunks.flatMap(({ lines }) => lines);
  const count = (lines: readonly string[]) => lines.filter((line) => !line.startsWith("\\")).length;
  const hunk = { oldStart: 1, oldLines: count(removed), newStart: 1, newLines: count(added) };
  const patch = { ...structuredPatch(...names, "", ""), hunks: [{ ...hunk, lines: [...removed, ...added] }] };
  return formatPatch(patch, FILE_HEADERS_ONLY);
}
