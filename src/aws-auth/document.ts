import type { SequenceNode } from "./go-yaml/node.ts";
import type { YamlValue } from "./go-yaml/value.ts";
import type { Problem, Section } from "./problem.ts";

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

/** What the authenticator looks callers up in. */
export interface Lookup {
  /** By folded ARN, in the order of the document. More than one under a key: chance says which of them answers. */
  readonly roles: ReadonlyMap<string, readonly Entry[]>;
  readonly users: ReadonlyMap<string, readonly Entry[]>;
  readonly accounts: ReadonlySet<string>;
  /** By folded ARN, every item of mapRoles and mapUsers that names somebody, those too that never answer. */
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
