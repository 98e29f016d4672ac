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
  "Slack: a requester asks": [
    "slack/ask",
    "access/ask/request-line",
    "access/ask/read-part",
    "access/ask/duration",
    "access/ask/extension",
    "access/ask/ticket",
  ],
  "Slack: an approver decides, a person revokes, an approver reviews": ["slack/decide"],
  "Slack: the card, the thread, and direct messages": ["slack/show"],
  "Slack: help, lists, Details, App Home, and questions about a cluster": ["slack/look"],
  "Slack: accounts, links, and user groups": ["slack/link"],
  "Slack: migrations and repairs": ["slack/migrate", "diagnosis/migration", "worker/migration"],
  "Slack: a command or click that the process can't take": ["slack/app"],
  "Why a request is refused, or an approval no longer counts": ["access", "access-entry", "worker"],
  "What `why`, `whoami` and `check` find": ["diagnosis"],
  "What is wrong in an `aws-auth` document": ["aws-auth"],
  "What failed in AWS, at an API server, or in Redis": ["aws", "kubernetes", "ledger"],
  "What is wrong in eks-access.yml or the environment": ["config"],
  "In the terminal": ["bin"],
  "On health pages": ["operations"],
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

/** As Slack shows it: names of people, a time of day, fields by their labels, and no escapes. */
function shown(text: string): string {
  return text
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

/** Without the lines that it or an example before it shows already. Of a short line, the line above must be the same, too. */
function linesOnce([first = "", ...lines]: readonly string[], before: Set<string>): readonly string[] {
  const own = lines.filter((line, at) => {
    const shown = wordsIn(line) < 4 ? `${lines[at - 1] ?? first}\n${line}` : line;
    const isNew = !before.has(shown);
    before.add(shown);
    return isNew;
  });
  return [first, ...own];
}

/** A line for each fix, with its failures. */
function fixesOf(codes: readonly FailureCode[]): string[] {
  const fixOf = (code: FailureCode) => new AccessError(code, "").remedy;
  return [...new Set(codes.map(fixOf))].map((fix) => {
    const same = codes.filter((code) => fixOf(code) === fix);
    return `- ${same.map((code) => `\`${code}\``).join(", ")}: ${fix}`;
  });
}

function page(): string {
  const shownBefore = new Set<string>();
  for (const code of failureCodes) newIn(new AccessError(code, "").remedy, shownBefore);
  const linesBefore = new Set<string>();
  return [
    "# Every message",
    "",
    "`npx vitest run test/messages-page.test.ts -u` makes this page from the product. Read it aloud: … is a value or a clause.",
    "A sentence or line that several messages share is in the first of them. Titles and buttons are only in the fifty.",
    "",
    "## The fifty that people read most",
    ...examples.flatMap(({ reader, messages }) => [
      `\n### ${reader}\n`,
      ...messages.map(({ when, lines }) => `**When ${when}:**\n\n${quoted(linesOnce(lines, linesBefore))}\n`),
    ]),
    "## Each failure and its fix\n",
    ...fixesOf(failureCodes.filter((code) => !new AccessError(code, "").retryable)),
    "\nHere another try can help, too:\n",
    ...fixesOf(failureCodes.filter((code) => new AccessError(code, "").retryable)),
    ...groups.flatMap(({ reader, texts }) => [
      `\n## ${reader}\n`,
      ...texts.flatMap((text) => {
        const isToldHere = (part: string) => isWhole(part) && !isExample(part);
        const parts = text.split(remedyMark).filter(isToldHere).map(ended);
        const told = parts.flatMap((part) => newIn(part, shownBefore) || []).join(" ");
        return told === "" ? [] : [`- ${plain(told)}`];
      }),
    ]),
    "",
  ].join("\n");
}

const ended = (part: string, at: number, all: readonly string[]) =>
  at < all.length - 1 ? part.replace(/(?<![.?!:])$/, ".") : part;

/** A value can have another name in each text. `{{SessionName}}` is a word of EKS. */
const unnamed = (text: string) =>
  text.replaceAll(/(?:\s*(?<!\{)\{[^{}]*\}(?!\}))+/g, (value) => `${/^\s*/.exec(value)?.[0]}…`);
/** A title, a button or the name of a field: the fifty show the usual ones, and a list of them is no reading. */
const isLabel = (text: string) => !/[.,?!:{*✓✗–•]/.test(text) && wordsIn(text) <= 4;

const quoted = (lines: readonly string[]) => `~~~text\n${lines.join("\n")}\n~~~`;

const wordsIn = (text: string) => text.split(/\s+/).filter((word) => /[A-Za-z{]/.test(word)).length;
/** The others are clauses of these, the name of a call, or only the frame of values. */
const isWhole = (text: string) =>
  /[.?!:]$|^[A-Z:*✓✗–•]/.test(text) && !/^(?:GET|PUT|POST|DELETE) /.test(text) && !isLabel(text) && !isFrame(text);
const isFrame = (text: string) => wordsIn(text.replaceAll(/\{[^}]*\}|:[a-z_]+:/g, "")) < (/[.?!]/.test(text) ? 1 : 2);

/** Its sentences that no text before it and none of the fifty has. */
function newIn(text: string, before: Set<string>): string {
  const own = sentencesIn(text).filter((each) => {
    const said = unnamed(each).replaceAll(/`|\.$/g, "");
    const isNew = !before.has(said) && !isFrame(each) && !isExample(each);
    before.add(said);
    return isNew;
  });
  return own.join(" ");
}

/** A value of a text, or its signs of the format, or none. */
const anything = ".{0,200}?";
const exampleText = examples
  .flatMap(({ messages }) => messages.map(({ lines }) => unmarked(lines.join("\n"))))
  .join("\n");

/** Whether one of the fifty shows it already: with three words or more between its values. */
function isExample(text: string): boolean {
  const parts = text.split(/\{[^}]*\}/).map((part) => unmarked(part));
  if (wordsIn(parts.join(" ")) < 3) return false;
  const pattern = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(" ⏎ ", "\\s+"));
  return new RegExp(pattern.join(anything)).test(exampleText);
}

function unmarked(text: string): string {
  return text.replaceAll(/[*`>]/g, "");
}

/** Markdown formats nothing in it. */
const plain = (text: string) => unnamed(text).replaceAll(/[<>[\]*_|~]/g, (sign) => `\\${sign}`);

test("docs/reference/messages.md has every message as the product gives it", async () => {
  await expect(page()).toMatchFileSnapshot("../docs/reference/messages.md");
});

test("one can read the page aloud: 9,900 words", () => {
  expect(page().match(/\S*[A-Za-z]\S*/g)?.length).toBeLessThanOrEqual(9_900);
});

test("every file of src has a reader", () => {
  expect(files.filter((path) => folderOf(path) === path)).toEqual([]);
});

const everyText = [
  ...failureCodes.map((code) => new AccessError(code, "").remedy),
  ...groups.flatMap(({ texts }) => texts.flatMap((text) => text.split(remedyMark))),
  ...examples.flatMap(({ messages }) => messages.flatMap(({ lines }) => lines)),
];
const sentencesIn = (text: string) => text.split(/ ⏎ |(?<=[.!?]\*?) (?=[A-Z`*{])/);

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
