import { type CallerReading, type Principal, readCaller, readPrincipal } from "../../aws-auth/index.ts";
import { formatDuration } from "../request/extension.ts";
import type { AccessRequest } from "../request/record.ts";
import { type Cluster, partitionOf } from "./cluster.ts";
import { creatorArnOf, isSameCreator } from "./creator.ts";
import { isNamedIn, type Person } from "./person.ts";
import { approversOf, breakGlassFor, levelsFor } from "./rule.ts";

/** Whether a person may approve requests of a cluster, by any of its rules. */
export function approvesFor(cluster: Cluster, person: Person): boolean {
  return isNamedIn(approversIn(cluster), person);
}

/** Who may approve requests of a cluster, by any of its rules: Slack user ids and user groups. */
export function approversIn(cluster: Cluster): readonly string[] {
  const byRules = cluster.rules.flatMap((rule) => approversOf(rule, cluster));
  return [...new Set([...cluster.approvers, ...byRules])];
}

/** Whether a person answers for a cluster: approves its requests, or is on call for it. */
export function answersFor(cluster: Cluster, person: Person): boolean {
  return approvesFor(cluster, person) || isNamedIn(cluster.onCall, person);
}

/** Who may read a request, with its reason and its principal, or a migration: who asked for it, and who answers for its cluster. */
export function maySee(
  { requester }: Pick<AccessRequest, "requester">,
  cluster: Cluster | undefined,
  person: Person,
): boolean {
  return requester === person.user || (cluster !== undefined && answersFor(cluster, person));
}

/**
 * Who may be told what is in a cluster's aws-auth, and how it is reached: who answers for it, who could have access by the
 * policy, and the administrators of links, who have to know whom an ARN stands for. The map names every principal with its
 * groups: a list of whom to attack.
 */
export function maySeeMap(cluster: Cluster, person: Person, administrators: readonly string[]): boolean {
  const mayHaveAccess = levelsFor(cluster, person).length > 0 || breakGlassFor(cluster, person) !== null;
  return answersFor(cluster, person) || mayHaveAccess || administrators.includes(person.user);
}

export type LinkVerdict =
  | {
      readonly type: "linkable";
      readonly principal: Principal;
      /** What was different about the ARN that was given; null: nothing. */
      readonly noticed: string | null;
    }
  | { readonly type: "refused"; readonly code: LinkRefusal; readonly message: string };

export type LinkRefusal = "not-a-principal" | "creator" | "unknown-account";

/** Whether a person may be linked with this principal: one with which they could ask for access somewhere. */
export function mayLink(given: string, clusters: readonly Cluster[]): LinkVerdict {
  const reading = readIn(given, clusters);
  if (reading.type === "nobody") return refused("not-a-principal", reading.message);
  const { principal, noticed } = reading.caller;
  const created = clusters.find((cluster) => isCreatorOf(cluster, principal.arn));
  if (created) {
    return refused(
      "creator",
      `${principal.arn} created ${created.name}: it has full access there already, and nobody goes by it.`,
    );
  }
  if (!clusters.some((cluster) => takes(cluster, principal))) {
    return refused(
      "unknown-account",
      `No cluster takes principals of account ${principal.account} in the partition ${principal.partition}. See who you are with aws sts get-caller-identity.`,
    );
  }
  return { type: "linkable", principal, noticed };
}

/** A cluster's own partition may be newer than the ones that we know. */
function readIn(given: string, clusters: readonly Cluster[]): CallerReading {
  const partitions = [undefined, ...new Set(clusters.map(partitionOf))];
  const readings = partitions.map((partition) => readCaller(given, partition));
  const [first] = readings;
  return readings.find(({ type }) => type === "caller") ?? first ?? readCaller(given);
}

function isCreatorOf({ creator }: Cluster, arn: string): boolean {
  const creatorArn = creatorArnOf(creator);
  return creatorArn !== null && isSameCreator(arn, creatorArn);
}

function takes(cluster: Cluster, { account, partition }: Principal): boolean {
  return partition === partitionOf(cluster) && [cluster.account, ...cluster.foreignAccounts].includes(account);
}

function refused(code: LinkRefusal, message: string): LinkVerdict {
  return { type: "refused", code, message };
}

/** Who wants to rescue a cluster, for which role, for how long. */
interface RescueWish {
  /** Slack user id. */
  readonly by: string;
  /** With its path. */
  readonly role: string;
  readonly durationSeconds: number;
}

/** Why a person may not rescue a cluster so, in one sentence; null: they may. Slack is not asked who is of which user group. */
export function refuseRescue(cluster: Cluster, { by, role, durationSeconds }: RescueWish): string | null {
  const may = breakGlassFor(cluster, { user: by, memberships: [] });
  if (!may) {
    return `The policy does not let ${by} break the glass of ${cluster.name}: name their Slack user id in breakGlass.who of eks-access.yml.`;
  }
  if (durationSeconds > may.durationSeconds) {
    return `The glass of ${cluster.name} is broken for ${formatDuration(may.durationSeconds)} at most.`;
  }
  const reading = readPrincipal(role.replace(/:role\/.*\//, ":role/"), partitionOf(cluster));
  if (reading.type === "invalid") return `${role}: ${reading.message}`;
  const { kind, partition, account } = reading.principal;
  if (kind !== "role") return `${role} is no role. A rescue is for an IAM role, whose sessions end by themselves.`;
  if (partition !== partitionOf(cluster))
    return `${role} is of the partition ${partition}, and ${cluster.name} of ${partitionOf(cluster)}.`;
  if (account === cluster.account || cluster.foreignAccounts.includes(account)) return null;
  return `${role} is of account ${account}, ${cluster.name} of ${cluster.account}. Name the account in foreignAccounts of eks-access.yml to allow it.`;
}
