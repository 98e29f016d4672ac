import type { MappedAccount } from "./decode-accounts.ts";
import { type DecodedEntry, decodeEntry } from "./decode-entry.ts";
import type { Entry } from "./document.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import type { MapValue } from "./go-yaml/value.ts";
import { isAccountId, isMatchable } from "./matchable.ts";
import type { SectionContent } from "./read-section.ts";

/** An item of mapRoles or mapUsers as it is written, and what it says; null for one that is no mapping. */
export interface Item {
  readonly node: YamlNode;
  readonly read: ReadItem | null;
}

/** An item that is a mapping. */
export interface ReadItem {
  readonly entry: Entry;
  readonly map: MapValue;
  readonly decoded: DecodedEntry;
}

export interface SectionEntries {
  /** Every item that names somebody. */
  readonly entries: readonly Entry[];
  /** Those that the authenticator keeps. */
  readonly kept: readonly Entry[];
  /** By index in the list. Empty for mapAccounts. */
  readonly items: readonly Item[];
}

/** Makes the entries of a section from its items. */
export function entriesIn({ reading, accounts }: SectionContent): SectionEntries {
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
    // An entry that matches by its SSO fields alone is kept too, but only a feature that EKS leaves off would match it.
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
