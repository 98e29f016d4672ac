import { nearest } from "../access/request/nearest.ts";
import type { MappedIdentity } from "../access/request/record.ts";
import {
  type AwsAuthDocument,
  type Caller,
  type Entry,
  entriesFor,
  entryOf,
  type Problem,
  readPrincipal,
  type Section,
  wildcardsFor,
} from "../aws-auth/index.ts";
import { type Cause, cause, type WhyFacts } from "./facts.ts";
import { named, someOf } from "./link.ts";
import { identityWords } from "./person-links.ts";

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

/** Why the document makes nobody of a caller: what was written for them and does not count, the surest first. */
export function unmappedCauses(document: AwsAuthDocument, caller: Caller): readonly Cause[] {
  return [
    ...brokenSections(document, caller),
    ...misspeltSections(document, caller),
    ...droppedContent(document, caller),
    ...neverMatching(document, caller),
    ...wildcards(document, caller),
    ...otherPaths(document, caller),
    ...shutOut(document, caller),
    ...otherAccounts(document, caller),
    ...nearMisses(document, caller),
  ];
}

function problemsOf({ problems }: AwsAuthDocument, ...codes: readonly string[]): readonly Problem[] {
  return problems.filter(({ code }) => codes.includes(code));
}

/** Whether a text names the caller, in whatever way it was meant to be read. */
function names(text: string | null | undefined, { principal }: Caller): boolean {
  return text?.toLowerCase().includes(`/${principal.name.toLowerCase()}`) ?? false;
}

function brokenSections(document: AwsAuthDocument, caller: Caller): Cause[] {
  const own: Section = caller.principal.kind === "role" ? "mapRoles" : "mapUsers";
  return problemsOf(document, "section-unreadable", "section-too-large", "section-not-a-list").flatMap((problem) => {
    const { section, line } = problem;
    if (!section) return [];
    const isNamed = names(document.data[section], caller);
    if (!isNamed && section !== own) return [];
    const where = isNamed
      ? `${caller.principal.arn} stands in it`
      : `if ${caller.principal.arn} stood in it, that is why`;
    return cause("section-broken", `${problem.message} Line ${line ?? 1} of ${section}; ${where}.`, problem.remedy);
  });
}

function misspeltSections(document: AwsAuthDocument, caller: Caller): Cause[] {
  return problemsOf(document, "section-misspelt")
    .filter(({ key }) => key !== undefined && names(document.data[key], caller))
    .map(({ message, remedy }) =>
      cause("section-misspelt", `${message} ${caller.principal.arn} stands there.`, remedy),
    );
}

function droppedContent(document: AwsAuthDocument, caller: Caller): Cause[] {
  return problemsOf(document, "content-dropped").flatMap(({ section, line, message, remedy }) => {
    const { text, droppedAt } = document.sections[section ?? "mapRoles"];
    if (droppedAt === null || !names(text?.slice(droppedAt), caller)) return [];
    return cause(
      "content-dropped",
      `${message} That is line ${line} of ${section}, and ${caller.principal.arn} stands behind it.`,
      remedy,
    );
  });
}

/** Entries that were meant for the caller and are written in a form that no caller ever has. */
function neverMatching({ entries }: AwsAuthDocument, { principal }: Caller): Cause[] {
  return entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn, principal.partition);
    if (reading.type === "principal" || reading.suggestion === undefined) return [];
    if (!isSame(reading.suggestion, principal.arn)) return [];
    const message = `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)} and matches nobody. ${reading.message}`;
    return cause("entry-never-matches", message, `Write ${named(reading.suggestion)} there.`);
  });
}

/** An entry that fits the caller by a wildcard, which most releases of the authenticator take for a letter. */
function wildcards(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  return wildcardsFor(document, principal.arn).map((entry) =>
    cause(
      "entry-never-matches",
      `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)}, which matches ${principal.arn} only where the authenticator is one of the newest releases.`,
      `Write ${named(principal.arn)} into an entry of its own, and take the wildcard out.`,
    ),
  );
}

/** A role's path is never seen, a user's path always counts. */
function otherPaths(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  if (principal.kind !== "user") return [];
  return namesakes(document, principal.name)
    .filter(({ of }) => of.kind === "user" && of.account === principal.account && !isSame(of.arn, principal.arn))
    .map(({ entry }) =>
      cause(
        "user-path",
        `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)}, whose path is another one. The path of an IAM user counts.`,
        `Write ${named(principal.arn)} there, or ask for it with the path that ${named("aws sts get-caller-identity")} shows.`,
      ),
    );
}

function otherAccounts(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  return namesakes(document, principal.name)
    .filter(({ of }) => of.kind === principal.kind && of.account !== principal.account)
    .map(({ entry, of }) =>
      cause(
        "wrong-account",
        `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)} of account ${named(of.account)}; ${principal.arn} is of account ${named(principal.account)}.`,
        `See with ${named("aws sts get-caller-identity")} which account you are signed in to, and use the profile of the other one.`,
      ),
    );
}

function nearMisses(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  const candidates = document.entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn, principal.partition);
    if (reading.type === "invalid") return [];
    const { account, kind, name } = reading.principal;
    return account === principal.account && kind === principal.kind && !isSame(name, principal.name)
      ? [{ entry, name }]
      : [];
  });
  const close = nearest(
    principal.name,
    candidates.map(({ name }) => name),
  );
  const [match] = candidates.filter(({ name }) => name === close);
  if (!match) return [];
  const message = `Nobody stands there as ${principal.arn}, but the entry ${whereEntryIs(match.entry)} is for ${named(match.entry.arn)}.`;
  return [cause("near-miss", message, "If that is meant, one of the two names is mistyped: correct it.")];
}

/** An entry that is found, and refuses the caller by its template. */
function shutOut(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  const entry = entryOf(document, principal.arn);
  if (!entry) return [];
  const message = `The entry ${whereEntryIs(entry)} is for ${principal.arn}, but ${named("{{EC2PrivateDNSName}}")} in it lets only EC2 instances in.`;
  return [cause("template-shuts-out", message, "It is how nodes sign in: people need a role of their own.")];
}

/** Entries of the same last name, in the form that a caller has. */
function namesakes({ entries }: AwsAuthDocument, name: string) {
  return entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn);
    return reading.type === "principal" && isSame(reading.principal.name, name)
      ? [{ entry, of: reading.principal }]
      : [];
  });
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** To be read behind the words `The entry`. */
function whereEntryIs({ section, line }: Entry): string {
  return `in ${section}, line ${line},`;
}
