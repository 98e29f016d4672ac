import { isUnread } from "../access/access-error.ts";
import { readPrincipal } from "../access/arn.ts";
import { nearest } from "../access/ask/read-part.ts";
import type { MappedIdentity } from "../access/lease/lease-record.ts";
import { type Cluster, isSessionPinned } from "../access/policy/cluster.ts";
import { bindsRoles } from "../access/policy/policy-text.ts";
import { type Caller, sessionNameIn } from "../access/principal.ts";
import { isClosed } from "../access/request.ts";
import {
  type AwsAuthDocument,
  type Entry,
  entriesFor,
  entryAt,
  entryOf,
  MASTERS,
  type Problem,
  render,
  type Section,
  WILDCARD,
  wildcardsFor,
} from "../aws-auth/index.ts";
import { type Cause, cause, type Diagnosis, type WhyFacts } from "./facts.ts";
import { named, someOf } from "./link.ts";
import { identityWords } from "./person-links.ts";

/** The caller's entries that give more, but that another entry replaces. */
export function competingCauses(document: AwsAuthDocument, { principal }: Caller): readonly Cause[] {
  const winner = entryOf(document, principal.arn);
  if (!winner) return [];
  return entriesFor(document, principal.arn)
    .filter((entry) => entry !== winner && !entry.reachable && givesMore(entry, winner))
    .map((entry) => {
      const gives = `The entry ${whereEntryIs(entry)} gives ${identityWords(entry)}`;
      return cause("shadowed", `${gives}, but the entry ${whereEntryIs(winner)} replaces it.`, keepOne);
    });
}

/** The cause of a random identity; null: it is not random. Of users that differ only in case the authenticator picks any. */
export function randomEntryCause(document: AwsAuthDocument, { principal }: Caller): Cause | null {
  const winner = entryOf(document, principal.arn);
  if (!winner) return null;
  const taken = entriesFor(document, principal.arn).filter(
    ({ reachable, section }) => reachable && section === winner.section,
  );
  if (!taken.some((entry) => givesMore(entry, winner) || givesMore(winner, entry))) return null;
  const each = taken.map((entry) => `the entry ${whereEntryIs(entry)} gives ${identityWords(entry)}`);
  return cause("ambiguous", `One of these entries counts, at random: ${each.join("; ")}.`, keepOne);
}

function givesMore(entry: Entry, winner: Entry): boolean {
  return entry.groups.some((group) => !winner.groups.includes(group)) || entry.username !== winner.username;
}

const keepOne = "Keep one entry, with all groups.";

export function unboundWords(cluster: string, groups: readonly string[]): string {
  return `No RBAC binding of ${named(cluster)} names ${someOf(groups)}.`;
}

export const bindGroupRemedy = "Ask the owner of its RBAC to bind the group.";

export function forbiddenCauses(facts: WhyFacts, identity: MappedIdentity, caller: Caller): readonly Cause[] {
  if (facts.pods?.allowed) return [];
  if (identity.groups.length === 0) return withoutGroups(facts, identity, caller);
  const { boundGroups, cluster, pods } = facts;
  const unbound = boundGroups ? identity.groups.filter((group) => group !== MASTERS && !boundGroups.has(group)) : [];
  const causes: Cause[] = [];
  if (unbound.length > 0) {
    causes.push(cause("group-unbound", unboundWords(cluster.name, unbound), bindGroupRemedy));
  }
  if (unbound.length === identity.groups.length || !pods) return causes;
  const why = pods.reason ? ` The API server says: ${pods.reason.replace(/\.?$/, ".")}` : "";
  const message = `The API server knows ${named(identity.username)} in ${someOf(identity.groups)}, but these can't list pods in ${named("default")}.${why}`;
  return [...causes, cause("not-allowed", message, otherNamespaces)];
}

const otherNamespaces = "Use the namespaces of its role, or request another level.";

