import type { Drift } from "../access/lease/drift.ts";
import { baseOf, isGivenByEntry } from "../access/lease/holding.ts";
import type { MappedIdentity } from "../access/lease/lease-record.ts";
import { type Cluster, clusterArnOf } from "../access/policy/cluster.ts";
import { accessPolicies, kubernetesGroups } from "../access/policy/policy-text.ts";
import { withoutRolePath } from "../access/principal.ts";
import type { ApprovedRequest } from "../access/record.ts";
import { identityOfEntry } from "../access-entry/index.ts";
import { type AwsAuthDocument, type Entry, entryOf, isNode, MASTERS, resolve } from "../aws-auth/index.ts";
import { accessEntryProblems, type EntryProblem } from "./access-entry-problems.ts";
import type { WhyFacts } from "./facts.ts";
import { entryDrift, heldIn, isInForce, leaseProblems, type OpenLeases, type ReadEntry } from "./leases.ts";
import { named, someOf } from "./link.ts";
import {
  authenticatedGroup,
  CLUSTER_ADMIN,
  entryForNodes,
  lostByNodes,
  nodeTypeOf,
  principalKey,
} from "./migration/facts.ts";
import { signInByEntry } from "./migration/plan.ts";
import { identityWords, type Reader } from "./person-links.ts";
import { groupProblems, type ReportedProblem } from "./problems.ts";
import {
  absentRoleProblems,
  isRefused,
  type RoleTimes,
  refusedWords,
  remadeRoleProblems,
  rolesNotCompared,
} from "./remade-roles.ts";
import { type NamedRole, replacedRoleProblem, replacedRoles, roleInEntry, rolesInDocument } from "./replaced-roles.ts";
import type { EntriesReport } from "./reports.ts";

export interface EntriesFacts extends Pick<WhyFacts, "cluster" | "creatorArn" | "document" | "boundGroups" | "now"> {
  /** The ARNs of all principals, with their paths. */
  readonly listed: readonly string[];
  readonly read: readonly ReadEntry[];
  readonly leased: OpenLeases;
  readonly asker: Reader;
  readonly roles: RoleTimes;
}

/** The report on the access entries, bounded so that a message can hold it. */
export type EntriesSummary = Omit<Extract<EntriesReport, { readonly type: "checked" }>, "type" | "unread" | "why">;

const maxGroups = 7;

export function summarizeEntries(facts: EntriesFacts): EntriesSummary {
  const { cluster, creatorArn, listed, read, document, boundGroups, leased, asker, roles, now } = facts;
  const operatorArn = cluster.operator?.roleArn ?? null;
  const around = { cluster: cluster.name, creatorArn, operatorArn, boundGroups, leased: leased.ids, now };
  const replaced = replacedRoles(rolesNamed(facts), roles.absent);
  const asked = { entries: read.map(({ entry }) => entry), document };
  // What is wrong with the rights of an entry is no cause while it lets no one in.
  const problems: readonly ReportedProblem[] = [
    ...remadeRoleProblems(cluster, asked.entries, roles),
    ...outdatedEntries(facts),
    ...read.flatMap((each) => accessEntryProblems(each, around)),
    ...leaseProblems(driftsIn(facts), cluster, asker, "its access entry"),
    ...(document ? read.flatMap((each) => hiddenItem(each, document, cluster) ?? []) : []),
    ...replaced.map((set) => replacedRoleProblem(set, cluster)),
    ...absentRoleProblems(cluster, roles, replaced),
    ...rolesNotCompared(cluster, asked, roles),
  ];
  return {
    ...groupProblems(problems, maxGroups),
    listed: listed.length,
    types: typesOf(read),
    knowsBindings: boundGroups !== null,
  };
}

/** All roles of people: by access entries, and by the items of aws-auth that count beside them. */
function rolesNamed({ listed, read, document }: EntriesFacts): readonly NamedRole[] {
  const since = new Map(read.map(({ entry }) => [entry.principalArn, entry.createdAt]));
  const byEntry = listed.map((principalArn) => roleInEntry({ principalArn, createdAt: since.get(principalArn) }));
  return [...byEntry, ...(document ? rolesInDocument(document) : [])];
}

/** Older entries of others that did not let the principal of a lease in, and about which IAM did not answer. */
function outdatedEntries({ cluster, leased, read, roles }: EntriesFacts): readonly ReportedProblem[] {
  return leased.still.filter(isInForce).flatMap((request) => {
    const found = read.find(({ entry }) => principalKey(entry.principalArn) === principalKey(request.principal));
    if (!isRefused(request) || found?.entry.type !== "STANDARD") return [];
    if (roles.madeAt.has(found.entry.principalArn)) return [];
    const words = refusedWords(cluster, found.entry, request);
    return [{ code: "entry-dead", severity: "warning", place: found.entry.principalArn, ...words }];
  });
}

function typesOf(read: readonly ReadEntry[]): EntriesSummary["types"] {
  const counts = new Map<string, number>();
  for (const { entry } of read) counts.set(entry.type, (counts.get(entry.type) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count })).toSorted((a, b) => b.count - a.count);
}

