import { isBlocking } from "../access/access-error.ts";
import { decodeEntry } from "./decode-entry.ts";
import {
  type Data,
  type Entry,
  goFold,
  goLower,
  inOrder,
  isAccountId,
  type Lookup,
  type MappedAccount,
  type Problem,
  type ReadDocument,
  type ReadItem,
  type Section,
  type SectionContent,
  type SectionReading,
} from "./document.ts";
import { AliasBudget, DocumentBudget, finish, type ReadingBudget, type Steps } from "./go-yaml/budget.ts";
import { YamlExcess, YamlFailure } from "./go-yaml/cursor.ts";
import { decode, decodeItems, requireJson, resolveScalar } from "./go-yaml/decode.ts";
import type { MapValue, ScalarNode, SequenceNode, YamlDocument, YamlNode } from "./go-yaml/node.ts";
import { yamlSteps } from "./go-yaml/parse-yaml.ts";
import { beforeWildcard, isMatchable, isWildcard } from "./resolve.ts";
import { contentDropped, excessive, innerMark, notAList, unreadable } from "./section-problems.ts";

/** Reads the data of aws-auth as the authenticator does, without its problems. */
export function readDocument(data: Data): ReadDocument {
  return finish(readingSteps(data));
}

/** The same, with pauses. */
export function* readingSteps(data: Data): Steps<ReadDocument> {
  const budget = new DocumentBudget();
  const mapRoles = yield* sectionSteps("mapRoles", sectionText(data, "mapRoles"), budget);
  const mapUsers = yield* sectionSteps("mapUsers", sectionText(data, "mapUsers"), budget);
  const mapAccounts = yield* sectionSteps("mapAccounts", sectionText(data, "mapAccounts"), budget);
  const roles = lastOf(mapRoles.items, goLower);
  const users = lastOf(mapUsers.items, asWritten);
  const items = [...mapRoles.items, ...mapUsers.items];
  const accounts = new Set(mapAccounts.accounts.map(({ id }) => id));
  const wildcards = byKey(
    roles.filter(({ entry }) => isWildcard(entry)),
    beforeWildcard,
  );
  const lookup: Lookup = { roles: byKey(roles), users: byKey(users), accounts, wildcards, items: byKey(items) };
  // An entry can count if no other one replaces it. If chance decides, each can.
  const found = new Set(roles);
  for (const user of users) if (!lookup.roles.has(user.key)) found.add(user);
  for (const item of items) if (!found.has(item)) item.entry.reachable = false;
  const entries = [...items.map(entryIn), ...mapAccounts.accounts.map(accountEntry)];
  const sections = { mapRoles: mapRoles.reading, mapUsers: mapUsers.reading, mapAccounts: mapAccounts.reading };
  const parts = [mapRoles, mapUsers, mapAccounts];
  const blocking = parts.flatMap(({ problems }) => problems.filter(({ code }) => isBlocking(code)));
  return { data, entries, sections, lookup, parts, blocking: inOrder(blocking) };
}

/** A key that the object only inherits is no section. */
export function sectionText(data: Data, section: Section): string | null {
  return Object.hasOwn(data, section) ? (data[section] ?? null) : null;
}

function accountEntry({ id, index, node: { start } }: MappedAccount): Entry {
  const reachable = isAccountId(id);
  const place = { line: start.line + 1, column: start.column + 1 };
  return { section: "mapAccounts", arn: id, username: "", groups: [], ...place, reachable, index };
}

/** The authenticator keys roles in lower case, users as written: users that differ in case stay, and Go picks any of them. */
function lastOf(items: readonly ReadItem[], nameOf: (arn: string) => string): readonly ReadItem[] {
  const last = new Map<string, ReadItem>();
  for (const item of items) {
    if (!item.isKept) continue;
    const name = nameOf(item.entry.arn);
    last.delete(name);
    last.set(name, item);
  }
  return [...last.values()];
}

const asWritten = (arn: string) => arn;
const entryIn = ({ entry }: ReadItem) => entry;

function byKey(items: readonly ReadItem[], keyOf?: (entry: Entry) => string): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const item of items) {
    const { entry } = item;
    const key = keyOf?.(entry) ?? item.key;
    const same = found.get(key);
    if (same === undefined) found.set(key, [entry]);
    else same.push(entry);
  }
  return found;
}

/** White space as strings.TrimSpace of Go defines it: not quite JavaScript's. */
export const GO_SPACE = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

/** Texts that the authenticator takes for an empty section before it reads them as YAML. */
const EMPTY = new RegExp(`^${GO_SPACE}*(?:(?:""|''|\`\`)${GO_SPACE}*)?$`);

/** Reads one section as the authenticator does: mapAccounts by go-yaml alone, the other two through JSON. */
export function readSection(section: Section, text: string): SectionContent {
  return finish(sectionSteps(section, text, new DocumentBudget()));
}

