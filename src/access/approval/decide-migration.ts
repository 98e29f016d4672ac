import {
  endedMigration,
  hasApproved,
  isMigrationOver,
  type Migration,
  nextMigration,
  runningMigration,
} from "../migration/migration.ts";
import { type Cluster, clusterArnOf } from "../policy/cluster.ts";
import { answersFor, approvesFor } from "../policy/may.ts";
import type { Person } from "../policy/person.ts";
import type { Decision } from "../request/record.ts";
import type { ApprovalVerdict } from "./check-approval.ts";
import { isAhead, lastApproval, statementGoodForSeconds } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import { isSealedDecision, sealDecision } from "./seals.ts";

/** How many different people have to approve: a migration touches everybody of a cluster, administrators too. */
export const migrationApprovals = 2;

export interface MigrationClick {
  readonly verdict: "approved" | "denied";
  /** The digest that the button carried. */
  readonly digest: string;
  readonly why: string;
}

export type MigrationRefusal =
  | "already-decided"
  | "lapsed"
  | "not-an-approver"
  | "no-plan"
  | "plan-differs"
  | "quiet"
  | "approved-already"
  | "over"
  | "not-yours"
  | "not-in-trouble";

export type MigrationVerdict =
  /** `after` is the next version of the record. */
  | { readonly type: "decided"; readonly after: Migration }
  | { readonly type: "refused"; readonly code: MigrationRefusal };

/** Decides a click on the message of a migration. Anything doubtful is refused. `departed`: who approved before and is no approver any more. */
export function decideMigration(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  click: MigrationClick,
  keys: DecisionKeys,
  now: Date,
  departed: ReadonlyMap<string, string> = new Map(),
): MigrationVerdict {
  const code = refuseMigrationClick(migration, cluster, person, click, now);
  if (code || migration.state !== "pending" || !migration.plan) return { type: "refused", code: code ?? "no-plan" };
  const { verdict, digest, why } = click;
  const { user: by, memberships } = person;
  const at = now.toISOString();
  const unsealed = { verdict, by, at, digest, why, memberships, requester: null, linked: null, stillApprovers: [] };
  if (verdict === "denied") {
    const decision = sealDecision(unsealed, subjectOf(migration, cluster), keys);
    return { type: "decided", after: endedMigration(migration, now, { state: "denied", denial: decision }) };
  }
  const before = standing(migration, cluster, keys, now).filter((approval) => !departed.has(approval.by));
  const stillApprovers = [...before.map((approval) => approval.by), by];
  const approvals = [...before, sealDecision({ ...unsealed, stillApprovers }, subjectOf(migration, cluster), keys)];
  const after = nextMigration(migration, { approvals, voided: null, trouble: null });
  const isEnough = approvals.length >= migrationApprovals;
  return { type: "decided", after: isEnough ? runningMigration(after, migration.plan) : after };
}

/**
 * Why a click on the message of a migration decides nothing; null: it may. A person who may not learns nothing else: ids of migrations can be
 * guessed, and how one ended says what is in the cluster.
 */
export function refuseMigrationClick(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  { verdict, digest }: MigrationClick,
  now: Date,
): MigrationRefusal | null {
  if (!approvesFor(cluster, person)) return "not-an-approver";
  if (migration.state !== "pending") return "already-decided";
  // A time that can't be read is over.
  if (!(now.getTime() < Date.parse(migration.lapsesAt))) return "lapsed";
  if (!migration.plan) return "no-plan";
  if (migration.plan.digest !== digest) return "plan-differs";
  if (verdict === "denied") return null;
  if (cluster.quiet !== null) return "quiet";
  return hasApproved(migration, person.user) ? "approved-already" : null;
}

/** The requester and the cluster's approvers and on-call stop a migration between two steps. What was carried out stays. */
export function withdrawMigration(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  why: string,
  now: Date,
): MigrationVerdict {
  if (person.user !== migration.requester && !answersFor(cluster, person))
    return { type: "refused", code: "not-yours" };
  if (isMigrationOver(migration)) return { type: "refused", code: "over" };
  const withdrawal = { by: person.user, at: now.toISOString(), why };
  return { type: "decided", after: endedMigration(migration, now, { state: "withdrawn", withdrawal }) };
}

/** What was repaired is tried at once, and not when its time comes. */
export function retryMigration(migration: Migration, cluster: Cluster, person: Person, now: Date): MigrationVerdict {
  if (person.user !== migration.requester && !answersFor(cluster, person))
    return { type: "refused", code: "not-yours" };
  if (isMigrationOver(migration)) return { type: "refused", code: "over" };
  if (!migration.trouble) return { type: "refused", code: "not-in-trouble" };
  const trouble = { ...migration.trouble, retryAt: now.toISOString() };
  return { type: "decided", after: nextMigration(migration, { trouble }) };
}

/**
 * Whether a worker may go on with it: sealed approvals of its very plan, not too old, of people of whom the last one says that they are
 * still approvers.
 */
export function checkMigration(
  migration: Migration,
  cluster: Cluster,
  keys: DecisionPublicKeys,
  now: Date,
  lapsesAfterSeconds: number,
): ApprovalVerdict {
  const oldest = now.getTime() - lapsesAfterSeconds * 1000;
  const recent = standing(migration, cluster, keys, now).filter(({ at }) => Date.parse(at) > oldest);
  const last = lastApproval(recent);
  if (last && now.getTime() > Date.parse(last.at) + statementGoodForSeconds * 1000) {
    const hours = statementGoodForSeconds / 3600;
    return { type: "void", message: `it is more than ${hours} h ago that its approvers were seen to be approvers` };
  }
  const holding = recent.filter(({ by }) => last?.stillApprovers.includes(by));
  if (holding.length >= migrationApprovals) return { type: "valid" };
  const message = `${holding.length} of ${migrationApprovals} approvers have approved exactly this plan in the last ${Math.round(lapsesAfterSeconds / 3600)} h`;
  return { type: "void", message };
}

/** The approvals that count: ours, of this plan, not of the future, of people who are approvers. One for each person. */
function standing(migration: Migration, cluster: Cluster, keys: DecisionPublicKeys, now: Date): readonly Decision[] {
  const holding = migration.approvals
    .filter(({ verdict, digest }) => verdict === "approved" && digest === migration.plan?.digest)
    .filter((decision) => !isAhead(decision, now) && isSealedDecision(decision, subjectOf(migration, cluster), keys))
    .filter(({ by, memberships }) => approvesFor(cluster, { user: by, memberships }));
  return [...new Map(holding.map((decision) => [decision.by, decision])).values()];
}

/** What is sealed with a decision, so that it is of no use for another migration or cluster, nor for a request. */
function subjectOf({ id }: Migration, cluster: Cluster): string {
  return `${id} of ${clusterArnOf(cluster)}`;
}
