import { blockEntry, DEFAULT_STYLE, type NewEntry } from "./entry-style.ts";
import { quote, readQuoted } from "./quote.ts";
import { editLines, insertLines, lineBreakOf } from "./text-edit.ts";

/** What stands before the text that a section had, in quotes, when its first entry took the place of that. */
const NOTE = "# Empty before: ";
const NOTE_ALONE = /^# Empty before: (".*")[\r\n]*$/;

/**
 * The texts that a section without entries may have when it gets some. What it held is kept, or noted, so that taking
 * the entries away gives it back.
 */
export function fillSection(text: string | null, added: readonly NewEntry[]): (string | null)[] {
  if (text === null) return [blockEntries(added, DEFAULT_STYLE.lineBreak).join("")];
  const lineBreak = lineBreakOf(text);
  const entries = blockEntries(added, lineBreak);
  const noted = `${NOTE}${quote(text)}${lineBreak}${entries.join("")}`;
  if (text === "") return [noted];
  const lines = entries.join("").slice(0, -lineBreak.length);
  const below = editLines(text, (whole) => [insertLines(whole.length, lines, lineBreak)]);
  return [below, noted];
}

function blockEntries(added: readonly NewEntry[], lineBreak: string): string[] {
  return added.map((entry) => blockEntry(entry, { ...DEFAULT_STYLE, lineBreak }) + lineBreak);
}

/** What a text means from which entries were taken: nothing at all is no section; our note says what there was. */
export function restoreEmpty(text: string): string | null {
  if (text === "") return null;
  const [, quoted = ""] = NOTE_ALONE.exec(text) ?? [];
  return readQuoted(quoted) ?? text;
}
