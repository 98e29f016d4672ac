import { isLong } from "../form.ts";

/** Sections of a document, each made when it is read: all at once would take a tenth of a small process. */
type Sections = Readonly<Record<string, () => string>>;

/** Documents of at most 1 MiB that cost far more than a real one does: in values, in problems, in depth or in text. */
const room = 1024 * 1024 - 100;
const role = "arn:aws:iam::111122223333:role/";

const filled =
  (piece: string, before = "", after = "") =>
  () =>
    before + piece.repeat(Math.floor((room - before.length - after.length) / piece.length)) + after;
const numbered = (count: number, item: (index: number) => string) => () =>
  Array.from({ length: count }, (_, i) => item(i)).join("");

/** For the short form: the costliest readable document, and unreadable documents of each kind. */
const few: ReadonlySet<string> = new Set([
  "an entry by alias in each item",
  "a list of mappings, 490 deep",
  "a long text by very many aliases",
  "lists in lists, without end",
  "entries that all have problems",
  "entries that can all be repaired",
  "comments",
  "spaces in a line that can't be read",
  "tabs in a line that can't be read",
]);
const ofForm = (all: Sections): Sections =>
  Object.fromEntries(Object.entries(all).filter(([name]) => isLong || few.has(name)));

/** Sections that hold more than is read. */
export const excessive = ofForm({
  "an alias in each item": filled("- *a\n", "- &a x\n"),
  "an entry by alias in each item": filled("- *a\n", `- &a {rolearn: "${role}x", username: x, groups: [a, b]}\n`),
  "empty items": filled("-\n"),
  "empty mappings": filled("- {}\n"),
  "lists in lists, 490 deep": filled(`- ${"[".repeat(490)}${"]".repeat(490)}\n`),
  "empty lists in one list": filled("[],", "[", "]"),
  "a list of mappings, 490 deep": filled("{},", `- ${"[".repeat(490)}`, "]".repeat(490)),
  "one entry with very many groups": filled("1,", `- rolearn: ${role}x\n  groups: [`, "]"),
  "one entry that repeats a field": filled("a: 1\n  ", "- "),
  "empty block scalars": filled("- |\n"),
  "a long text by very many aliases": filled("- *a\n", `- &a ${"b".repeat(500_000)}\n`),
  "lists in lists, without end": filled("["),
});

/** A cluster with very many roles, to compare the others with. */
export const honest = numbered(
  5_000,
  (i) =>
    `# Team ${i}\n- rolearn: ${role}team-${i}-of-the-platform-department\n  username: team-${i}:{{SessionName}}\n  groups:\n    - team-${i}-viewers\n    - team-${i}-editors\n`,
);

/** Sections that are read, just so. */
export const costly = ofForm({
  "entries, as short as they come": numbered(
    12_000,
    (i) => `- rolearn: ${role}x${i}\n  username: x${i}\n  groups: [a]\n`,
  ),
  "entries that all have problems": numbered(33_000, (i) => `- rolearn: ${i}\n`),
  "entries that can all be repaired": numbered(20_000, (i) => `- {rolearn: "${role}p/${i}"}\n`),
  "entries for one principal": numbered(11_000, () => `- rolearn: ${role}x\n  username: x\n  groups:\n  - a\n`),
  "items that are no entries": numbered(99_000, () => "- |\n"),
  "groups that are no text": () => `- rolearn: ${role}x\n  groups: [${"1,".repeat(19_900)}]`,
  "blank lines": filled("\n", `- rolearn: ${role}x\n  username: x\n`),
  comments: filled("#\n", `- rolearn: ${role}x\n  username: x\n`),
  "spaces in a line that can't be read": () => `- rolearn: ${role}x\n${" ".repeat(200_000)}username: x\n`,
  "tabs in a line that can't be read": () => `- rolearn: ${role}x\n${"\t".repeat(200_000)}username: x\n`,
});
