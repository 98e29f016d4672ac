import {
  type Click,
  genuineApprovals,
  hasApproved,
  type Proposal,
  refuseApprover,
  refuseUndecidable,
  sealAnswer,
  type Verdict,
} from "./approvals.ts";
import { endedMigration, isMigrationOver, type Migration, nextMigration } from "./migration.ts";
import { type Cluster, clusterArnOf } from "./policy/cluster.ts";
import { clusterApprovers, isApproverOf, isResponsibleFor, type Person } from "./policy/rule.ts";
import { type Decision, isTheirs } from "./record.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import { approversConfirmedForSeconds, lastApproval } from "./seals.ts";

/** How many different people must approve. A migration touches everyone in a cluster, administrators too. */
export const migrationApprovals = 2;

export function approversLeft(migration: Migration, cluster: Cluster): readonly string[] {
  return clusterApprovers(cluster).filter((each) => !hasApproved(migration, each));
}

/** A click without its person, who comes from Slack. */
export type MigrationClick = Omit<Click, "by">;

export type MigrationRefusal =
  | "already-decided"
  | "expired"
  | "not-an-approver"
  | "no-preview"
  | "change-differs"
  | "quiet"
  | "approved-already"
  | "over"
  | "not-yours"
  | "not-in-trouble";

export type MigrationVerdict = Verdict<Migration, MigrationRefusal>;

/** Decides a click on a migration's message, and refuses in doubt. `departed`: former approvers by Slack user id, with the reason. */
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
  return { type: "decided", after: isEnough ? { ...after, state: "running", plan: migration.plan } : after };
}

/** The decision seals the cluster's ARN too: its name can later mean another cluster. */
function proposalOf({ id, state, expiresAt, plan, approvals }: Migration, cluster: Cluster): Proposal {
  return { subject: `${id} of ${clusterArnOf(cluster)}`, state, expiresAt, digest: plan?.digest ?? null, approvals };
}

/** As Slack described the approver at their approval. */
function isApprover(cluster: Cluster) {
  return ({ by, memberships }: Decision): boolean => isApproverOf(cluster, { user: by, memberships });
}

/** Why a click decides nothing; null: it can. Other people learn nothing more: they could guess ids, and an end reveals a cluster's state. */
export function refuseMigrationClick(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  click: Omit<MigrationClick, "why">,
  now: Date,
): MigrationRefusal | null {
  if (!isApproverOf(cluster, person)) return "not-an-approver";
  const proposal = proposalOf(migration, cluster);
  return (
    refuseUndecidable(proposal, now) ??
    refuseApprover(proposal, { ...click, by: person.user }, cluster, person.memberships)
  );
}

/** Stops a migration between two steps. The requester, the approvers and on-call can do that. Finished steps stay. */
export function judgeStop(
  migration: Migration,
  cluster: Cluster,
  person: Person,
  why: string,
  now: Date,
): MigrationVerdict {
  if (!mayStop(migration, cluster, person)) return { type: "refused", code: "not-yours" };
  if (isMigrationOver(migration)) return { type: "refused", code: "over" };
  const stop = { by: person.user, at: now.toISOString(), why };
  return { type: "decided", after: endedMigration(migration, now, { state: "stopped", stop }) };
}

export function retryMigration(migration: Migration, cluster: Cluster, person: Person, now: Date): MigrationVerdict {
  if (!mayStop(migration, cluster, person)) return { type: "refused", code: "not-yours" };
  if (isMigrationOver(migration)) return { type: "refused", code: "over" };
  if (!migration.trouble) return { type: "refused", code: "not-in-trouble" };
  const trouble = { ...migration.trouble, retryAt: now.toISOString() };
  return { type: "decided", after: nextMigration(migration, { trouble }) };
}

const mayStop = (migration: Migration, cluster: Cluster, person: Person) =>
  isTheirs(migration, person.user, person.memberships) || isResponsibleFor(cluster, person);

/** Why a worker can't continue; null: there are recent sealed approvals of exactly this plan, and the last one still names all approvers. */
export function migrationApprovalFlaw(
  migration: Migration,
  cluster: Cluster,
  keys: DecisionPublicKeys,
  now: Date,
  expiresAfterSeconds: number,
): string | null {
  const oldest = now.getTime() - expiresAfterSeconds * 1000;
  const recent = genuineApprovals(proposalOf(migration, cluster), keys, now)
    .filter(isApprover(cluster))
    .filter(({ at }) => Date.parse(at) > oldest);
  const last = lastApproval(recent);
  if (last && now.getTime() > Date.parse(last.at) + approversConfirmedForSeconds * 1000) {
    const hours = approversConfirmedForSeconds / 3600;
    return `Slack confirmed its approvers more than ${hours} h ago`;
  }
  const isTwice = (by: string) => recent.some(({ memberships }) => memberships.includes(by));
  const holding = recent.filter(({ by }) => last?.stillApprovers.includes(by) && !isTwice(by));
  if (holding.length >= migrationApprovals) return null;
  return `${holding.length} of ${migrationApprovals} approvers have approved exactly this plan in the last ${Math.round(expiresAfterSeconds / 3600)} h`;
}
