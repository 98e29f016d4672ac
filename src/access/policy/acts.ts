import { refuseDecision } from "../decide.ts";
import { judgeStop, refuseMigrationClick, retryMigration } from "../decide-migration.ts";
import { refuseReview } from "../emergency.ts";
import { judgeCancel, mayRevoke } from "../lease/revoke.ts";
import type { Migration } from "../migration.ts";
import type { AccessRequest } from "../record.ts";
import type { Cluster } from "./cluster.ts";
import type { Person } from "./rule.ts";

export type Act = "approve" | "deny" | "cancel" | "review" | "extend" | "revoke";

/** For the buttons to show; a click checks it again. @param isExtended people extend and revoke the other lease */
export function actsOf(
  request: AccessRequest,
  cluster: Cluster | undefined,
  person: Person,
  now: Date,
  isExtended = false,
): readonly Act[] {
  const { lease, preview, requesterFacts } = request;
  const { user, memberships } = person;
  const mayCancel = judgeCancel(request, user).type === "ended";
  if (!cluster) return mayCancel ? ["cancel"] : [];
  const facts = { requesterFacts, memberships: new Map([[user, memberships]]), departed: new Map() };
  const acts: Act[] = [];
  for (const [act, verdict] of [
    ["approve", "approved"],
    ["deny", "denied"],
  ] as const) {
    const click = { verdict, by: user, digest: preview?.digest ?? "" };
    if (preview && refuseDecision(request, cluster, click, now, facts) === null) acts.push(act);
  }
  if (mayCancel) acts.push("cancel");
  if (refuseReview(request, cluster, person) === null) acts.push("review");
  if (!lease || lease.end || isExtended) return acts;
  if (lease.state === "active" && request.requester === user) acts.push("extend");
  if ((lease.state === "active" || lease.state === "scheduled") && mayRevoke(request, cluster, person)) {
    acts.push("revoke");
  }
  return acts;
}

export type MigrationAct = "approve" | "deny" | "stop" | "retry";

/** What a person can do about a migration now, for the buttons to show. A click checks it again. */
export function migrationActsOf(
  migration: Migration,
  cluster: Cluster | undefined,
  person: Person,
  now: Date,
): readonly MigrationAct[] {
  if (!cluster) return [];
  const digest = migration.plan?.digest ?? "";
  const mayDecide = (verdict: "approved" | "denied") =>
    refuseMigrationClick(migration, cluster, person, { verdict, digest }, now) === null;
  const acts: MigrationAct[] = [];
  if (mayDecide("approved")) acts.push("approve");
  if (mayDecide("denied")) acts.push("deny");
  if (retryMigration(migration, cluster, person, now).type === "decided") acts.push("retry");
  if (judgeStop(migration, cluster, person, "", now).type === "decided") acts.push("stop");
  return acts;
}
