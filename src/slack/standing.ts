import type { Facts } from "../approval/decision.ts";
import type { Cluster } from "../policy/cluster.ts";
import { groupsNamedFor, type Person, type Standing } from "../policy/person.ts";
import type { AccessRequest } from "../request/request.ts";
import type { SlackContext } from "./context.ts";

/** Somebody as the policy of a cluster sees them now. @throws AccessError */
export async function personFor(
  { directory }: SlackContext,
  cluster: Cluster | undefined,
  user: string,
): Promise<Person> {
  return { user, memberships: cluster ? await directory.membershipsOf(user, groupsNamedFor(cluster)) : [] };
}

/** Somebody as the policies of all clusters see them, for what is only shown: without an answer of Slack as of no group. */
export async function personShown(
  { directory, config }: Pick<SlackContext, "directory" | "config">,
  user: string,
): Promise<Person> {
  const named = [...new Set([...config.clusters.values()].flatMap(groupsNamedFor))];
  return { user, memberships: await directory.membershipsOf(user, named).catch(() => []) };
}

/** What the policy of a cluster goes by when this person asks now. @throws AccessError */
export async function standingOf(context: SlackContext, cluster: Cluster, user: string): Promise<Standing> {
  const [{ memberships }, linked] = await Promise.all([
    personFor(context, cluster, user),
    goesByLinks(cluster) ? context.ledger.principalOf(user) : null,
  ]);
  return { memberships, linked };
}

/** Whether a rule of this cluster takes only the principal that somebody is linked to. */
export function goesByLinks({ rules }: Cluster): boolean {
  return rules.some(({ principals }) => principals.linkedOnly);
}

/** What has to be known of people to decide a click: of who clicks, of the requester, of who approved before. @throws AccessError */
export async function factsFor(
  context: SlackContext,
  cluster: Cluster,
  request: AccessRequest,
  by: string,
): Promise<Facts> {
  const users = [...new Set([by, ...request.approvals.map((approval) => approval.by)])];
  const [standing, ...people] = await Promise.all([
    standingOf(context, cluster, request.requester),
    ...users.map((user) => personFor(context, cluster, user)),
  ]);
  return { standing, memberships: new Map(people.map(({ user, memberships }) => [user, memberships])) };
}
