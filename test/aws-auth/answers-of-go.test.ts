import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Section } from "../../src/aws-auth/document.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";

interface Answer {
  section: Section;
  text: string;
  /** Null for mapAccounts, of which a part may stay in force after an error. */
  readable: boolean | null;
  entries: readonly (readonly [arn: string, username: string, groups: readonly string[]])[];
}

/** Texts and what sigs.k8s.io/yaml with encoding/json (go-yaml v2 alone for mapAccounts) made of them. */
const answers = JSON.parse(
  readFileSync(new URL("../fixtures/aws-auth/answers-of-go.json", import.meta.url), "utf8"),
) as Answer[];

it.each(answers)("Go and we agree on $section: $text", ({ section, text, readable, entries }) => {
  const document = parseDocument({ [section]: text });

  const read = document.entries.map(({ arn, username, groups }) => [arn, username, groups]);
  expect(read).toEqual(entries);
  if (readable !== null) expect(document.sections[section].state !== "unreadable").toBe(readable);
});
