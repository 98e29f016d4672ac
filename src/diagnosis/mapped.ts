import type { MappedIdentity } from "../access/request/record.ts";
import type { AwsAuthDocument, Caller, Entry } from "../aws-auth/index.ts";
import { entriesFor, entryOf } from "../aws-auth/index.ts";
import type { WhyFacts } from "./facts.ts";
import { type Cause, cause } from "./facts.ts";
import { named, someOf } from "./link.ts";
import { identityWords } from "./person-links.ts";
import { whereEntryIs } from "./unmapped.ts";

const masters = "system:masters";

/** Entries of the caller that lose to another one, and would have given something that the other does not. */
export function rivalCauses(document: AwsAuthDocument, { principal }: Caller): readonly Cause[] {
  const winner = entryOf(document, principal.arn);
  if (!winner) return [];
  return entriesFor(document, principal.arn)
    .filter((entry) => entry !== winner && !entry.reachable && givesMore(entry, winner))
    .map((entry) => shadowed(entry, winner));
}

/**
 * That chance says who the caller is; null: it is certain. The authenticator keeps every user whose ARN differs from another one in
 * the case of letters, and takes whichever it meets first.
 */
export function chanceCause(document: AwsAuthDocument, { principal }: Caller): Cause | null {
  const winner = entryOf(document, principal.arn);
  if (!winner) return null;
  const taken = entriesFor(document, principal.arn).filter(
    ({ reachable, section }) => reachable && section === winner.section,
  );
  if (!taken.some((entry) => givesMore(entry, winner) || givesMore(winner, entry))) return null;
  const each = taken.map((entry) => `the entry ${whereEntryIs(entry)} gives ${identityWords(entry)}`);
  const why = "Only the case of letters tells their ARNs apart, and the authenticator takes any of them.";
  return cause("ambiguous", `Chance decides: ${each.join("; ")}. ${why}`, keepOne);
}

function givesMore(entry: Entry, winner: Entry): boolean {
  return entry.groups.some((group) => !winner.groups.includes(group)) || entry.username !== winner.username;
}

const keepOne = "Keep one entry for each ARN, with all its groups.";

function shadowed(entry: Entry, winner: Entry): Cause {
  const message = `The entry ${whereEntryIs(entry)} gives ${someOf(entry.groups)}, but the entry ${whereEntryIs(winner)} takes its place: of two entries for one ARN nothing is merged.`;
  return cause("shadowed", message, keepOne);
}

/** That nothing comes of being in these groups, as a sentence. */
export function unboundWords(cluster: string, groups: readonly string[]): string {
  return `No RoleBinding or ClusterRoleBinding of ${named(cluster)} names ${someOf(groups)}: being in it gives nothing.`;
}

export const bindIt = "Let somebody who manages the cluster's RBAC bind the group to a role.";

/** Why somebody who can sign in may not list pods. */
export function forbiddenCauses(facts: WhyFacts, identity: MappedIdentity, caller: Caller): readonly Cause[] {
  if (facts.pods?.allowed) return [];
  if (identity.groups.length === 0) return [withoutGroups(facts, identity, caller)];
  const { boundGroups, cluster, pods } = facts;
  const unbound = boundGroups ? identity.groups.filter((group) => group !== masters && !boundGroups.has(group)) : [];
  const causes: Cause[] = [];
  if (unbound.length > 0) {
    causes.push(cause("group-unbound", unboundWords(cluster.name, unbound), bindIt));
  }
  if (unbound.length === identity.groups.length || !pods) return causes;
  const why = pods.reason ? ` The API server says: ${pods.reason.replace(/\.?$/, ".")}` : "";
  const message = `The API server knows ${named(identity.username)} in ${someOf(identity.groups)}, and lets nobody of that name or those groups list pods in ${named("default")}.${why}`;
  return [
    ...causes,
    cause("not-allowed", message, "Look in the namespaces that the role is for, or ask for a level that allows more."),
  ];
}

function withoutGroups({ document, cluster }: WhyFacts, { username }: MappedIdentity, { principal }: Caller): Cause {
  const entry = document ? entryOf(document, principal.arn) : null;
  const remedy = `Ask for a level that brings a group: ${named(`/eks-access request ${cluster.name} ${principal.arn} …`)}.`;
  if (!entry) {
    const message = `${principal.arn} may sign in because mapAccounts names its whole account: as ${named(username)}, in no groups.`;
    return cause("without-groups", message, remedy);
  }
  const wrong = document?.problems.find(
    ({ section, line, code }) =>
      section === entry.section && code === "groups-not-a-list" && isWithin(document, entry, line),
  );
  const message = `The entry ${whereEntryIs(entry)} lets ${principal.arn} sign in as ${named(username)}, in no groups.`;
  return cause("without-groups", wrong ? `${message} ${wrong.message}` : message, wrong?.remedy ?? remedy);
}

/** Whether a line belongs to an entry: from where it begins to where the next one of its section does. */
function isWithin({ entries }: AwsAuthDocument, entry: Entry, line: number | null): boolean {
  if (line === null || line < entry.line) return false;
  const next = entries.find((other) => other.section === entry.section && other.index > entry.index);
  return !next || line < next.line;
}
