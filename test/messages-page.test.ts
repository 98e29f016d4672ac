import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AccessError, type FailureCode, failureCodes } from "../src/access/access-error.ts";
import { remedyMark, sentencesOf } from "./sentences.ts";
import { fiftyMessages, type Read } from "./slack/fifty-messages.ts";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** The readers of the texts of each folder, or file of it. */
const readers: Readonly<Record<string, readonly string[]>> = {
  Asking: [
    "slack/ask",
    "access/ask/request-line",
    "access/ask/read-part",
    "access/ask/duration",
    "access/ask/extension",
    "access/ask/ticket",
  ],
  "Deciding, revoking, reviewing": ["slack/decide"],
  "Cards, threads, direct messages": ["slack/show"],
  "Help, lists, questions": ["slack/look"],
  "Accounts, links": ["slack/link"],
  "Migrations, repairs": ["slack/migrate", "diagnosis/migration", "worker/migration"],
  "Slack itself": ["slack/app"],
  "Refusals, warnings": ["access", "access-entry", "worker"],
  "`why`, `whoami`, `check`": ["diagnosis"],
  "`aws-auth`": ["aws-auth"],
  "AWS, Kubernetes, Redis": ["aws", "kubernetes", "ledger"],
  Configuration: ["config"],
  Terminal: ["bin"],
  Health: ["operations"],
};

/** Not for people's eyes in this form: libyaml's own words, a file that `init` writes, and the help of metrics and deadlines. */
const foreign = ["aws-auth/go-yaml/", "config/proposed-config.ts"];
const excluded = [...foreign, "operations/metrics.ts", "operations/deadlines.ts", "access/access-error.ts"];

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !excluded.some((start) => path.startsWith(start)))
  .toSorted();

/** The reader of a file is that of the longest name. */
function folderOf(path: string): string {
  const folders = Object.values(readers).flat();
  const own = folders.filter((folder) => path.startsWith(`${folder}/`) || path === `${folder}.ts`);
  return own.toSorted((a, b) => b.length - a.length)[0] ?? path;
}

const groups = Object.entries(readers).map(([reader, folders]) => {
  const own = files.filter((path) => folders.includes(folderOf(path)));
  return { reader, texts: [...new Set(own.flatMap((path) => sentencesOf(join(src, path))))] };
});

const emoji: Readonly<Record<string, string>> = {
  warning: "⚠️",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  no_entry: "⛔",
  rotating_light: "🚨",
  white_check_mark: "✅",
  zzz: "💤",
};

const asEmoji = (text: string) => text.replaceAll(/:([a-z_]+):/g, (code, name: string) => emoji[name] ?? code);

/** As Slack shows it: emoji, names of people, a time of day, fields by their labels, and no escapes. */
function shown(text: string): string {
  return asEmoji(text)
    .replaceAll(/^(?:header|divider)\n/gm, "")
    .replaceAll(/^\["|"\]$/gm, "")
    .replaceAll(/ <\w+_\w+(?:, (optional))?>/g, (_, optional?: string) => `${optional ? " (optional)" : ""}:`)
    .replaceAll(/<(?:@U0|!subteam\^S0)([A-Z0-9]+)>/g, (_, name: string) => `@${name.toLowerCase()}`)
    .replaceAll(/<!date\^[^|]*\|\d{4}-\d\d-\d\d (\d\d:\d\d)[^>]*>/g, "$1")
    .replaceAll(/<!date\^[^|]*\|[^>]* (\d\d:\d\d)Z>/g, "$1")
    .replaceAll(/&(amp|lt|gt);/g, (_, name: "amp" | "lt" | "gt") => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

const examples = Object.entries(fiftyMessages).map(([reader, group]) => ({
  reader,
  messages: Object.values<Read>(group).map(({ when, text }) => ({
    when,
    lines: shown(text()).split("\n"),
  })),
}));

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The name of a request is a value once an example before has it. */
function namedOnce(line: string, before: Set<string>): string {
  return line.replaceAll(/`\w+` on `\w+`(?: \(`r-\d`\))?/g, (name) => {
    const isKnown = before.has(name);
    before.add(name);
    return isKnown ? "…" : name;
  });
}

/** Without the lines that it or an example before it shows already. Of a short line, the line above must be the same, too. */
function linesOnce([first = "", ...lines]: readonly string[], before: Set<string>): readonly string[] {
  const own = lines.filter((line, at) => {
    const shown = wordsIn(line) < 4 ? `${lines[at - 1] ?? first}\n${line}` : line;
    const isNew = !before.has(shown);
    before.add(shown);
    return isNew;
  });
  return [first, ...own].map((line) => namedOnce(line, before));
}

/** A line for each fix, with its failures. */
function fixesOf(codes: readonly FailureCode[]): string[] {
  const fixOf = (code: FailureCode) => new AccessError(code, "").remedy;
  return [...new Set(codes.map(fixOf))].map((fix) => {
    const same = codes.filter((code) => fixOf(code) === fix);
    return `- ${same.map((code) => `\`${code}\``).join(", ")}: ${fix}`;
  });
}

/** As parts of a text: a message, and its remedy. */
const partsOf = (text: string) => text.split(remedyMark).filter((part) => isWhole(part) && !isExample(part));

/** The sentences of each text that stand in none of the fifty, no fix, and no text before it. */
function sentencesOnce() {
  const before = new Set<string>();
  for (const code of failureCodes) newIn(new AccessError(code, "").remedy, before);
  return groups.map(({ reader, texts }) => {
    const alone = texts.filter((text) => !isPartOfLonger(saidIn(text)));
    const rows = alone.map((text) =>
      partsOf(text)
        .map(ended)
        .flatMap((part) => newIn(part, before)),
    );
    return { reader, rows, families: familiesOf(rows.flat()) };
  });
}

function page(): string {
  const linesBefore = new Set<string>();
  return [
    "# Every message",
    "",
    "Made by `npx vitest run test/messages-page.test.ts -u`. … is a value or clause, {this | that} a choice.",
    "Each sentence stands once; titles and buttons only in the fifty.",
    "",
    "## The fifty",
    ...examples.flatMap(({ reader, messages }) => [
      `\n### ${reader}\n`,
      ...messages.map(({ when, lines }) => `**${capital(when)}:**\n\n${quoted(linesOnce(lines, linesBefore))}\n`),
    ]),
    "## Failures and fixes\n",
    ...fixesOf(failureCodes.filter((code) => !new AccessError(code, "").retryable)),
    "\nIf these last:\n",
    ...fixesOf(failureCodes.filter((code) => new AccessError(code, "").retryable)).map((line) =>
      line.replace(/: If this lasts, (.*)/, (_, fix: string) => `: ${capital(fix)}`),
    ),
    ...sections.flatMap(({ reader, rows, families }) => [
      `\n## ${reader}\n`,
      ...rows.flatMap((row) => {
        const told = row.flatMap((sentence) => {
          const family = families.get(sentence);
          return family ? choiceOf(family) + sentence.slice(undotted(sentence).length) : [];
        });
        return told.length === 0 ? [] : [`- ${plain(told.join(" "))}`];
      }),
    ]),
    "",
  ].join("\n");
}

