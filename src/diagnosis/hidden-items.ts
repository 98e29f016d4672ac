import { baseOf } from "../access/lease/holding.ts";
import { groupsIn, policiesIn } from "../access/policy/policy-text.ts";
import type { MappedIdentity } from "../access/request/record.ts";
import { identityOfEntry } from "../access-entry/index.ts";
import type { AwsAuthDocument, Entry } from "../aws-auth/index.ts";
import { entryOf, isNode, MASTERS, resolve, withoutRolePath } from "../aws-auth/index.ts";
import { heldIn, type ReadEntry } from "./entry-lease.ts";
import type { EntryProblem } from "./entry-problem-codes.ts";
import { named, someOf } from "./link.ts";
import { CLUSTER_ADMIN } from "./migration/facts.ts";
import { lostByNodes, nodeTypeOf } from "./migration/node-entry.ts";
import { signInByEntry } from "./migration/sign-in.ts";
import { identityWords } from "./person-links.ts";

/**
 * How the access entry of a principal differs from its item of aws-auth, for which nobody asks where a cluster reads both.
 * Null: there is no item, or it says the same. What a lease of ours adds to the entry is no difference.
 */
export function hiddenItem(read: ReadEntry, document: AwsAuthDocument): EntryProblem | null {
  const { principalArn, type, username } = read.entry;
  const item = entryOf(document, withoutRolePath(principalArn));
  if (!item) return null;
  if (isNode(item)) return hiddenNodes(read, item);
  if (type !== "STANDARD") {
    return differs(principalArn, item, `is for nodes, of type ${named(type)}`, groupsOf(item));
  }
  const given = withoutLeases(read);
  const lost = lostBy(read, given, document);
  if (lost === null) return null;
  return differs(principalArn, item, `says ${identityWords({ username, groups: given })}`, lost);
}

/** Nodes that have no entry of theirs can't join: one of people brings none of the groups that EKS gives to nodes. */
function hiddenNodes({ entry: { principalArn, type } }: ReadEntry, item: Entry): EntryProblem | null {
  if (type !== "STANDARD") {
    const lost = lostByNodes(item);
    return lost.length > 0 ? differs(principalArn, item, `is for nodes, of type ${named(type)}`, lost) : null;
  }
  return {
    code: "entry-hides-nodes",
    severity: "error",
    place: principalArn,
    message: `${placeIn(item)} of aws-auth is how nodes sign in, and the access entry of ${principalArn}, which goes before it, is one of people: nodes of this role can't join.`,
    remedy: `Delete the entry, and make one of the nodes' type: ${named(`aws eks create-access-entry --type ${nodeTypeOf(item)}`)}.`,
  };
}

/** All that the entry gives without us; what is wholly ours hides the item as well. */
function withoutLeases(read: ReadEntry): readonly string[] {
  const held = heldIn(read);
  const whole = identityOfEntry(read.entry, held);
  return (baseOf(whole, held) ?? whole)?.groups ?? [];
}

/** What aws-auth gives and the entry does not. Null: they say the same. */
function lostBy({ entry }: ReadEntry, given: readonly string[], document: AwsAuthDocument): readonly string[] | null {
  const arn = withoutRolePath(entry.principalArn);
  const byEntry = { username: entry.username, groups: groupsIn(given), policies: policiesIn(given) };
  const now = signInByEntry(byEntry, arn);
  const before = resolve(document, arn);
  if (!now || !before) return null;
  const wasAdmin = before.groups.includes(MASTERS);
  const lost = now.isAdmin ? [] : groupsOf(before).filter((group) => !now.groups.includes(group));
  const gained = wasAdmin ? [] : now.groups.filter((group) => !before.groups.includes(group));
  const more = byEntry.policies.filter(({ name }) => !(wasAdmin && name === CLUSTER_ADMIN));
  const isSame = now.username === before.username && lost.length + gained.length + more.length === 0;
  return isSame ? null : lost;
}

/** Whoever signs in is in it by the API server itself. */
const everybody = "system:authenticated";

function groupsOf({ groups }: Pick<MappedIdentity, "groups">): readonly string[] {
  return groups.filter((group) => group !== everybody);
}

/** @param byEntry whom the entry makes of the principal, to go on from `It` */
function differs(principalArn: string, item: Entry, byEntry: string, lost: readonly string[]): EntryProblem {
  const loss = lost.length > 0 ? `, and does without ${someOf(lost)}` : "";
  return {
    code: "entry-hides-item",
    severity: "warning",
    place: principalArn,
    message: `The access entry of ${principalArn} goes before ${placeIn(item)} of aws-auth, which counts for nothing${loss}. It ${byEntry}; aws-auth says ${identityWords(item)}.`,
    remedy:
      "Give the entry what is missing and take the item out of aws-auth; or delete the entry, and the item counts again.",
  };
}

function placeIn({ section, line }: Entry): string {
  return `${section} line ${line}`;
}
