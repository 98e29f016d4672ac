import type { SequenceNode, YamlValue } from "./go-yaml/node.ts";

export type Section = "mapRoles" | "mapUsers" | "mapAccounts";

/** The sections, in the order in which the authenticator asks them. */
export const SECTIONS: readonly Section[] = ["mapRoles", "mapUsers", "mapAccounts"];

/** An error: a caller gets less or more than what is written. A warning: it works, but may break. A notice: good to know. */
export type Severity = "error" | "warning" | "notice";

/** Something wrong, or worth knowing, about a document. */
export interface Problem {
  code: string;
  severity: Severity;
  /** Null where the document as a whole is meant. */
  section: Section | null;
  /** The key of the data that is meant, where that is none of the sections. */
  key?: string;
  /** Counted from 1 within the section's text; null where there is no such place. */
  line: number | null;
  /** Counted from 1, in UTF-16 units. */
  column: number | null;
  /** What is wrong, and its effect. */
  message: string;
  /** How to fix it. */
  remedy: string;
}

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

/** One item of a section, as the authenticator holds it. */
export interface Entry {
  section: Section;
  /** As written; the account id for mapAccounts. */
  arn: string;
  /** As written, templates and all. Empty for mapAccounts, which names its users by their ARNs. */
  username: string;
  /** As written, templates and all. */
  groups: readonly string[];
  /** Where it begins, counted from 1 within the section's text. */
  line: number;
  /** Counted from 1, in UTF-16 units. */
  column: number;
  /** Whether there can be a caller who gets this entry. */
  reachable: boolean;
  /** Its place in the list of its section, from 0. Items that are no entries count too. */
  index: number;
}

/** How one section was read. */
export interface SectionReading {
  readonly section: Section;
  /** Its text, or null where the document has no such key. */
  readonly text: string | null;
  /** `empty`: there is no list. `unreadable`: the authenticator reads nothing of it, or not all. */
  readonly state: "empty" | "list" | "unreadable";
  readonly list: SequenceNode | null;
  /** What the items of the list stand for; empty for mapAccounts. */
  readonly items: readonly YamlValue[];
  /** Offset of what the authenticator drops at the end; null where it reads all. */
  readonly droppedAt: number | null;
}

/** A section that has a list. */
export interface ListReading extends SectionReading {
  readonly text: string;
  readonly list: SequenceNode;
}

/** The authenticator's table of callers. */
export interface Lookup {
  /** By folded ARN, in the order of the document. More than one under a key: chance says which of them answers. */
  readonly roles: ReadonlyMap<string, readonly Entry[]>;
  readonly users: ReadonlyMap<string, readonly Entry[]>;
  readonly accounts: ReadonlySet<string>;
  /** By folded ARN, every item of mapRoles and mapUsers with an ARN, even if it never answers. */
  readonly items: ReadonlyMap<string, readonly Entry[]>;
}

/** The data of aws-auth as the authenticator reads it. */
export interface ReadDocument {
  data: Readonly<Record<string, string>>;
  entries: readonly Entry[];
  sections: Readonly<Record<Section, SectionReading>>;
  lookup: Lookup;
}

/** A document with what is wrong with it. */
export interface AwsAuthDocument extends ReadDocument {
  problems: readonly Problem[];
}

/** Whether two lists are the same, item by item. */
export function sameList(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, index) => text === others[index]);
}

/** Whether two lists name the same groups, in any order and however often. */
export function sameGroups(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((group) => set.has(group));
}

/** What a ConfigMap may hold in all, in bytes. Source: MaxSecretSize of the Kubernetes API. */
export const DOCUMENT_LIMIT = 1024 * 1024;

/** The bytes that a ConfigMap's limit counts: those of its keys and its values. */
export function sizeOf(data: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [key, text] of Object.entries(data)) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  return bytes;
}
