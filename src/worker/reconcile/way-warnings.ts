import { leasesAnnotation, leasesThatFit, roomIn, spaceTakenByOthers } from "../../access/lease/annotation.ts";
import { type AwsAuthDocument, entriesThatYield, type NamedEntry } from "../../aws-auth/index.ts";
import type { OtherNames } from "./other-names.ts";
import type { ClusterState } from "./settle-document.ts";

/** Warns an approver about a username with templates. A user has no session name. */
export function sessionWarnings(username: string, arn: string): string[] {
  if (arn.includes(":user/") || !username.includes("{{SessionName}}")) return [];
  return [
    "Shared username: {{SessionName}} turns @ into -, so the sessions alice-example.com and alice@example.com are the same user.",
  ];
}

/** The same for a username that is new to the cluster. @param known the names that the way reads */
export function sameUsernameWarnings(
  username: string,
  arn: string,
  known: readonly NamedEntry[],
  { entries, unread }: OtherNames,
): string[] {
  const others = entriesThatYield(username, arn, [...known, ...entries]);
  if (others.length === 0) {
    return unread > 0
      ? [`Not compared: ${unread} more access entries, which may give the username ${username} too.`]
      : [];
  }
  const more = others.length > 2 ? ` and ${others.length - 2} more` : "";
  return [
    `Same username: ${others.slice(0, 2).join(", ")}${more} can also get the username ${username}. To Kubernetes they are one user, with the same rights and one name in its audit log.`,
  ];
}

/** Warns about the present document. */
export function documentWarnings({ document, configMap }: Pick<ClusterState, "document" | "configMap">): string[] {
  return [...problemsWarning(document), ...roomWarning(configMap?.annotations ?? {})];
}

function problemsWarning(document: AwsAuthDocument): string[] {
  const problems = document.problems.filter((problem) => problem.severity !== "notice").length;
  if (problems === 0) return [];
  return [
    `Problems in aws-auth: it already has ${problems} problem${problems === 1 ? "" : "s"}, which stay as they are.`,
  ];
}

/** A day's work of leases: an operator has time to make room. */
const fewLeases = 20;

function roomWarning(annotations: Readonly<Record<string, string>>): string[] {
  const room = roomIn(annotations);
  const more = leasesThatFit(room, annotations[leasesAnnotation]);
  if (more >= fewLeases) return [];
  const clause = spaceTakenByOthers(room);
  return [`Little room in aws-auth: it has room to remember about ${more} more leases${clause ? `: ${clause}` : ""}.`];
}
