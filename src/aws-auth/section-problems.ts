import { DOCUMENT_LIMIT, sizeOf } from "../access/collections.ts";
import {
  type Data,
  type Problem,
  problemAt,
  readersDiffer,
  SECTIONS,
  type Section,
  type SectionReading,
} from "./document.ts";
import type { Steps } from "./go-yaml/budget.ts";
import { LINE_BREAK, lineAndColumn, type Mark, type YamlFailure } from "./go-yaml/cursor.ts";
import type { SequenceNode, YamlNode } from "./go-yaml/node.ts";

/** A line of brackets: its indentation, and its first character. Empty lines are none. */
const FLOW_LINE = /\n( *)(?:\t[\t ]*)?([^\t\n\r ])/g;

/** A line of quotes. One of spaces alone is none, but one with a tab is. */
const QUOTED_LINE = /\n( *)(?! |\r?\n)/g;

/** The authenticator can't read the section, and forgets its earlier content. @param rest `from here on ` if it reads what is before */
export function unreadable(section: Section, failure: YamlFailure, text: string | null, rest: string): Problem {
  const message = `The authenticator can't read ${section}, so no entry ${rest}works: ${failure.message}.`;
  const [before, line] = [failure.line - 1, failure.line].map((at) => text?.split(LINE_BREAK)[at] ?? "");
  const remedy = yamlRemedy(line ?? "", failure.column, before ?? "");
  return problemAt(section, failure, "section-unreadable", "error", message, remedy);
}

/** Where YAML needs a space; pages on the web have a no-break space there. By gaps: a look back from each letter would never end. */
export function withoutNoBreakSpaces(text: string): string {
  return text.replaceAll(/(?:^|[-:?])[^\S\n]+/gm, (gap) => gap.replaceAll("\u00a0", " "));
}

function yamlRemedy(line: string, column: number, before: string): string {
  if (line[column] === "\t") return "Replace the tab.";
  const isTemplate = line.slice(Math.max(column - 1, 0), column + 2).includes("{{");
  if (isTemplate) return "Quote the text with {{.";
  const isPasted = [before, line].some((each) => each !== withoutNoBreakSpaces(each));
  return isPasted ? "Replace the no-break spaces here and above." : "Correct it here or above.";
}

/** The authenticator may read the section; this reader stops, so that one document can't exhaust the process. */
export function excessive(section: Section, failure: YamlFailure): Problem {
  return problemAt(section, failure, "section-too-large", "error", stopsReading(section, failure), "Remove it.");
}

export function stopsReading(what: string, failure: YamlFailure): string {
  return `${what} ${failure.message} here, so eks-access stops reading.`;
}

/**
 * go-yaml looks for a byte order mark where its buffer begins, wherever it reads in that moment (is_bom in yamlprivateh.go): then
 * each line loses a character. So a change elsewhere in the text can lock people out.
 */
export function innerMark(section: Section, text: string, mark: number): Problem {
  const message = `${section} has an invisible byte order mark here.`;
  return problemAt(section, lineAndColumn(text, mark), "byte-order-mark", "error", message, "Remove it.");
}

export function notAList(section: Section, at: Mark): Problem {
  const message = `${section} is not a list, so no entry works.`;
  return problemAt(section, at, "section-not-a-list", "error", message, 'Begin each entry with "- ".');
}

export function contentDropped(section: Section, at: Mark): Problem {
  const message = "The authenticator stops here.";
  const remedy = "Indent these lines like the entries above; remove --- and ....";
  return problemAt(section, at, "content-dropped", "error", message, remedy);
}

/** @param isTaken whether another key has the name, or gets it: of two equal keys the last one would replace the other. */
export function misspelt(key: string, section: string, isTaken: boolean): Problem {
  const message = `The authenticator does not read ${JSON.stringify(key)}.`;
  const remedy = isTaken ? `Move its entries to ${section}.` : `Rename it to ${section}.`;
  return { ...ofNoSection, code: "section-misspelt", key, message, remedy };
}

const ofNoSection = { severity: "error", section: null, line: null, column: null } as const;

/** Line breaks of YAML 1.1 alone. */
const OLD_BREAK = /[\u0085\u2028\u2029]/;

export function oldBreaks({ section, text, state }: SectionReading): Problem[] {
  const at = state === "list" && text !== null ? text.search(OLD_BREAK) : -1;
  if (text === null || at < 0) return [];
  return [readersDiffer(section, lineAndColumn(text, at), "Write a visible line break.")];
}

/** The first line with too little indentation for YAML 1.2, and every tag that ends elsewhere in it. */
export function* layoutProblems({ section, text, list }: SectionReading): Steps<Problem[]> {
  if (text === null || list === null) return [];
  const { shallow, tagged } = yield* layoutDifferences(text, list);
  const problems = tagged.map((at) => readersDiffer(section, at, "Remove the tag, and quote the text."));
  if (shallow === null) return problems;
  return [readersDiffer(section, lineAndColumn(text, shallow), "Indent the line."), ...problems];
}

