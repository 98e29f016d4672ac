import { canonicalCaller } from "../access/arn.ts";
import type { Change } from "../access/principal.ts";
import type { ScalarNode, SequenceNode } from "./go-yaml/node.ts";

export type Section = "mapRoles" | "mapUsers" | "mapAccounts";

/** The sections, in the order in which the authenticator searches them. */
export const SECTIONS: readonly Section[] = ["mapRoles", "mapUsers", "mapAccounts"];

/** The fields of an entry that the authenticator knows. `arn` is `rolearn` or `userarn`. */
export type FieldName = "arn" | "username" | "groups" | "sso";

export function fieldKey(name: FieldName, section: Section): string {
  if (name !== "arn") return name;
  return section === "mapUsers" ? "userarn" : "rolearn";
}

/** Error: a caller gets less or more than the text says. Warning: it works, but may break. Notice: good to know. */
export type Severity = "error" | "warning" | "notice";

export interface Problem {
  code: string;
  severity: Severity;
  /** Null: it is about the whole document. */
  section: Section | null;
  /** The key of the data, if it is not a section. */
  key?: string;
  /** Counted from 1 within the section's text; null: it has no line. */
  line: number | null;
  column: number | null;
  message: string;
  remedy: string;
}

/** Takes what a check found; null: nothing. */
export type Report = (problem: Problem | null) => void;

/** A problem at a place in a section's text; `at` counts lines and columns from 0. */
export function problemAt(
  section: Section,
  at: { readonly line: number; readonly column: number },
  code: string,
  severity: Severity,
  message: string,
  remedy: string,
): Problem {
  return { code, severity, section, line: at.line + 1, column: at.column + 1, message, remedy };
}

export function inOrder(problems: Problem[]): Problem[] {
  const rank = ({ section }: Problem) => (section === null ? -1 : SECTIONS.indexOf(section));
  const place = (some: number | null, other: number | null) => (some ?? 0) - (other ?? 0);
  return problems.sort(
    (a, b) => rank(a) - rank(b) || place(a.line, b.line) || place(a.column, b.column) || (a.code < b.code ? -1 : 1),
  );
}

export const readDifferently = "YAML 1.2 reads this differently.";

export function readersDiffer(section: Section, at: Parameters<typeof problemAt>[1], remedy: string): Problem {
  return problemAt(section, at, "readers-differ", "notice", readDifferently, remedy);
}

export interface Entry {
  section: Section;
  /** As written; for mapAccounts the account id. */
  arn: string;
  /** As written, with templates. Empty for mapAccounts: its callers have their ARNs as names. */
  username: string;
  /** As written, with templates. */
  groups: readonly string[];
  /** The line of its start, counted from 1 within the section's text. */
  line: number;
  column: number;
  /** Whether any caller can get this entry. */
  reachable: boolean;
  /** Its index in the list of its section. Items that are no entries count too. */
  index: number;
}

export interface SectionReading {
  readonly section: Section;
  /** Its text; null: the document has no such key. */
  readonly text: string | null;
  /** `empty`: it has no list. `unreadable`: the authenticator reads nothing of it, or only a part. */
  readonly state: "empty" | "list" | "unreadable";
  readonly list: SequenceNode | null;
  /** Offset from which the authenticator drops the text; null: it reads all. */
  readonly droppedAt: number | null;
}

export type ListReading = SectionReading & { readonly text: string; readonly list: SequenceNode };

/** The authenticator's table of callers. */
export interface Lookup {
  /** By folded ARN, in the order of the document. Of several with one key a random one counts. */
  readonly roles: ReadonlyMap<string, readonly Entry[]>;
  readonly users: ReadonlyMap<string, readonly Entry[]>;
  readonly accounts: ReadonlySet<string>;
  /** The entries of roles with wildcards, by the text before the first one, in lower case. */
  readonly wildcards: ReadonlyMap<string, readonly Entry[]>;
  /** By folded ARN: every item of mapRoles and mapUsers with an ARN, even if it never counts. */
  readonly items: ReadonlyMap<string, readonly Entry[]>;
}

/** The data of a ConfigMap: a text for each key. */
export type Data = Readonly<Record<string, string>>;

export interface SectionContent {
  readonly reading: SectionReading;
  /** Of mapRoles and mapUsers: the items with an ARN. */
  readonly items: readonly ReadItem[];
  readonly accounts: readonly MappedAccount[];
  /** What the reading itself found. */
  readonly problems: readonly Problem[];
}

export interface ReadItem {
  readonly entry: Entry;
  readonly key: string;
  /** Whether the authenticator keeps it. */
  readonly isKept: boolean;
}

export interface MappedAccount {
  /** As written: go-yaml keeps the text of a number when it decodes into a string, leading zeros included. */
  readonly id: string;
  readonly index: number;
  readonly node: ScalarNode;
}

