import type { Change } from "./change.ts";
import type { Entry, ReadDocument } from "./document.ts";
import { entriesFor, entryOf } from "./entry-of.ts";
import { goFold } from "./go-yaml/fold.ts";
import { readPrincipal } from "./principal/arn.ts";
import type { Section } from "./problem.ts";
import { sameGroups } from "./same-groups.ts";

/** A change with what it means for this document. Changes that ask for what is there already mean nothing. */
export type Intent =
  | {
      readonly type: "add";
      readonly arn: string;
      readonly section: Section;
      readonly username: string;
      readonly groups: readonly string[];
    }
  | {
      readonly type: "edit";
      readonly arn: string;
      readonly entry: Entry;
      readonly username: string;
      readonly groups: readonly string[];
    }
  /** All entries for the ARN go: taking the last one away would bring an earlier one back to life. */
  | { readonly type: "remove"; readonly arn: string; readonly entries: readonly Entry[] };

/** What changes mean for a document. Of two changes for one principal the later one counts. */
export function intend(document: ReadDocument, changes: readonly Change[]): Intent[] {
  const last = new Map<string, Change>();
  for (const change of changes) last.set(goFold(change.arn), change);
  const intents: Intent[] = [];
  for (const change of last.values()) {
    const intent = change.type === "map" ? intendMapping(document, change) : intendRemoval(document, change.arn);
    if (intent !== null) intents.push(intent);
  }
  return intents;
}

function intendMapping(document: ReadDocument, change: Change & { type: "map" }): Intent | null {
  const { arn, username } = change;
  const groups = [...new Set(change.groups)];
  const entry = entryOf(document, arn);
  if (entry !== null) {
    const isSame = entry.username === username && sameGroups(entry.groups, groups);
    return isSame ? null : { type: "edit", arn, entry, username, groups };
  }
  const reading = readPrincipal(arn);
  const section = reading.type === "principal" && reading.principal.kind === "user" ? "mapUsers" : "mapRoles";
  return { type: "add", arn, section, username, groups };
}

function intendRemoval(document: ReadDocument, arn: string): Intent | null {
  const entries = entriesFor(document, arn);
  return entries.length === 0 ? null : { type: "remove", arn, entries };
}
