import { readPrincipal } from "../arn.ts";
import { formatDuration } from "../ask/duration.ts";
import { refuseDecision } from "../decide.ts";
import { judgeStop, refuseMigrationClick, retryMigration } from "../decide-migration.ts";
import { refuseReview } from "../emergency.ts";
import { judgeCancel, mayRevoke } from "../lease/revoke.ts";
import type { Migration } from "../migration.ts";
import { type CallerReading, entryArnOf, type Holder, readCaller, readHolder, withoutRolePath } from "../principal.ts";
import { type AccessRequest, type Asked, isTheirs } from "../record.ts";
import { isExtendable } from "../request.ts";
import { type Cluster, isSessionPinned, partitionOf } from "./cluster.ts";
import { creatorArnOf, refuseIdentity } from "./creator.ts";
import { refusePlace } from "./may-ask.ts";
import { breakGlassFor, isResponsibleFor, levelsFor, type Person } from "./rule.ts";

/** Whether a person can read a request with its reason and principal, or a migration: its people, the cluster's approvers and on-call can. */
export function maySeeRequest(asked: Asked, cluster: Cluster | undefined, person: Person): boolean {
  return (
    isTheirs(asked, person.user, person.memberships) || (cluster !== undefined && isResponsibleFor(cluster, person))
  );
}

/** Whether a person can read a cluster's aws-auth and how to reach it: for others the map would be a list of targets. */
export function maySeeClusterMap(cluster: Cluster, person: Person, administrators: readonly string[]): boolean {
  const mayHaveAccess = levelsFor(cluster, person).length > 0 || breakGlassFor(cluster, person) !== null;
  return isResponsibleFor(cluster, person) || mayHaveAccess || administrators.includes(person.user);
}

export type LinkVerdict =
  | {
      readonly type: "linkable";
      /** A session, if a cluster takes its name as a person's. */
      readonly principal: Holder;
      /** How the given ARN differs from the principal; null: it does not. */
      readonly noticed: string | null;
    }
  | { readonly type: "refused"; readonly code: LinkRefusal; readonly message: string };

export type LinkRefusal = "not-a-principal" | "creator" | "operator" | "unknown-account";

const chosenName = "People choose the session names of this role.";

/** Whether a person can link this principal: at least one cluster accepts it. */
export function mayLink(given: string, clusters: readonly Cluster[]): LinkVerdict {
  const reading = readIn(given, clusters);
  if (reading.type === "none") return refused("not-a-principal", reading.message);
  const { callerArn, ...caller } = reading.caller;
  const session = readHolder(callerArn, caller.principal.partition);
  const isPerson = session.type === "principal" && session.principal.kind === "session";
  const isPinned = isPerson && clusters.some((cluster) => isSessionPinned(cluster, caller.principal.arn));
  const principal = isPinned ? session.principal : caller.principal;
  const noticed = isPerson ? (isPinned ? null : chosenName) : caller.noticed;
  for (const cluster of clusters) {
    const own = refuseIdentity(cluster, entryArnOf(principal.arn), creatorArnOf(cluster.creator));
    if (own) return refused(own.code, `${own.message} Link your own role or user.`);
  }
  if (!clusters.some((cluster) => refusePlace(cluster, principal) === null)) {
    return refused(
      "unknown-account",
      `No cluster accepts principals of account ${principal.account} in partition ${principal.partition}.`,
    );
  }
  return { type: "linkable", principal, noticed };
}

/** A cluster's own partition can be newer than our list. */
function readIn(given: string, clusters: readonly Cluster[]): CallerReading {
  const partitions = [undefined, ...new Set(clusters.map(partitionOf))];
  const readings = partitions.map((partition) => readCaller(given, partition));
  const [first] = readings;
  return readings.find(({ type }) => type === "caller") ?? first ?? readCaller(given);
}

function refused(code: LinkRefusal, message: string): LinkVerdict {
  return { type: "refused", code, message };
}

interface RescueRequest {
  readonly by: string;
  readonly role: string;
  readonly durationSeconds: number;
}

export const noEmergency = (who: string, where: string) => `The policy gives ${who} no emergency access to ${where}.`;

/** Why a person can't rescue a cluster like this, in one sentence; null: they can. Slack is not asked about user groups. */
export function refuseRescue(cluster: Cluster, { by, role, durationSeconds }: RescueRequest): string | null {
  const may = breakGlassFor(cluster, { user: by, memberships: [] });
  if (!may) return `${noEmergency(by, cluster.name)} Add their Slack user id to breakGlass.who.`;
  if (durationSeconds > may.durationSeconds) {
    return `Emergency access to ${cluster.name} lasts at most ${formatDuration(may.durationSeconds)}.`;
  }
  const reading = readPrincipal(withoutRolePath(role), partitionOf(cluster));
  if (reading.type === "invalid") return `${role}: ${reading.message}`;
  const { kind, partition, account } = reading.principal;
  // The creator can rescue its cluster.
  const own = refuseIdentity(cluster, role, null);
  if (own) return own.message;
  if (kind !== "role") return `A rescue needs a role, not ${role}.`;
  return refusePlace(cluster, { arn: role, account, partition })?.message ?? null;
}

export type Act = "approve" | "deny" | "cancel" | "review" | "extend" | "revoke";

/** For the buttons to show; a click checks it again. @param isExtended people extend and revoke the other lease */
export function actsOf(
  request: AccessRequest,
  cluster: Cluster | undefined,
  person: Person,
  now: Date,
  isExtended = false,
): readonly Act[] {
  const { requester, lease, preview, requesterFacts } = request;
  const { user, memberships } = person;
  const mayCancel = judgeCancel(request, person).type === "decided";
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
  const isTheirOwn = lease.state === "active" && isTheirs({ requester }, user, memberships);
  if (isTheirOwn && isExtendable(request)) acts.push("extend");
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
