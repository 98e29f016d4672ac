/** What people mean by a tab, the likeliest first. */
const WIDTHS = [2, 4, 8];

/** The texts that a section may have been meant to be, with spaces for the tabs that indent its lines or end them. */
export function untab(text: string): string[] {
  return WIDTHS.map((width) =>
    text
      .split("\n")
      .map((line) => untabLine(line, width))
      .join("\n"),
  );
}

function untabLine(line: string, width: number): string {
  const body = line.replace(/[ \t]+(?=\r?$)/, "");
  return body.replace(/^[ \t]*(?:-[ \t]+)?/, (indent) => toStops(indent, width));
}

/** A tab reaches up to the next column that is a multiple of its width. */
function toStops(indent: string, width: number): string {
  let spaced = "";
  for (const letter of indent) spaced += letter === "\t" ? " ".repeat(width - (spaced.length % width)) : letter;
  return spaced;
}