/** The bindings of a lease need no group. An open request is a cause of its own. */
function withoutGroups(facts: WhyFacts, { username }: MappedIdentity, caller: Caller): readonly Cause[] {
  const { document, cluster, requests, accessEntry } = facts;
  const entry = document && accessEntry.type !== "entry" ? entryOf(document, caller.principal.arn) : null;
  const isWrong = (problem: Problem) =>
    problem.code === "groups-not-a-list" && document !== null && entryAt(document, problem) === entry;
  const wrong = entry && document?.problems.find(isWrong);
  const open = requests.filter((request) => !isClosed(request));
  const bound = open.find(
    ({ groups, lease }) => bindsRoles(groups) && lease?.state === "active" && !lease.end && !lease.drift,
  );
  if (bound) {
    const message = `${named(username)} has ${named(bound.level)} (${named(bound.id)}), which can't list pods in ${named("default")}.`;
    return [cause("not-allowed", message, otherNamespaces)];
  }
  const byPolicy = accessEntry.type === "entry" && accessEntry.policies.length > 0;
  if (byPolicy || (open.length > 0 && !wrong)) return [];
  const place = entry ? `the entry ${whereEntryIs(entry)}`.replace(/,$/, "") : "mapAccounts";
  const by = accessEntry.type === "entry" ? "its access entry" : place;
  const message = `${caller.principal.arn} signs in as ${named(username)} in no groups, by ${by}.`;
  const remedy = wrong?.remedy ?? requestRemedy(cluster, caller);
  return [cause("without-groups", wrong ? `${message} ${wrong.message}` : message, remedy)];
}

/** For a session that is one person, if a level can be for one person. */
export function requestRemedy(cluster: Cluster, { principal, callerArn }: Caller): string {
  const isPerson = sessionNameIn(callerArn) !== null && isSessionPinned(cluster, principal.arn);
  const arn = isPerson && cluster.levels.some(({ groups }) => bindsRoles(groups)) ? callerArn : principal.arn;
  return `Request access: ${named(`/eks-access request ${cluster.name} ${arn} …`)}.`;
}

/** Why the document has no identity for a caller: entries without effect, the most certain first. */
export function unmappedCauses(document: AwsAuthDocument, caller: Caller): readonly Cause[] {
  return [
    ...brokenSections(document, caller),
    ...misspeltSections(document, caller),
    ...droppedContent(document, caller),
    ...(shutOut(document, caller) ?? [
      ...neverMatching(document, caller),
      ...wildcards(document, caller),
      ...otherPaths(document, caller),
      ...otherAccounts(document, caller),
      ...nearMisses(document, caller),
    ]),
  ];
}

function problemsOf({ problems }: AwsAuthDocument, ...codes: readonly string[]): readonly Problem[] {
  return problems.filter(({ code }) => codes.includes(code));
}

/** In any of the forms in which people write an ARN. Bounded: a hostile text could delay the process. */
function names(text: string | null | undefined, { principal: { account, kind, name } }: Caller): boolean {
  const kinds = kind === "role" ? "(?:assumed-)?role" : "user";
  const pattern = `:${account}:${kinds}/(?:[!-.0-9;-~]{1,128}/){0,8}${name.replaceAll(/[.+]/g, "\\$&")}(?![\\w+=.@-])`;
  return new RegExp(pattern, "i").test(text ?? "");
}

function brokenSections(document: AwsAuthDocument, caller: Caller): Cause[] {
  const own: Section = caller.principal.kind === "role" ? "mapRoles" : "mapUsers";
  return document.problems.flatMap((problem) => {
    const { code, section, line } = problem;
    if (!section || !isUnread(code)) return [];
    const isNamed = names(document.data[section], caller);
    if (!isNamed && section !== own) return [];
    return unread(
      "section-broken",
      problem,
      `line ${line ?? 1} of ${section}`,
      `${isNamed ? "is" : "may have been"} in it`,
      caller,
    );
  });
}

/** Text that the authenticator does not read. @param has what the caller has to do with it */
function unread(
  code: "section-broken" | "section-misspelt" | "content-dropped",
  { message, remedy }: Problem,
  place: string,
  has: string,
  { principal }: Caller,
): Cause {
  return cause(code, `${message} It is ${place}; ${principal.arn} ${has}.`, remedy);
}