function* sectionSteps(section: Section, text: string | null, budget: DocumentBudget): Steps<SectionContent> {
  const empty: SectionReading = { section, text, state: "empty", list: null, droppedAt: null };
  if (text === null || EMPTY.test(text)) return content(empty);
  const mark = text.indexOf("\ufeff", 1);
  if (mark > 0) return content({ ...empty, state: "unreadable" }, [innerMark(section, text, mark)]);
  try {
    return yield* budget.read(readText({ ...empty, text }, budget));
  } catch (failure) {
    if (!(failure instanceof YamlFailure)) throw failure;
    return content({ ...empty, state: "unreadable" }, [failureProblem(empty, failure)]);
  }
}

function* readText(empty: SectionReading & { readonly text: string }, budget: DocumentBudget): Steps<SectionContent> {
  const { section, text } = empty;
  const yaml = yield* yamlSteps(text, budget.written);
  const problems = yaml.dropped === null ? [] : [contentDropped(section, yaml.dropped)];
  const reading = { ...empty, droppedAt: yaml.dropped?.at ?? null };
  if (section === "mapAccounts") return readAccounts(reading, yaml, problems, budget);
  return yield* readMappings(reading, yaml, problems, budget);
}

function failureProblem({ section, text }: SectionReading, failure: YamlFailure, rest = ""): Problem {
  return failure instanceof YamlExcess ? excessive(section, failure) : unreadable(section, failure, text, rest);
}

function* readMappings(
  reading: SectionReading,
  { root }: YamlDocument,
  problems: Problem[],
  { decoded }: DocumentBudget,
): Steps<SectionContent> {
  if (root?.kind === "sequence") {
    const items: ReadItem[] = [];
    yield* decodeItems(root, decoded, (value, index) => {
      if (value.type !== "map") return;
      const item = readItem(reading.section, value, root.items[index] ?? root, index);
      if (item.key !== "") items.push(item);
    });
    return { ...content({ ...reading, state: "list", list: root }, problems), items };
  }
  if (root === null) return content(reading, problems);
  const value = decode(root, decoded);
  requireJson(value);
  if (value.type === "null") return content(reading, problems);
  return content({ ...reading, state: "unreadable" }, [notAList(reading.section, root.start), ...problems]);
}

/** @param node the item as written, which can be an alias */
function readItem(section: Section, value: MapValue, node: YamlNode, index: number): ReadItem {
  const { arn, username, groups, sso } = decodeEntry(value, section);
  const key = goFold(arn);
  // An entry with only SSO fields is kept too, but only a feature that EKS leaves off would match it.
  const isKept = arn !== "" && !sso;
  const { line, column } = node.start;
  const reachable = isKept && isMatchable(key);
  return {
    entry: { section, arn, username, groups, line: line + 1, column: column + 1, reachable, index },
    key,
    isKept,
  };
}

function readAccounts(
  reading: SectionReading,
  { root }: YamlDocument,
  problems: Problem[],
  { decoded }: DocumentBudget,
): SectionContent {
  if (root === null) return content(reading, problems);
  const { accounts, failure, state, list } = decodeAccounts(root, decoded);
  if (failure !== null) problems.unshift(failureProblem(reading, failure, accounts.length > 0 ? "from here on " : ""));
  else if (state === "unreadable") problems.unshift(notAList(reading.section, root.start));
  return { ...content({ ...reading, state, list }, problems), accounts };
}

function content(reading: SectionReading, problems: readonly Problem[] = []): SectionContent {
  return { reading, items: [], accounts: [], problems };
}

interface DecodedAccounts {
  readonly accounts: readonly MappedAccount[];
  readonly state: "empty" | "list" | "unreadable";
  /** Null: there is none, or it can't be read whole. */
  readonly list: SequenceNode | null;
  /** Why go-yaml stopped, if it did. What it had by then is in force. */
  readonly failure: YamlFailure | null;
}

/** mapAccounts as go-yaml v2 decodes it into a list of strings, without JSON. */
function decodeAccounts(root: YamlNode, decoded: ReadingBudget): DecodedAccounts {
  if (root.kind !== "sequence") {
    const isNull = root.kind === "scalar" && resolveScalar(root).type === "null";
    return { accounts: [], state: isNull ? "empty" : "unreadable", list: null, failure: null };
  }
  const budget = new AliasBudget(decoded);
  const accounts: MappedAccount[] = [];
  budget.spend(root);
  try {
    root.items.forEach((item, index) => {
      const node = scalarOf(item, budget);
      if (node !== null) accounts.push({ id: accountIn(node), index, node });
    });
  } catch (failure) {
    if (failure instanceof YamlFailure) return { accounts, state: "unreadable", list: null, failure };
    throw failure;
  }
  return { accounts, state: "list", list: root, failure: null };
}

function scalarOf(item: YamlNode, budget: AliasBudget): ScalarNode | null {
  budget.spend(item);
  if (item.kind === "alias") return budget.through(item, () => scalarOf(item.target, budget));
  return item.kind === "scalar" ? item : null;
}

function accountIn(node: ScalarNode): string {
  const value = resolveScalar(node);
  if (value.type === "null") return "";
  return value.type === "string" ? value.value : node.value;
}
