import {
  endedMigration,
  isMigrationOver,
  type Migration,
  nextMigration,
  runningMigration,
} from "../migration/migration.ts";
import { type Cluster, clusterArnOf } from "../policy/cluster.ts";
import { isApproverOf, isResponsibleFor } from "../policy/may.ts";
import type { Person } from "../policy/person.ts";
import type { Decision } from "../request/record.ts";
import {
  type Click,
  genuineApprovals,
  type Proposal,
  refuseApprover,
  refuseUndecidable,
  sealAnswer,
} from "./approvals.ts";
import type { ApprovalVerdict } from "./check-approval.ts";
import { approversConfirmedForSeconds, lastApproval } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

/** How many different people have to approve: a migration touches everybody of a cluster, administrators too. */
export const migrationApprovals = 2;

/** A click, with what Slack says of the person in place of their id. */
export type MigrationClick = Omit<Click, "by">;

export type MigrationRefusal =
  | "already-decided"
  | "lapsed"
  | "not-an-approver"
  | "no-preview"
  | "change-differs"
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
  if (code || migration.state !== "pending" || !migration.plan) return { type: "refused", code: code ?? "no-preview" };
  const { user: by, memberships } = person;
  const { verdict, digest, why } = click;
  const answer = { verdict, by, digest, why, memberships, requester: null, linked: null };
  const isStillApprover = (approval: Decision) => !departed.has(approval.by) && isApprover(cluster)(approval);
  const { decision, approvals } = sealAnswer(proposalOf(migration, cluster), answer, isStillApprover, keys, now);
  if (verdict === "denied") {
    return { type: "decided", after: endedMigration(migration, now, { state: "denied", denial: decision }) };
  }
  const after = nextMigration(migration, { approvals, voided: null, trouble: null });
  const isEnough = approvals.length >= migrationApprovals;
  return { type: "decided", after: isEnough ? runningMigration(after, migration.plan) : after };
}

/** What approvers are asked about. The cluster is sealed with their decision: its name can come to mean another one. */
function proposalOf({ id, state, lapsesAt, plan, approvals }: Migration, cluster: Cluster): Proposal {
  return { subject: `${id} of ${clusterArnOf(cluster)}`, state, lapsesAt, digest: plan?.digest ?? null, approvals };
}

/** By what Slack said when they approved. */
function isApprover(cluster: Cluster) {
  return ({ by, memberships }: Decision): boolean => isApproverOf(cluster, { user: by, memberships });
}

/**
 * Why a click decides nothing; null: it may. Others learn no more: ids can be guessed, and an end reveals what is in a
 * cluster.
 */
export function refuseMigrationClick(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  click: Omit<MigrationClick, "why">,
  now: Date,
): MigrationRefusal | null {
  if (!isApproverOf(cluster, person)) return "not-an-approver";
  const proposal = proposalOf(migration, cluster);
  return refuseUndecidable(proposal, now) ?? refuseApprover(proposal, { ...click, by: person.user }, cluster);
}

/** The requester and the cluster's approvers and on-call stop a migration between two steps. What was carried out stays. */
export function withdrawMigration(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  why: string,
  now: Date,
): MigrationVerdict {
  if (person.user !== migration.requester && !isResponsibleFor(cluster, person))
    return { type: "refused", code: "not-yours" };
  if (isMigrationOver(migration)) return { type: "refused", code: "over" };
  const withdrawal = { by: person.user, at: now.toISOString(), why };
  return { type: "decided", after: endedMigration(migration, now, { state: "withdrawn", withdrawal }) };
}

/** Makes the next try due at once. */
export function retryMigration(migration: Migration, cluster: Cluster, person: Person, now: Date): MigrationVerdict {
  if (person.user !== migration.requester && !isResponsibleFor(cluster, person))
    return { type: "refused", code: "not-yours" };
  if (isMigrationOver(migration)) return { type: "refused", code: "over" };
  if (!migration.trouble) return { type: "refused", code: "not-in-trouble" };
  const trouble = { ...migration.trouble, retryAt: now.toISOString() };
  return { type: "decided", after: nextMigration(migration, { trouble }) };
}

/**
 * Whether a worker may continue: sealed approvals of this very plan, not too old, and the last one names all approvers as
 * still approvers.
 */
export function checkMigrationApproval(
  migration: Migration,
  cluster: Cluster,
  keys: DecisionPublicKeys,
  now: Date,
  lapsesAfterSeconds: number,
): ApprovalVerdict {
  const oldest = now.getTime() - lapsesAfterSeconds * 1000;
  const recent = genuineApprovals(proposalOf(migration, cluster), keys, now)
    .filter(isApprover(cluster))
    .filter(({ at }) => Date.parse(at) > oldest);
  const last = lastApproval(recent);
  if (last && now.getTime() > Date.parse(last.at) + approversConfirmedForSeconds * 1000) {
    const hours = approversConfirmedForSeconds / 3600;
    return { type: "void", message: `it is more than ${hours} h since Slack confirmed its approvers` };
  }
  const holding = recent.filter(({ by }) => last?.stillApprovers.includes(by));
  if (holding.length >= migrationApprovals) return { type: "valid" };
  const message = `${holding.length} of ${migrationApprovals} approvers have approved exactly this plan in the last ${Math.round(lapsesAfterSeconds / 3600)} h`;
  return { type: "void", message };
}
