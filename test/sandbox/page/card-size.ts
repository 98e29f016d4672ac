import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { blocks as blocksOf } from "../../../sandbox/page/conversation.ts";
import { inputsOf } from "../../../sandbox/slack/inputs.ts";
import { storedBlocks } from "../../../sandbox/slack/message-content.ts";
import type { Message } from "../../../src/slack/show/message.ts";
import { aReader, aSurface, engineer } from "./a-reader.ts";

export interface Size {
  /** Lines of text, as the browser breaks them. */
  readonly text: number;
  /** The same, and the rows of buttons. */
  readonly all: number;
}

/** In the browser: the size of a message's body. Code and text of one line differ by a few pixels, two lines by some twenty. */
const sizeOfBody = `(body) => {
  const linesOf = (part) => {
    const bottoms = [];
    const range = document.createRange();
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      if (!node.textContent.trim()) continue;
      range.selectNodeContents(node);
      for (const { bottom } of range.getClientRects()) bottoms.push(bottom);
    }
    return bottoms.sort((a, b) => a - b).filter((each, at, all) => at === 0 || each - all[at - 1] > 9).length;
  };
  const sum = (parts) => [...parts].map(linesOf).reduce((before, each) => before + each, 0);
  const text = sum(body.querySelectorAll(".block:not(.actions)"));
  return { text, all: text + sum(body.querySelectorAll(".block.actions")) };
}`;

/** What a card takes in the page as it is now. */
export async function sizeOf(page: Page, shown: Locator): Promise<Size> {
  const id = await shown.getAttribute("id");
  return page.evaluate<Size>(`(${sizeOfBody})(document.querySelector("#${id} .body"))`);
}

/** People with names of twelve letters. */
const alexandra = { ...engineer, name: "alexandra.sm" };
const people = ["ENGINEER", "APPROVER", "APPROVER2", "APPROVER3", "ONCALL", "ONCALL2", "LEAD"].map((id) => ({
  ...alexandra,
  id: `U0${id}`,
}));

function markupOf({ blocks }: Message): string {
  const list = storedBlocks(blocks);
  const shown = blocksOf(list, aSurface({ reader: aReader({ user: alexandra, people }), inputs: inputsOf(list) }));
  return shown.map(({ markup }) => markup).join("");
}

/** The cards with more lines than that, where the page shows its messages. */
export async function longerCards(
  page: Page,
  most: number,
  part: keyof Size,
  cards: Readonly<Record<string, Message>>,
): Promise<readonly (readonly [name: string, lines: number])[]> {
  const markups = Object.entries(cards).map(([name, card]) => [name, markupOf(card)]);
  const sizes = await page.evaluate<[string, Size][]>(`(() => {
    const article = document.querySelector("[role=log] article:last-of-type").cloneNode(true);
    document.querySelector("[role=log]").append(article);
    const body = article.querySelector(".body");
    const sizes = ${JSON.stringify(markups)}.map(([name, markup]) => {
      body.innerHTML = markup;
      return [name, (${sizeOfBody})(body)];
    });
    article.remove();
    return sizes;
  })()`);
  // A card that the page does not lay out has none.
  expect(Math.min(...sizes.map(([, { text }]) => text))).toBeGreaterThan(1);
  return sizes.map(([name, size]) => [name, size[part]] as const).filter(([, lines]) => lines > most);
}
