import { readPrincipal } from "./arn.ts";
import { type Entry, type ReadDocument, type Section, sameGroups } from "./document.ts";
import { goFold } from "./fold.ts";
import { entriesFor, entryOf } from "./read-document.ts";

/** `map`: the entry says exactly this afterwards, and is added if there is none. `unmap`: there is none afterwards. */
export type Change =
  | { type: "map"; arn: string; username: string; groups: readonly string[] }
  | { type: "unmap"; arn: string };

/** What a plan must not do. */
export interface PlanGuard {
  /** Never put into the map. */
  creatorArn?: string;
  /** The cluster's own. */
  account?: string;
  partition?: string;
  /** Accounts that the policy names. */
  allowForeignAccounts?: readonly string[];
  /** The policy names system:masters. */
  allowMasters?: boolean;
  /** The last administrator in the document may go, so that a lease can end in time. */
  allowNoAdministrator?: boolean;
}

/** Why eks-access does not do something. */
export interface Refusal {
  code: string;
  /** What, where and how to fix it. */
  message: string;
  arn?: string;
}

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
  /** All entries for the ARN go: removing only the last one would activate an earlier one. */
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