interface LayoutDifferences {
  /** Offset of the first line of brackets or quotes with too little indentation for YAML 1.2, or null. */
  readonly shallow: number | null;
  /** The place after each tag with a comma or bracket, which only the authenticator reads as part of the tag. */
  readonly tagged: readonly Mark[];
}

/** Visits every node once. An alias has no lines and no tag of its own. */
function* layoutDifferences(text: string, list: SequenceNode): Steps<LayoutDifferences> {
  const found: LayoutFound = { text, shallow: null, tagged: [] };
  lookAlone(found, list, -1, false);
  for (const item of list.items) {
    look(found, item, list.flow ? -1 : list.start.column, list.flow);
    yield;
  }
  return found;
}

type LayoutFound = { readonly text: string; shallow: number | null; readonly tagged: Mark[] };

/** @param indent the column of the block collection around the node, -1 outside of any */
function lookAlone(found: LayoutFound, node: YamlNode, indent: number, inFlow: boolean): void {
  if (hasOldTag(found.text, node)) found.tagged.push(node.start);
  const at = shallowLine(found.text, node, indent, inFlow);
  if (at !== null) found.shallow = Math.min(at, found.shallow ?? at);
}

function look(found: LayoutFound, node: YamlNode, indent: number, inFlow: boolean): void {
  lookAlone(found, node, indent, inFlow);
  if (node.kind === "scalar" || node.kind === "alias") return;
  const within = node.flow ? indent : node.start.column;
  if (node.kind === "sequence") for (const child of node.items) look(found, child, within, node.flow);
  else
    for (const { key, value } of node.pairs) {
      look(found, key, within, node.flow);
      look(found, value, within, node.flow);
    }
}

/** Whether the tag of a node has characters that only YAML 1.1 allows in a tag. Text between `<` and `>` is one tag to both. */
function hasOldTag(text: string, { kind, outer, start, end }: YamlNode): boolean {
  // If nothing follows a tag, the node begins at the tag itself.
  const content = start.at === outer && kind === "scalar" ? end : start.at;
  const first = text.charAt(outer);
  if (content === outer || (first !== "!" && first !== "&")) return false;
  const words = text
    .slice(outer, content)
    .replaceAll(/(?<=\s)#.*/g, "")
    .split(/\s+/);
  return words.some((word) => /^!(?!<).*[,[\]]/.test(word));
}

/** Looks at outermost brackets once as a whole, and once more at quotes in them. */
function shallowLine(text: string, node: YamlNode, indent: number, inFlow: boolean): number | null {
  if (node.kind === "alias") return null;
  if (node.kind === "scalar")
    return node.style === "single" || node.style === "double" ? quotedLine(text, node, indent) : null;
  return node.flow && !inFlow ? flowLine(text, node, indent) : null;
}

function quotedLine(text: string, { start, end }: YamlNode, indent: number): number | null {
  const firstBreak = text.indexOf("\n", start.at);
  if (firstBreak < 0 || firstBreak >= end) return null;
  for (const { index, 1: spaces = "" } of text.slice(start.at, end).matchAll(QUOTED_LINE))
    if (spaces.length <= indent) return start.at + index + 1 + spaces.length;
  return null;
}

/** Comments can be anywhere. The closing bracket can be in the column of its key: YAML 1.2 forbids it, its readers accept it. */
function flowLine(text: string, { start, end }: YamlNode, indent: number): number | null {
  for (const { index, 0: whole, 1: spaces = "", 2: first } of text.slice(start.at, end).matchAll(FLOW_LINE)) {
    const at = start.at + index + whole.length - 1;
    const closes = at === end - 1 && spaces.length === indent;
    if (spaces.length <= indent && first !== "#" && !closes) return at;
  }
  return null;
}

export function documentProblems(data: Data): Problem[] {
  const problems: Problem[] = [];
  const taken = new Set(Object.keys(data));
  for (const key of Object.keys(data)) {
    if (SECTIONS.some((name) => name === key)) continue;
    const section = SECTIONS.find((name) => isNearly(key, name)) ?? sectionLost(data, key);
    if (section === null) continue;
    problems.push(misspelt(key, section, taken.has(section)));
    taken.add(section);
  }
  const bytes = sizeOf(data);
  if (bytes > DOCUMENT_LIMIT) problems.push(tooLarge(bytes));
  return problems;
}

/** The section of the entries that a key has, if the data has no such section, so that they are no copy of it. */
function sectionLost(data: Data, key: string): Section | null {
  const [, kind] = /\b(role|user)arn["' ]*:/i.exec(data[key] ?? "") ?? [];
  if (kind === undefined) return null;
  const section = kind.toLowerCase() === "role" ? "mapRoles" : "mapUsers";
  return Object.hasOwn(data, section) ? null : section;
}

function isNearly(key: string, section: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z]/g, "")
      .replace(/s$/, "");
  return plain(key) === plain(section);
}

function tooLarge(bytes: number): Problem {
  const message = `The document has ${bytes} bytes; a ConfigMap can have ${DOCUMENT_LIMIT}.`;
  return { ...ofNoSection, code: "document-too-large", message, remedy: "Remove unused entries." };
}
