import { isFullControl, policyTexts } from "../access/policy/policy-text.ts";
import { type AccessEntry, arrivesUntil } from "../access-entry/index.ts";
import type { Severity } from "../aws-auth/index.ts";
import { untrustedRemedy } from "./cluster-links.ts";
import type { WhyFacts } from "./facts.ts";
import { isOverdue, overdueWords, type ReadEntry, unknownWords } from "./leases.ts";
import { named } from "./link.ts";
import { bindGroupRemedy, unboundWords } from "./mapped.ts";
import { CLUSTER_ADMIN, principalKey } from "./migration/facts.ts";
import type { ReportedProblem } from "./problems.ts";

/** What `check` reports about access entries; docs/diagnosis.md lists them. */
export const entryProblemCodes = [
  "tags-untrusted",
  "lease-overdue",
  "lease-part-removed",
  "entry-hides-nodes",
  "entry-hides-item",
  "entry-without-rights",
  "entry-dead",
  "roles-not-compared",
  "role-of-other-account",
  "role-deleted",
  "role-replaced",
  "group-unbound",
  "claim-unknown",
  "cluster-admin",
  "operator-admin",
] as const;

export interface EntrySurroundings extends Pick<WhyFacts, "creatorArn" | "boundGroups" | "now"> {
  readonly cluster: string;
  readonly operatorArn: string | null;
  /** Ids of the leases in this cluster that are not over, by the ledger. */
  readonly leased: ReadonlySet<string>;
}

export function accessEntryProblems(read: ReadEntry, around: EntrySurroundings): readonly EntryProblem[] {
  const ours = [...distrusted(read), ...overdue(read, around), ...unknownClaims(read, around)];
  if (read.entry.type !== "STANDARD") return ours;
  return [...ours, ...withoutRights(read), ...unbound(read, around), ...administrators(read, around)];
}

function distrusted({ entry, tags }: ReadEntry): readonly EntryProblem[] {
  if (tags.type !== "untrusted") return [];
  const message = `It has tags without a valid seal: ${tags.message}.`;
  return [problemOf("tags-untrusted", "error", entry, message, untrustedRemedy(tags.message))];
}

function overdue({ entry, tags, rescue }: ReadEntry, { now }: EntrySurroundings): readonly EntryProblem[] {
  const shares = tags.type === "holding" ? tags.holding.shares : [];
  const ends = [...shares, ...(rescue ? [rescue] : [])].map(({ endsAt }) => endsAt);
  const [first] = ends.filter((end) => isOverdue(end, now)).sort();
  if (first === undefined) return [];
  const { message, remedy } = overdueWords(first);
  return [problemOf("lease-overdue", "error", entry, message, remedy)];
}

/** Claims of leases that are not active. A claim stays while a call of its lease can still arrive. */
function unknownClaims({ entry, tags }: ReadEntry, { leased, now }: EntrySurroundings): readonly EntryProblem[] {
  if (tags.type !== "holding" || arrivesUntil(tags.openSince, now)) return [];
  const unknown = tags.holding.shares.find(({ id, endsAt }) => !leased.has(id) && Date.parse(endsAt) > now.getTime());
  if (!unknown) return [];
  const { message, remedy } = unknownWords(unknown.endsAt);
  return [problemOf("claim-unknown", "warning", entry, message, remedy)];
}

/** Not about our own entry: drift reports it if it is empty, or a run is about to delete it. */
function withoutRights({ entry, tags }: ReadEntry): readonly EntryProblem[] {
  const { username, groups, policies } = entry;
  if (tags.type === "holding" || groups.length > 0 || policies.length > 0) return [];
  const message = `It has no groups or policies: only a binding of ${named(username)} gives rights.`;
  return [problemOf("entry-without-rights", "warning", entry, message, "Give it one, or delete it.")];
}

function unbound({ entry }: ReadEntry, { cluster, boundGroups }: EntrySurroundings): readonly EntryProblem[] {
  const groups = boundGroups ? entry.groups.filter((group) => !boundGroups.has(group)) : [];
  if (groups.length === 0) return [];
  return [problemOf("group-unbound", "warning", entry, unboundWords(cluster, groups), bindGroupRemedy)];
}

/** The creator is an administrator by design; the operator only while a bootstrap runs. */
function administrators(
  { entry }: ReadEntry,
  { cluster, creatorArn, operatorArn }: EntrySurroundings,
): readonly EntryProblem[] {
  const is = (arn: string | null) => arn !== null && principalKey(entry.principalArn) === principalKey(arn);
  if (is(creatorArn) || !isFullControl(entry.policies.flatMap(policyTexts))) return [];
  if (is(operatorArn)) {
    const left = `The operator ${entry.principalArn} still has ${named(CLUSTER_ADMIN)}: a bootstrap did not end.`;
    return [problemOf("operator-admin", "error", entry, left, `Run \`eks-access bootstrap ${cluster} --apply\`.`)];
  }
  const message = `${entry.principalArn} has ${named(CLUSTER_ADMIN)} in the whole cluster.`;
  return [problemOf("cluster-admin", "notice", entry, message, "Use a narrower policy.")];
}

function problemOf(
  code: EntryProblem["code"],
  severity: Severity,
  { principalArn: place }: AccessEntry,
  message: string,
  remedy: string,
): EntryProblem {
  return { code, severity, place, message, remedy };
}

export type EntryProblem = ReportedProblem & { readonly code: (typeof entryProblemCodes)[number] };
