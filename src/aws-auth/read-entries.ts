import { accountProblems, notAnAccount } from "./account-problems.ts";
import type { Account } from "./decode-accounts.ts";
import { decodeEntry } from "./decode-entry.ts";
import type { Entry } from "./document.ts";
import { itemProblems } from "./entry-problems.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import type { MapValue, YamlValue } from "./go-yaml/value.ts";
import { isAccountId, isMatchable } from "./matchable.ts";
import type { Problem } from "./problem.ts";
import type { SectionContent } from "./read-section.ts";

export interface SectionEntries {
  /** Every item that names somebody. */
  readonly entries: readonly Entry[];
  /** Those that the authenticator keeps. */
  readonly kept: readonly Entry[];
  readonly problems: readonly Problem[];
}

/** Makes the entries of a section from its items. */
export function readEntries(content: SectionContent): SectionEntries {
  return content.reading.section === "mapAccounts" ? readAccountEntries(content) : readMappingEntries(content);
}

function readMappingEntries({ reading }: SectionContent): SectionEntries {
  const entries: Entry[] = [];
  const kept: Entry[] = [];
  const problems: Problem[] = [];
  reading.items.forEach((item, index) => {
    const node = reading.list?.items[index] ?? item.node;
    const { entry, isKept, problems: told } = readItem(reading.section, item, node, index);
    if (entry.arn !== "") entries.push(entry);
    if (isKept) kept.push(entry);
    problems.push(...told);
  });
  return { entries, kept, problems };
}

function readItem(section: Entry["section"], item: YamlValue, node: YamlNode, index: number) {
  const at = { line: node.start.line + 1, column: node.start.column + 1 };
  const map: MapValue | null = item.type === "map" ? item : null;
  const decoded = map === null ? null : decodeEntry(map, section);
  const { arn, username, groups, sso } = decoded ?? { arn: "", username: "", groups: [], sso: false };
  // An entry that matches by its SSO fields alone is kept, but matches only behind a feature gate that EKS leaves off.
  const isKept = arn !== "" && !sso;
  const entry: Entry = { section, arn, username, groups, ...at, reachable: isKept && isMatchable(arn), index };
  return { entry, isKept, problems: itemProblems(entry, node, map, decoded) };
}

function readAccountEntries({ reading, accounts }: SectionContent): SectionEntries {
  const entries = accounts.map(accountEntry);
  const problems = accounts.flatMap(({ id, node }) => accountProblems(id, node));
  const decoded = new Set(accounts.map((account) => account.index));
  for (const [index, item] of (reading.list?.items ?? []).entries()) {
    if (reading.state === "list" && !decoded.has(index)) problems.push(notAnAccount(item.start));
  }
  return { entries, kept: entries, problems };
}

function accountEntry({ id, index, node }: Account): Entry {
  const at = { line: node.start.line + 1, column: node.start.column + 1 };
  return { section: "mapAccounts", arn: id, username: "", groups: [], ...at, reachable: isAccountId(id), index };
}