/** Sentences that differ in one place alone: the words before it, those that each has there, and the words after it. */
interface Family {
  readonly start: readonly string[];
  readonly own: readonly (readonly string[])[];
  readonly end: readonly string[];
}

/** By their first sentence. One joins those with which it shares most. */
function familiesOf(sentences: readonly string[]): ReadonlyMap<string, Family> {
  const found = new Map<string, Family>();
  for (const sentence of sentences) {
    const words = undotted(sentence).split(" ");
    const joined = [...found].flatMap(([first, family]) => {
      const both = joinedBy(family, words);
      return both ? [{ first, both }] : [];
    });
    const [best] = joined.toSorted((one, other) => shared(other.both) - shared(one.both));
    found.set(best?.first ?? sentence, best?.both ?? { start: words, own: [[]], end: [] });
  }
  return found;
}

/** Null: it shares less than each has of its own, or the place is at the beginning. */
function joinedBy({ start, own, end }: Family, words: readonly string[]): Family | null {
  const isAlone = own.length === 1;
  const from = sameWords(start, words);
  const rest = words.slice(from).toReversed();
  const to = isAlone ? sameWords(start.slice(from).toReversed(), rest) : sameWords(end.toReversed(), rest);
  if (!isAlone && (from < start.length || to < end.length)) return null;
  const its = (all: readonly string[]) => all.slice(from, all.length - to);
  const all = isAlone ? [its(start), its(words)] : [...own, its(words)];
  const family = { start: start.slice(0, from), own: all, end: words.slice(words.length - to) };
  const isChoice = wordsIn(family.start.join(" ")) > 0 && all.every((each) => each.length > 0);
  const longest = Math.max(...all.map((each) => wordsIn(each.join(" "))));
  return isChoice && shared(family) >= Math.max(sharedAtLeast, longest) ? family : null;
}

const sharedAtLeast = 2;
const shared = ({ start, end }: Family) => wordsIn([...start, ...end].join(" "));
const undotted = (sentence: string) => sentence.replace(/\.$/, "");

function sameWords(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((word, place) => word !== other[place]);
  return at === -1 ? one.length : at;
}

const choiceOf = ({ start, own, end }: Family) =>
  [...start, ...(own.length > 1 ? [`{${own.map((each) => each.join(" ")).join(" | ")}}`] : []), ...end].join(" ");

const ended = (part: string, at: number, all: readonly string[]) =>
  at < all.length - 1 ? part.replace(/(?<![.?!:])$/, ".") : part;

/** A value can have another name in each text. `{{SessionName}}` is a word of EKS. */
const unnamed = (text: string) =>
  text.replaceAll(/(?:\s*(?<!\{)\{[^{}]*\}(?!\}))+/g, (value) => `${/^\s*/.exec(value)?.[0]}…`);
