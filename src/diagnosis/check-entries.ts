import type { Drift } from "../access/lease/drift.ts";
import { isGivenByEntry } from "../access/lease/written.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/request/record.ts";
import type { AwsAuthDocument } from "../aws-auth/index.ts";
import { accessEntryProblems } from "./access-entry-problems.ts";
import { entryDrift, isInForce, type ReadEntry } from "./entry-lease.ts";
import type { EntryProblem } from "./entry-problem-codes.ts";
import { hiddenItem } from "./hidden-items.ts";
import { type Granted, leaseProblems, type Reader } from "./lease-problems.ts";
import { principalKey } from "./migration/facts.ts";
import { type GroupedProblems, groupProblems } from "./problem-groups.ts";

/** All that a report on the access entries of a cluster goes by. */
export interface EntriesFacts {
  readonly cluster: Cluster;
  readonly creatorArn: string;
  /** The ARNs of all principals, with their paths. */
  readonly listed: readonly string[];
  /** Those of them that were read. */
  readonly read: readonly ReadEntry[];
  /** Null: the cluster does not read it, there is none, or it could not be read. */
  readonly document: AwsAuthDocument | null;
  /** Groups that any binding of the cluster names; null: could not be asked. */
  readonly boundGroups: ReadonlySet<string> | null;
  readonly granted: Granted;
  readonly asker: Reader;
  readonly now: Date;
}

/** What there is to tell of the access entries, bounded so that a message can hold it. */
export interface EntriesSummary extends GroupedProblems {
  /** How many the cluster has. */
  readonly listed: number;
  /** Of those that were read, the most first. */
  readonly types: readonly { readonly type: string; readonly count: number }[];
  /** Whether it could be asked which groups RBAC binds. */
  readonly knowsBindings: boolean;
}

const mostGroups = 7;

/** Sums up the access entries of a cluster as far as they were read. */
export function summarizeEntries(facts: EntriesFacts): EntriesSummary {
  const { cluster, creatorArn, listed, read, document, boundGroups, granted, asker, now } = facts;
  const around = { cluster: cluster.name, creatorArn, boundGroups, granted: granted.ids, now };
  const problems: readonly EntryProblem[] = [
    ...read.flatMap((each) => accessEntryProblems(each, around)),
    ...leaseProblems(driftsIn(facts), cluster, asker, "its access entry"),
    ...(document ? read.flatMap((each) => hiddenItem(each, document) ?? []) : []),
  ];
  return {
    ...groupProblems(problems, mostGroups),
    listed: listed.length,
    types: typesOf(read),
    knowsBindings: boundGroups !== null,
  };
}

function typesOf(read: readonly ReadEntry[]): EntriesSummary["types"] {
  const counts = new Map<string, number>();
  for (const { entry } of read) counts.set(entry.type, (counts.get(entry.type) ?? 0) + 1);
  return [...counts].map(([type, count]) => ({ type, count })).toSorted((a, b) => b.count - a.count);
}

/** Grants in force of which somebody took a part out of their access entry. */
function driftsIn({ listed, read, granted }: EntriesFacts): readonly Drift[] {
  const byArn = new Map(read.map((each) => [principalKey(each.entry.principalArn), each]));
  const known = new Set(listed.map(principalKey));
  return leasesIn(granted.still).flatMap((request) => {
    const key = principalKey(request.principal);
    const found = byArn.get(key) ?? null;
    // What was not read may hold it all.
    const isUnread = !found && known.has(key);
    return (isUnread ? null : entryDrift(request, found)) ?? [];
  });
}

/** In which order a cluster's entries are read, where not all may be: those of leases and those that may hide an item first. */
export function readingOrder(
  listed: readonly string[],
  granted: readonly AccessRequest[],
  document: AwsAuthDocument | null,
): readonly string[] {
  const arns = new Map(listed.map((arn) => [principalKey(arn), arn]));
  const first = [
    ...leasesIn(granted).map(({ principal }) => principal),
    ...(document?.entries ?? []).map(({ arn }) => arn),
  ].flatMap((arn) => arns.get(principalKey(arn)) ?? []);
  return [...new Set([...first, ...listed])];
}

/** The grants that must stand in access entries now. */
function leasesIn(granted: readonly AccessRequest[]): readonly AccessRequest[] {
  return granted.filter((request) => isInForce(request) && isGivenByEntry(request));
}
