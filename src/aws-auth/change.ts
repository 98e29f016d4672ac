import { readPrincipal } from "./arn.ts";
import { type Entry, entriesFor, entryOf, type ReadDocument, type Section, sameGroups } from "./document.ts";
import { goFold } from "./fold.ts";

/** `map`: the entry then has exactly this, and is added if it is absent. `unmap`: there is no entry then. */
export type Change =
  | { type: "map"; arn: string; username: string; groups: readonly string[] }
  | { type: "unmap"; arn: string };

/** The limits of a plan. */
export interface PlanGuard {
  /** The creator: never in the map. Null: unknown. */
  creatorArn?: string | null;
  /** Our own role in the cluster: its entry never changes. */
  operatorArn?: string | undefined;
  account?: string;
  partition?: string;
  allowForeignAccounts?: readonly string[];
  /** Whether the policy allows system:masters. */
  allowMasters?: boolean;
  /** Whether the last administrator in the document can leave, so that a lease can end in time. */
  allowNoAdministrator?: boolean;
}

export interface Refusal {
  code: string;
  message: string;
  arn?: string;
}

/** A change, translated for this document. A fulfilled change has no intent. */
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

/** The changes, translated for a document. Of two changes for one principal the later one counts. */
export function intentsOf(document: ReadDocument, changes: readonly Change[]): Intent[] {
  const last = new Map<string, Change>();
  for (const change of changes) last.set(goFold(change.arn), change);
  const intents: Intent[] = [];
  for (const change of last.values()) {
    const intent = change.type === "map" ? mappingIntent(document, change) : removalIntent(document, change.arn);
    if (intent !== null) intents.push(intent);
  }
  return intents;
}

function mappingIntent(document: ReadDocument, change: Change & { type: "map" }): Intent | null {
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

function removalIntent(document: ReadDocument, arn: string): Intent | null {
  const entries = entriesFor(document, arn);
  return entries.length === 0 ? null : { type: "remove", arn, entries };
}