/** A title, a button or the name of a field: the fifty show the usual ones, and a list of them is no reading. */
const isLabel = (text: string) => !/[.,?!:{*✓✗–•]/.test(text) && wordsIn(text) <= 4;

const quoted = (lines: readonly string[]) => `~~~\n${lines.join("\n")}\n~~~`;

const wordsIn = (text: string) => text.split(/\s+/).filter((word) => /[A-Za-z{]/.test(word)).length;
/** The others are clauses of these, the name of a call, or only the frame of values. */
const isWhole = (text: string) =>
  /[.?!:]$|^[A-Z:*✓✗–•]/.test(text) && !/^(?:GET|PUT|POST|DELETE) /.test(text) && !isLabel(text) && !isFrame(text);
const isFrame = (text: string) => wordsIn(text.replaceAll(/\{[^}]*\}|:[a-z_]+:/g, "")) < (/[.?!]/.test(text) ? 1 : 2);

const sentencesIn = (text: string) => text.split(/ ⏎ |(?<=[.!?]\*?) (?=[A-Z`*{])/);

/** Its sentences that no text before it and none of the fifty has. */
function newIn(text: string, before: Set<string>): readonly string[] {
  const own = sentencesIn(text).filter((each) => {
    const said = saidIn(each);
    const isNew = !before.has(said) && !isFrame(each) && !isExample(each);
    before.add(said);
    return isNew;
  });
  return own.map(unnamed);
}

/** Other values and signs make no other sentence. */
function saidIn(sentence: string): string {
  const words = unnamed(sentence).replaceAll(/:[a-z_]+:/g, "");
  return words
    .replaceAll(/[^a-z0-9\s]/gi, "")
    .trim()
    .toLowerCase()
    .replaceAll(/\s+/g, " ");
}

/** A message with a remedy never is. */
const isPartOfLonger = (said: string) =>
  wordsIn(said) >= 3 && everySentence.some((each) => each !== said && ` ${each} `.includes(` ${said} `));

/** A value of a text, or its signs of the format, or none. */
const anything = ".{0,200}?";
const exampleText = examples
  .flatMap(({ messages }) => messages.map(({ lines }) => unmarked(lines.join("\n"))))
  .join("\n");

/** Whether one of the fifty shows it already, of one or of several: with three words or more between its values. */
function isExample(text: string): boolean {
  const parts = text.split(/\{[^}]*\}/).map((part) => unmarked(part));
  if (wordsIn(parts.join(" ")) < 3) return false;
  const escaped = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = escaped.map((part) => part.replaceAll(/s\b/g, "s?").replaceAll(" ⏎ ", "\\s+"));
  return new RegExp(pattern.join(anything), "i").test(exampleText);
}

function unmarked(text: string): string {
  return text.replaceAll(/:[a-z_]+: |[*`>]/g, "");
}

/** Markdown formats nothing in it. */
const plain = (text: string) => asEmoji(text).replaceAll(/[<>[\]*_|~]/g, (sign) => `\\${sign}`);

const everySentence = groups.flatMap(({ texts }) => texts.flatMap(partsOf).flatMap(sentencesIn).map(saidIn));
const sections = sentencesOnce();
const onePage = page();

test("docs/reference/messages.md has every message as the product gives it", async () => {
  await expect(onePage).toMatchFileSnapshot("../docs/reference/messages.md");
});

test("one can read the page aloud: 7,250 words", () => {
  expect(onePage.match(/\S*[A-Za-z]\S*/g)?.length).toBeLessThanOrEqual(7_250);
});

test("each sentence is on the page, also where it shares its words with others", () => {
  const read = sections.flatMap(({ families }) =>
    [...families.values()].flatMap(({ start, own, end }) => own.map((each) => [...start, ...each, ...end].join(" "))),
  );

  expect(read.toSorted()).toEqual(sections.flatMap(({ rows }) => rows.flat().map(undotted)).toSorted());
});

test("every file of src has a reader", () => {
  expect(files.filter((path) => folderOf(path) === path)).toEqual([]);
});

const everyText = [
  ...failureCodes.map((code) => new AccessError(code, "").remedy),
  ...groups.flatMap(({ texts }) => texts.flatMap((text) => text.split(remedyMark))),
  ...examples.flatMap(({ messages }) => messages.flatMap(({ lines }) => lines)),
];

test("no sentence has more than 25 words, and no line more than three sentences", () => {
  const long = everyText.flatMap(sentencesIn).filter((sentence) => wordsIn(sentence) > 25);
  const many = everyText.flatMap((text) => text.split(" ⏎ ")).filter((line) => sentencesIn(line).length > 3);

  expect({ long, many }).toEqual({ long: [], many: [] });
});

test("no text has a word that the glossary replaced", () => {
  const dialect =
    /\b(?:whoever|whom|nobody|somebody|is excluded|are excluded|by which|is to be|what stands|goes by|told|tells|mend|strand(?:s|ed)?|puts? off|tak(?:en?|es) (?:away|out)|grant(?:s|ed)?|lapses?|in force|withdraws?)\b/i;

  expect(everyText.filter((text) => dialect.test(text))).toEqual([]);
});
