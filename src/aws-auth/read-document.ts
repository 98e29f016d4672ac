import { PARTITIONS } from "./arn.ts";
import { changedArns } from "./change.ts";
import {
  competingEntries,
  type Entry,
  goFold,
  goLower,
  type Lookup,
  type ReadDocument,
  SECTIONS,
  type Section,
  sameGroups,
} from "./document.ts";
import { type DecodedEntry, decodeEntry } from "./field-problems.ts";
import { DocumentBudget } from "./go-yaml/budget.ts";
import type { MapValue, YamlNode } from "./go-yaml/node.ts";
import { type MappedAccount, readSection, type SectionContent } from "./read-section.ts";

/** A document with the parts that its problems come from. */
export interface DocumentReading {
  readonly document: ReadDocument;
  readonly parts: readonly (SectionContent & SectionEntries)[];
}

/** Reads the data of aws-auth as the authenticator does, without its problems. */
export function readDocument(data: Readonly<Record<string, string>>): DocumentReading {
  const budget = new DocumentBudget();
  const mapRoles = readSection("mapRoles", textOf(data, "mapRoles"), budget);
  const mapUsers = readSection("mapUsers", textOf(data, "mapUsers"), budget);
  const mapAccounts = readSection("mapAccounts", textOf(data, "mapAccounts"), budget);
  const parts = [mapRoles, mapUsers, mapAccounts].map((content) => ({ ...content, ...entriesIn(content) }));
  const entries = parts.flatMap((part) => part.entries);
  const kept = parts.flatMap((part) => part.kept);
  const lookup = buildLookup(entries, kept);
  for (const entry of entries) if (entry.reachable) entry.reachable = isEverFound(entry, lookup);
  const sections = { mapRoles: mapRoles.reading, mapUsers: mapUsers.reading, mapAccounts: mapAccounts.reading };
  return { document: { data, entries, sections, lookup }, parts };
}

/** Whether two data let in the same callers, each as the same. */
export function givesSameAccess(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  if (SECTIONS.every((section) => textOf(one, section) === textOf(other, section))) return true;
  const [{ lookup: some }, { lookup: others }] = [readDocument(one).document, readDocument(other).document];
  return changedArns(some, others).length === 0 && sameGroups([...some.accounts], [...others.accounts]);
}

/** A key that the object only inherits is no section. */
function textOf(data: Readonly<Record<string, string>>, section: Section): string | null {
  return Object.hasOwn(data, section) ? (data[section] ?? null) : null;
}

/** Whether an entry can count: no other one replaces it. If chance decides, each can. */
function isEverFound(entry: Entry, lookup: Lookup): boolean {
  if (entry.section === "mapAccounts") return true;
  return competingEntries(entry, lookup).includes(entry);
}

/** An item of mapRoles or mapUsers as written, and its fields; null: it is no mapping. */
export interface Item {
  readonly node: YamlNode;
  readonly read: ReadItem | null;
}

export interface ReadItem {
  readonly entry: Entry;
  readonly map: MapValue;
  readonly decoded: DecodedEntry;
}

interface SectionEntries {
  /** Every item with an ARN. */
  readonly entries: readonly Entry[];
  /** Those that the authenticator keeps. */
  readonly kept: readonly Entry[];
  /** By index in the list. Empty for mapAccounts. */
  readonly items: readonly Item[];
}

function entriesIn({ reading, accounts }: SectionContent): SectionEntries {
  if (reading.section === "mapAccounts") {
    const mapped = accounts.map(accountEntry);
    return { entries: mapped, kept: mapped, items: [] };
  }
  const entries: Entry[] = [];
  const kept: Entry[] = [];
  const items = reading.items.map((value, index): Item => {
    const node = reading.list?.items[index] ?? value.node;
    if (value.type !== "map") return { node, read: null };
    const decoded = decodeEntry(value, reading.section);
    // An entry with only SSO fields is kept too, but only a feature that EKS leaves off would match it.
    const isKept = decoded.arn !== "" && !decoded.sso;
    const entry = makeEntry(reading.section, decoded, node.start, isKept, index);
    if (entry.arn !== "") entries.push(entry);
    if (isKept) kept.push(entry);
    return { node, read: { entry, map: value, decoded } };
  });
  return { entries, kept, items };
}

function makeEntry(
  section: Entry["section"],
  { arn, username, groups }: DecodedEntry,
  { line, column }: { line: number; column: number },
  isKept: boolean,
  index: number,
): Entry {
  const reachable = isKept && isMatchable(arn);
  return { section, arn, username, groups, line: line + 1, column: column + 1, reachable, index };
}

function accountEntry({ id, index, node: { start } }: MappedAccount): Entry {
  const reachable = isAccountId(id);
  const place = { line: start.line + 1, column: start.column + 1 };
  return { section: "mapAccounts", arn: id, username: "", groups: [], ...place, reachable, index };
}

/** Builds the table of callers from all entries and from those that the authenticator keeps. */
function buildLookup(entries: readonly Entry[], kept: readonly Entry[]): Lookup {
  const of = (section: Section) => kept.filter((entry) => entry.section === section);
  const accounts = of("mapAccounts").map((account) => account.arn);
  return {
    roles: byFold(lastOfKey(of("mapRoles"), (entry) => goLower(entry.arn))),
    users: byFold(lastOfKey(of("mapUsers"), (entry) => entry.arn)),
    accounts: new Set(accounts),
    items: byFold(entries.filter((entry) => entry.section !== "mapAccounts")),
  };
}

/**
 * The authenticator keeps the last entry of each key: a role's ARN in lower case, a user's as written. So users that differ in
 * case are all kept, and Go's random map order decides.
 */
function lastOfKey(entries: readonly Entry[], keyOf: (entry: Entry) => string): Entry[] {
  const last = new Map<string, Entry>();
  for (const entry of entries) last.set(keyOf(entry), entry);
  return [...last.values()].sort((a, b) => a.index - b.index);
}

function byFold(entries: readonly Entry[]): Map<string, Entry[]> {
  const byArn = new Map<string, Entry[]>();
  for (const entry of entries) {
    const fold = goFold(entry.arn);
    const same = byArn.get(fold);
    if (same === undefined) byArn.set(fold, [entry]);
    else same.push(entry);
  }
  return byArn;
}

const CALLER = new RegExp(
  `^arn:(?:${PARTITIONS.join("|")}):(?:iam::[0-9]{12}:(?:role/[a-z0-9_+=,.@-]{1,64}|user/[!-~]+|root)|sts::[0-9]{12}:federated-user/[!-~]+)$`,
);

/** Whether an entry's ARN can equal the canonical ARN of a caller. A role's path, for example, can't. */
export function isMatchable(arn: string): boolean {
  return CALLER.test(goFold(arn));
}

export function isAccountId(text: string): boolean {
  return /^[0-9]{12}$/.test(text);
}
