import type { KnownBlock } from "@slack/types";

/**
 * What a phone of 390 px shows of blocks: 324 px are left beside the picture. In a wide font a letter of a section takes
 * 8 px on average, and one of a context 7.2 px: states.browser.ts measures it.
 */
const letters = { section: 40, context: 45, button: 40 };

/** A name that people have, in place of an id. */
const shownName = "@alexandra.sm";

/** How many lines a phone shows of blocks. */
export function renderedLines(blocks: readonly KnownBlock[]): number {
  return blocks.reduce((sum, block) => sum + linesOf(block), 0);
}

function linesOf(block: KnownBlock): number {
  if (block.type === "section") {
    const texts = [block.text, ...(block.fields ?? [])].flatMap((each) => each?.text ?? []);
    return texts.reduce((sum, text) => sum + wrapped(text, letters.section), 0);
  }
  if (block.type === "context") {
    const text = block.elements.map((each) => ("text" in each ? each.text : "")).join(" ");
    return wrapped(text, letters.context);
  }
  if (block.type !== "actions") throw new Error(`A card has no ${block.type}.`);
  // A button has 12 px on each side and 8 px beside it, as much as four letters.
  return rowsOf(
    block.elements.map((each) => (each.type === "button" ? each.text.text.length + 4 : letters.button)),
    letters.button,
  );
}

function wrapped(mrkdwn: string, width: number): number {
  const lines = visible(mrkdwn).split("\n");
  return lines.reduce((sum, line) => sum + rowsOf(pieces(line, width), width), 0);
}

/** A phone breaks after a space or a hyphen, and inside a word that is longer than a line. */
function pieces(line: string, width: number): readonly number[] {
  return `${line} `.split(/(?<=[ -])/).flatMap(({ length }) => {
    const whole = Math.floor((length - 1) / width);
    return [...Array.from({ length: whole }, () => width), length - whole * width];
  });
}

function rowsOf(widths: readonly number[], width: number): number {
  let [rows, left] = [1, width + 1];
  for (const each of widths) {
    if (each > left) [rows, left] = [rows + 1, width + 1];
    left -= each;
  }
  return rows;
}

/** As Slack shows it: names, dates in the reader's zone, one sign for an emoji, and no signs of the format. */
function visible(mrkdwn: string): string {
  return mrkdwn
    .replaceAll(/<@\w+>|<!subteam\^\w+>/g, shownName)
    .replaceAll("<!channel>", "@channel")
    .replaceAll(/<!date\^[^>]*>/g, "28 Nov 2026 19:23")
    .replaceAll(/[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{Emoji_Presentation}]/gu, "xx")
    .replaceAll(/:[a-z_]+:/g, "⏳")
    .replaceAll(/[*`]|^>/gm, "")
    .replaceAll(/&(amp|lt|gt);/g, "&");
}
