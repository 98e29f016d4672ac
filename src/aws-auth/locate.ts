import type { ConfigMapFile } from "./config-map-file.ts";
import { LINE_BREAK } from "./go-yaml/characters.ts";

export interface FilePlace {
  line: number;
  column: number;
}

/**
 * Makes a function from places in a section's text to places in the file; all count from 1. Exact for a literal block
 * (`|`). A text that is quoted or folded has other lines than the file, so there it is the start of the text.
 */
export function locator(
  file: ConfigMapFile,
): (section: string, line: number | null, column: number | null) => FilePlace {
  const fileLines = file.text.split(LINE_BREAK);
  const sectionLines = new Map<string, string[]>();
  return (section, line, column) => {
    const node = file.nodes.get(section);
    if (node === undefined) return keyPlace(fileLines, section);
    const start = { line: file.line + node.start.line + 1, column: node.start.column + 1 };
    if (node.style !== "literal" || line === null) return start;
    const lines = sectionLines.get(section) ?? node.value.split(LINE_BREAK);
    sectionLines.set(section, lines);
    const indent = (fileLines[start.line + line - 1]?.length ?? 0) - (lines[line - 1]?.length ?? 0);
    return { line: start.line + line, column: Math.max(indent, 0) + (column ?? 1) };
  };
}

/** Where a key is first named in a file whose structure is not known. */
function keyPlace(lines: readonly string[], key: string): FilePlace {
  const line = lines.findIndex((text) => text.includes(`"${key}"`) || text.includes(`${key}:`));
  if (line < 0) return { line: 1, column: 1 };
  return { line: line + 1, column: (lines[line]?.indexOf(key) ?? 0) + 1 };
}
