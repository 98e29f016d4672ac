import type { Account } from "./decode-accounts.ts";
import { type DecodedEntry, decodeEntry } from "./decode-entry.ts";
import type { Entry } from "./document.ts";
import type { MapValue } from "./go-yaml/value.ts";
import { isAccountId, isMatchable } from "./matchable.ts";
import type { SectionContent } from "./read-section.ts";

/** An item of mapRoles or mapUsers that is a mapping. */
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
  /** By index in the list; null for an item that is no mapping. Empty for mapAccounts. */
  readonly items: readonly (ReadItem | null)[];
}

/** Makes the entries of a section from its items. */
export function readEntries({ reading, accounts }: SectionContent): SectionEntries {
  if (reading.section === "mapAccounts") {
    const mapped = accounts.map(accountEntry);
    return { entries: mapped, kept: mapped, items: [] };
  }
  const entries: Entry[] = [];
  const kept: Entry[] = [];
  const items = reading.items.map((value, index): ReadItem | null => {
    if (value.type !== "map") return null;
    const start = (reading.list?.items[index] ?? value.node).start;
    const decoded = decodeEntry(value, reading.section);
    // An entry that matches by its SSO fields alone is kept too, but only a feature that EKS leaves off would match it.
    const isKept = decoded.arn !== "" && !decoded.sso;
    const entry = makeEntry(reading.section, decoded, start, isKept, index);
    if (entry.arn !== "") entries.push(entry);
    if (isKept) kept.push(entry);
    return { entry, map: value, decoded };
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

function accountEntry({ id, index, node: { start } }: Account): Entry {
  const reachable = isAccountId(id);
  const place = { line: start.line + 1, column: start.column + 1 };
  return { section: "mapAccounts", arn: id, username: "", groups: [], ...place, reachable, index };
}
