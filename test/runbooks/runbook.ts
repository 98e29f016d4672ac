import { readFileSync } from "node:fs";
import { expect } from "vitest";

const page = readFileSync(new URL("../../docs/runbooks.md", import.meta.url), "utf8");

/** One runbook of docs/runbooks.md: its heading and its text. */
export function runbook(heading: string): string {
  const [, text = ""] = page.split(`\n## ${heading}\n`);
  return text.split("\n## ")[0] ?? "";
}

/** What people see, by the runbook: its quoted lines. `…` stands for what differs from case to case. */
function sentencesOf(heading: string): readonly string[] {
  return [...runbook(heading).matchAll(/^ *> (.+)$/gm)].map(([, sentence = ""]) => sentence);
}

/** Fails for each sentence of the runbook that nobody could read in this play, and where it has none at all. */
export function expectSentences(heading: string, readable: readonly string[]): void {
  const sentences = sentencesOf(heading);
  const isRead = (sentence: string) => {
    const parts = sentence.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = new RegExp(parts.join("[\\s\\S]*?"));
    return readable.some((text) => pattern.test(text));
  };

  expect(sentences.length, `what people see, in "${heading}"`).toBeGreaterThan(0);
  expect(sentences.filter((sentence) => !isRead(sentence))).toEqual([]);
}
