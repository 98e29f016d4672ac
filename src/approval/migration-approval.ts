import type { Json } from "../audit/canonical-json.ts";
import type { AuditEvent } from "../audit/event.ts";
import type { Cluster } from "../policy/cluster.ts";
import { clusterArnOf } from "../policy/cluster-arn.ts";
import { approvesFor } from "../policy/may-see.ts";
import type { Person } from "../policy/person.ts";
import type { ApprovalVerdict } from "./check-approval.ts";
import type { Decision } from "./decision.ts";
import type { SealKeys } from "./seal.ts";
import { isSealedDecision, sealDecision } from "./sealed-decision.ts";

/** How many different people have to approve: a migration touches everybody of a cluster, administrators too. */
export const migrationApprovals = 2;

/** Under which name the audit log has all that is about the migration of a cluster. */
export function migrationName({ name }: Cluster): string {
  return `migration-${name}`;
}

export type MigrationClick =
  | { readonly type: "approved"; readonly decision: Decision }
  | { readonly type: "refused"; readonly code: "not-an-approver" | "approved-already" };

/** Decides a click on the button of a plan: an approver of the cluster, once for each plan. */
export function approveMigration(
  cluster: Cluster,
  person: Person,
  digest: string,
  given: readonly Decision[],
  keys: SealKeys,
  now: Date,
): MigrationClick {
  if (!approvesFor(cluster, person)) return { type: "refused", code: "not-an-approver" };
  if (given.some(({ by }) => by === person.user)) return { type: "refused", code: "approved-already" };
  const { user: by, memberships } = person;
  const unsealed = { verdict: "approved" as const, by, at: now.toISOString(), digest, why: "", memberships };
  return { type: "approved", decision: sealDecision(unsealed, subjectOf(cluster), keys) };
}

/** What is sealed with an approval, so that it is of no use for another cluster, nor for a request. */
function subjectOf(cluster: Cluster): string {
  return `migration of ${clusterArnOf(cluster)}`;
}

/** The approvals of exactly this plan that hold now: ours, not too old, of people who are still approvers. One for each person. */
export function standingApprovals(
  events: readonly AuditEvent[],
  cluster: Cluster,
  digest: string,
  keys: SealKeys,
  now: Date,
  lapsesAfterSeconds: number,
): readonly Decision[] {
  const oldest = now.getTime() - lapsesAfterSeconds * 1000;
  const holding = events
    .filter(({ type }) => type === "migration.approved")
    .flatMap(({ detail }) => readDecision(detail.decision) ?? [])
    .filter((decision) => decision.verdict === "approved" && decision.digest === digest)
    .filter((decision) => isSealedDecision(decision, subjectOf(cluster), keys))
    .filter(({ at }) => Date.parse(at) > oldest && Date.parse(at) <= now.getTime())
    .filter(({ by, memberships = [] }) => approvesFor(cluster, { user: by, memberships }));
  return [...new Map(holding.map((decision) => [decision.by, decision])).values()];
}

/** Whether a plan may be carried out. */
export function checkMigration(approvals: readonly Decision[]): ApprovalVerdict {
  if (approvals.length >= migrationApprovals) return { type: "valid" };
  const message = `${approvals.length} of ${migrationApprovals} approvers have approved exactly this plan`;
  return { type: "void", message };
}

/** A decision as an event's detail holds it. */
export function decisionDetail({ memberships = [], verdict, by, at, digest, why, seal }: Decision): Json {
  return { verdict, by, at, digest, why, memberships, seal };
}

function readDecision(value: Json | undefined): Decision | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { verdict, by, at, digest, why, seal, memberships } = value as { readonly [key: string]: Json | undefined };
  const texts = [by, at, digest, why, seal].filter((each) => typeof each === "string");
  const [who, when, what, reason, sealed] = texts;
  if (texts.length < 5 || verdict !== "approved" || !Array.isArray(memberships)) return null;
  if (who === undefined || when === undefined || what === undefined || reason === undefined || sealed === undefined)
    return null;
  const groups = memberships.filter((each) => typeof each === "string");
  return { verdict, by: who, at: when, digest: what, why: reason, memberships: groups, seal: sealed };
}