function misspeltSections(document: AwsAuthDocument, caller: Caller): Cause[] {
  return problemsOf(document, "section-misspelt", "field-misplaced")
    .filter(({ key }) => key !== undefined && names(document.data[key], caller))
    .map((problem) => unread("section-misspelt", problem, String(problem.key), "is in it", caller));
}

function droppedContent(document: AwsAuthDocument, caller: Caller): Cause[] {
  return problemsOf(document, "content-dropped").flatMap((problem) => {
    const { section, line } = problem;
    const { text, droppedAt } = document.sections[section ?? "mapRoles"];
    if (droppedAt === null || !names(text?.slice(droppedAt), caller)) return [];
    return unread("content-dropped", problem, `line ${line} of ${section}`, "comes after it", caller);
  });
}

function neverMatching({ entries }: AwsAuthDocument, { principal }: Caller): Cause[] {
  return entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn, principal.partition);
    if (reading.type === "principal" || reading.suggestion === undefined) return [];
    if (!isSame(reading.suggestion, principal.arn)) return [];
    const message = `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)} and never matches. ${reading.message}`;
    return cause("entry-never-matches", message, `Write ${named(reading.suggestion)} there.`);
  });
}

/** A wildcard entry that fits the caller; most releases of the authenticator read the wildcard as a letter. */
function wildcards(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  return wildcardsFor(document, principal.arn).map((entry) =>
    cause(
      "entry-never-matches",
      `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)}. ${WILDCARD}`,
      `Give ${named(principal.arn)} its own entry, and remove the wildcard.`,
    ),
  );
}

/** The authenticator ignores a role's path, but not a user's path. */
function otherPaths(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  if (principal.kind !== "user") return [];
  return namesakes(document, principal.name)
    .filter(({ of }) => of.kind === "user" && of.account === principal.account && !isSame(of.arn, principal.arn))
    .map(({ entry }) => almost("user-path", entry, principal.arn));
}

function otherAccounts(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  return namesakes(document, principal.name)
    .filter(({ of }) => of.kind === principal.kind && of.account !== principal.account)
    .map(({ entry }) => almost("wrong-account", entry, principal.arn));
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
  return match ? [almost("near-miss", match.entry, principal.arn)] : [];
}

/** An entry with another path, account or name. */
function almost(code: "user-path" | "wrong-account" | "near-miss", entry: Entry, arn: string): Cause {
  const message = `aws-auth has no ${arn}, but the entry ${whereEntryIs(entry)} is for ${named(entry.arn)}.`;
  return cause(code, message, `If it means you, write ${named(arn)} there.`);
}

const onlyInstances = "`{{EC2PrivateDNSName}}` lets only EC2 instances sign in.";

/** Null: the caller has no entry. */
function shutOut(document: AwsAuthDocument, { principal }: Caller): Cause[] | null {
  const entry = entryOf(document, principal.arn);
  if (!entry) return null;
  const message = `The entry ${whereEntryIs(entry)} is for ${principal.arn}. ${onlyInstances}`;
  return [cause("template-shuts-out", message, "Use another role for people.")];
}

/** Of an entry for nodes, which takes no change; null: it is for people. */
export function diagnoseNodeEntry(
  { identity, kind }: Extract<WhyFacts["accessEntry"], { type: "entry" }>,
  { principal, callerArn }: Caller,
  pods: WhyFacts["pods"],
): Pick<Diagnosis, "identity" | "symptom" | "causes"> | null {
  if (kind === "STANDARD") return null;
  const sessionName = sessionNameIn(callerArn) ?? "";
  const isShutOut = render(identity.username, { accountId: principal.account, sessionName }) === null;
  const only = isShutOut ? ` ${onlyInstances}` : "";
  const message = `The access entry of ${principal.arn} is for nodes (${named(kind)}).${only}`;
  const code = isShutOut ? "template-shuts-out" : "access-entry-wins";
  const causes = [cause(code, message, "Use another role for people.")];
  if (isShutOut) return { identity: null, symptom: "unauthorized", causes };
  return { identity, symptom: pods?.allowed ? "none" : "forbidden", causes };
}

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

function whereEntryIs({ section, line }: Entry): string {
  return `in ${section}, line ${line},`;
}
