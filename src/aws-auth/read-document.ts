import { changedArns } from "./change.ts";
import { type Entry, goLower, type Lookup, type ReadDocument, SECTIONS, type Section, sameGroups } from "./document.ts";
import { DocumentBudget } from "./go-yaml/budget.ts";
import { isAccountId, type MappedAccount, type ReadItem, type SectionContent, sectionSteps } from "./read-section.ts";
import { finish, type Steps } from "./steps.ts";

/** A document with the parts that its problems come from. */
export interface DocumentReading {
  readonly document: ReadDocument;
  readonly parts: readonly SectionContent[];
}

/** Reads the data of aws-auth as the authenticator does, without its problems. */
export function readDocument(data: Readonly<Record<string, string>>): DocumentReading {
  return finish(readingSteps(data));
}

/** The same, with pauses. */
export function* readingSteps(data: Readonly<Record<string, string>>): Steps<DocumentReading> {
  const budget = new DocumentBudget();
  const mapRoles = yield* sectionSteps("mapRoles", textOf(data, "mapRoles"), budget);
  const mapUsers = yield* sectionSteps("mapUsers", textOf(data, "mapUsers"), budget);
  const mapAccounts = yield* sectionSteps("mapAccounts", textOf(data, "mapAccounts"), budget);
  const roles = lastOf(mapRoles.items, ({ entry }) => goLower(entry.arn));
  const users = lastOf(mapUsers.items, ({ entry }) => entry.arn);
  const items = [...mapRoles.items, ...mapUsers.items];
  const accounts = new Set(mapAccounts.accounts.map(({ id }) => id));
  const lookup: Lookup = { roles: byKey(roles), users: byKey(users), accounts, items: byKey(items) };
  // An entry can count if no other one replaces it. If chance decides, each can.
  const found = new Set([...roles, ...users.filter(({ key }) => !lookup.roles.has(key))]);
  for (const item of items) if (!found.has(item)) item.entry.reachable = false;
  const entries = [...items.map(({ entry }) => entry), ...mapAccounts.accounts.map(accountEntry)];
  const sections = { mapRoles: mapRoles.reading, mapUsers: mapUsers.reading, mapAccounts: mapAccounts.reading };
  return { document: { data, entries, sections, lookup }, parts: [mapRoles, mapUsers, mapAccounts] };
}

/** Whether two data let in the same callers, each as the same. */
export function* givesSameAccess(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): Steps<boolean> {
  if (SECTIONS.every((section) => textOf(one, section) === textOf(other, section))) return true;
  const { lookup: some } = (yield* readingSteps(one)).document;
  const { lookup: others } = (yield* readingSteps(other)).document;
  return changedArns(some, others).length === 0 && sameGroups([...some.accounts], [...others.accounts]);
}

/** A key that the object only inherits is no section. */
function textOf(data: Readonly<Record<string, string>>, section: Section): string | null {
  return Object.hasOwn(data, section) ? (data[section] ?? null) : null;
}

function accountEntry({ id, index, node: { start } }: MappedAccount): Entry {
  const reachable = isAccountId(id);
  const place = { line: start.line + 1, column: start.column + 1 };
  return { section: "mapAccounts", arn: id, username: "", groups: [], ...place, reachable, index };
}

/**
 * The authenticator keeps the last entry of each key: a role's ARN in lower case, a user's as written. So users that differ in
 * case are all kept, and Go's random map order decides.
 */
function lastOf(items: readonly ReadItem[], nameOf: (item: ReadItem) => string): readonly ReadItem[] {
  const last = new Map<string, ReadItem>();
  for (const item of items) {
    if (!item.isKept) continue;
    const name = nameOf(item);
    last.delete(name);
    last.set(name, item);
  }
  return [...last.values()];
}

function byKey(items: readonly ReadItem[]): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const { entry, key } of items) {
    const same = found.get(key);
    if (same === undefined) found.set(key, [entry]);
    else same.push(entry);
  }
  return found;
}