export function isAccountId(text: string): boolean {
  return /^[0-9]{12}$/.test(text);
}

/** The data of aws-auth as the authenticator reads it. */
export interface ReadDocument {
  data: Data;
  entries: readonly Entry[];
  sections: Readonly<Record<Section, SectionReading>>;
  lookup: Lookup;
  /** What its problems come from. */
  readonly parts: readonly SectionContent[];
  /** The problems that prevent edits of a section: the authenticator, or this reader, does not read it whole. */
  readonly blocking: readonly Problem[];
}

export interface AwsAuthDocument extends ReadDocument {
  /** Found on demand: that takes as long as the reading. */
  readonly problems: readonly Problem[];
}

export interface PlanGuard {
  /** The creator: never in the map. Null: unknown. */
  creatorArn?: string | null;
  /** Our own role in the cluster: its entry never changes. */
  operatorArn?: string | undefined;
  account?: string;
  partition?: string;
  allowForeignAccounts?: readonly string[];
  allowMasters?: boolean;
  /** Whether the last administrator in the document can leave, so that a lease can end in time. */
  allowNoAdministrator?: boolean;
}

export type Mapping = Readonly<Pick<Entry, "arn" | "username" | "groups">>;

/** A change, translated for this document. A fulfilled change has no intent. */
export type Intent =
  | (Mapping & { readonly type: "add"; readonly section: Section })
  /** `isBeside`: it does not count. */
  | (Mapping & Pick<Change, "isPartly"> & { readonly type: "edit"; readonly entry: Entry; readonly isBeside?: true })
  /** Without `isBeside` all entries for the ARN go: removing only the last one would activate an earlier one. */
  | { readonly type: "remove"; readonly arn: string; readonly entries: readonly Entry[]; readonly isBeside?: true };

export function sameList(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, index) => text === others[index]);
}

export function sameGroups(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((group) => set.has(group));
}

export function sameData(some: Data, others: Data): boolean {
  const inOrder = (data: Data) => JSON.stringify(Object.entries(data).sort());
  return inOrder(some) === inOrder(others);
}

/** The entries of which one counts for an entry's ARN. */
export function competingEntries({ arn }: Pick<Entry, "arn">, lookup: Lookup): readonly Entry[] {
  return entriesOfKey(lookup, goFold(arn));
}

/** The entries of a folded ARN. Roles come before users. */
export function entriesOfKey({ roles, users }: Lookup, key: string): readonly Entry[] {
  return roles.get(key) ?? users.get(key) ?? [];
}

/** The entry that the authenticator uses for a role or user; of several the last one, roles before users. */
export function entryOf(document: ReadDocument, arn: string): Entry | null {
  return entriesOfKey(document.lookup, callerKey(arn)).at(-1) ?? null;
}

/** The key of a caller in a `Lookup`. */
export function callerKey(arn: string): string {
  // A run looks up each lease's entry: only the ARN of a session has another form.
  return goFold(arn.includes(":sts:") ? (canonicalCaller(arn) ?? arn) : arn);
}

/** All items of mapRoles and mapUsers with this ARN, in any case, shadowed ones included. */
export function entriesFor({ lookup }: ReadDocument, arn: string): readonly Entry[] {
  return lookup.items.get(goFold(arn)) ?? [];
}

/** The entry of a place in a section: the last one that begins at it or before it. */
export function entryAt({ entries }: ReadDocument, { section, line, column }: Problem): Entry | null {
  const isBefore = (entry: Entry) => entry.line < (line ?? 0) || (entry.line === line && entry.column <= (column ?? 0));
  return entries.filter((entry) => entry.section === section && isBefore(entry)).at(-1) ?? null;
}

/** In lower case; undefined: the text has none. */
export function partitionIn(arn: string): string | undefined {
  return goLower(arn).split(":", 2)[1];
}

/** strings.ToLower of Go: simple case mapping, letter by letter, so the number of letters stays. */
export function goLower(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, lowerLetter);
}

/** Two texts share it exactly if strings.EqualFold of Go finds them equal: U+017F folds to s and U+212A to k. */
export function goFold(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, foldLetter);
}

export function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}

function mapLetters(text: string, map: (letter: string) => string): string {
  let mapped = "";
  for (const letter of text) mapped += map(letter);
  return mapped;
}

function lowerLetter(letter: string): string {
  if (letter === "\u0130") return "i";
  const lower = letter.toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}

function foldLetter(letter: string): string {
  if (letter === "\u0131") return letter;
  const upper = letter.toUpperCase();
  const lower = (isOneLetter(upper) ? upper : letter).toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}

function isOneLetter(text: string): boolean {
  return [...text].length === 1;
}