function driftsIn({ listed, read, leased }: EntriesFacts): readonly Drift[] {
  const byArn = new Map(read.map((each) => [principalKey(each.entry.principalArn), each]));
  const known = new Set(listed.map(principalKey));
  return leasesIn(leased.still).flatMap((request) => {
    const key = principalKey(request.principal);
    const found = byArn.get(key) ?? null;
    // An unread entry can have the whole lease.
    const isUnread = !found && known.has(key);
    return (isUnread ? null : entryDrift(request, found)) ?? [];
  });
}

/** The order of reading, where not all can be read: first those of leases and those that may hide an item. */
export function readingOrder(
  listed: readonly string[],
  leased: readonly ApprovedRequest[],
  document: AwsAuthDocument | null,
): readonly string[] {
  const arns = new Map(listed.map((arn) => [principalKey(arn), arn]));
  const first = [
    ...leasesIn(leased).map(({ principal }) => principal),
    ...(document?.entries ?? []).map(({ arn }) => arn),
  ].flatMap((arn) => arns.get(principalKey(arn)) ?? []);
  return [...new Set([...first, ...listed])];
}

function leasesIn(leased: readonly ApprovedRequest[]): readonly ApprovedRequest[] {
  return leased.filter((request) => isInForce(request) && isGivenByEntry(request));
}

/** How an access entry, without our lease, differs from the item of aws-auth that it hides; null: no item, or no difference. */
function hiddenItem(read: ReadEntry, document: AwsAuthDocument, cluster: Cluster): EntryProblem | null {
  const { principalArn, type, username } = read.entry;
  const item = entryOf(document, withoutRolePath(principalArn));
  if (!item) return null;
  if (isNode(item)) return hiddenNodes(read, item, cluster);
  if (type !== "STANDARD") return differsFromNodes(read, item, groupsOf(item), "Use another role for people.");
  const given = withoutLeases(read);
  const lost = lostBy(read, given, document);
  if (lost === null) return null;
  return differs(principalArn, item, `says ${identityWords({ username, groups: given })}`, lost);
}

/** Nodes need an entry of their own type: an entry for people has none of the groups that EKS gives to nodes. */
function hiddenNodes(read: ReadEntry, item: Entry, cluster: Cluster): EntryProblem | null {
  const { principalArn, type } = read.entry;
  const wanted = nodeTypeOf(item);
  const renew = `Delete it and create one for nodes: ${entryForNodes(clusterArnOf(cluster), wanted, principalArn)}.`;
  if (type !== "STANDARD" && namesBySession.has(type) === namesBySession.has(wanted)) {
    const lost = lostByNodes(item, type);
    if (lost.length === 0) return null;
    return differsFromNodes(read, item, lost, lostByNodes(item).length === 0 ? renew : "Delete it.");
  }
  const message = `The access entry of ${principalArn} overrides ${placeIn(item)} of aws-auth: nodes can't join.`;
  return { code: "entry-hides-nodes", severity: "error", place: principalArn, message, remedy: renew };
}

/** Their nodes have the name of their session, others the DNS name of their EC2 instance (EKS User Guide, "Create access entries"). */
const namesBySession: ReadonlySet<string> = new Set(["FARGATE_LINUX", "HYBRID_LINUX"]);

/** EKS refuses groups and access policies for an access entry of nodes. */
function differsFromNodes({ entry }: ReadEntry, item: Entry, lost: readonly string[], remedy: string): EntryProblem {
  return { ...differs(entry.principalArn, item, `is for nodes, of type ${named(entry.type)}`, lost), remedy };
}

/** What the entry gives without us. An entry that is wholly ours hides the item too. */
function withoutLeases(read: ReadEntry): readonly string[] {
  const held = heldIn(read);
  const whole = identityOfEntry(read.entry, held);
  return (baseOf(whole, held) ?? whole)?.groups ?? [];
}

/** What aws-auth gives and the entry does not. Null: they give the same. */
function lostBy({ entry }: ReadEntry, given: readonly string[], document: AwsAuthDocument): readonly string[] | null {
  const arn = withoutRolePath(entry.principalArn);
  const byEntry = { username: entry.username, groups: kubernetesGroups(given), policies: accessPolicies(given) };
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

function groupsOf({ groups }: Pick<MappedIdentity, "groups">): readonly string[] {
  return groups.filter((group) => group !== authenticatedGroup);
}

/** @param byEntry how the entry differs, to follow `It` */
function differs(principalArn: string, item: Entry, byEntry: string, lost: readonly string[]): EntryProblem {
  const loss = lost.length > 0 ? ` and loses ${someOf(lost)}` : "";
  return {
    code: "entry-hides-item",
    severity: "warning",
    place: principalArn,
    message: `The access entry of ${principalArn} overrides ${placeIn(item)} of aws-auth${loss}. It ${byEntry}; aws-auth says ${identityWords(item)}.`,
    remedy: "Add what the access entry lacks, or delete it.",
  };
}

function placeIn({ section, line }: Entry): string {
  return `${section} line ${line}`;
}
