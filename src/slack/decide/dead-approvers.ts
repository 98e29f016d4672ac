import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster, Level, Rule } from "../../access/policy/cluster.ts";
import { isUser } from "../../access/policy/person.ts";
import { approversOf, mostApprovalsNeeded } from "../../access/policy/rule.ts";
import { slackErrorCode } from "../app/slack-failure.ts";
import type { Directory } from "../people/directory.ts";

/** A level of a cluster with one of the rules that stand for it. */
export interface ApprovableLevel {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly rule: Rule;
}

/** Each level of each cluster with each rule that stands for it, in the order of the configuration. */
export function approvableLevels(clusters: Iterable<Cluster>): readonly ApprovableLevel[] {
  return [...clusters].flatMap((cluster) =>
    cluster.levels.flatMap((level) =>
      cluster.rules
        .filter(({ levels }) => levels === null || levels.includes(level.name))
        .map((rule) => ({ cluster, level, rule })),
    ),
  );
}

/** Who of a level's approvers is still there. */
export interface LivingApprovers {
  readonly living: readonly string[];
  /** Of those that the rule names: people who are deactivated or unknown, and user groups without anybody active. */
  readonly gone: readonly string[];
}

export interface ShortLevel extends ApprovableLevel, LivingApprovers {
  readonly needed: number;
}

/** What Slack said of the approvers of all levels. */
export interface Look {
  readonly good: readonly ApprovableLevel[];
  /** Too few of them are active to approve a request. */
  readonly short: readonly ShortLevel[];
  /** Slack did not say. */
  readonly untold: readonly (ApprovableLevel & { readonly error: unknown })[];
}

/** Looks in Slack whether each level still has as many approvers as it may ask for. Where Slack is away, it is not asked on. */
export async function lookAtApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<Look> {
  const look: { good: ApprovableLevel[]; short: ShortLevel[]; untold: Look["untold"][number][] } = {
    good: [],
    short: [],
    untold: [],
  };
  let away: unknown = null;
  for (const each of approvableLevels(clusters)) {
    try {
      if (away) throw away;
      const needed = mostApprovalsNeeded(each.rule, each.level);
      const approvers = await livingApprovers(directory, each.rule, each.cluster, { enough: needed });
      if (approvers.living.length >= needed) look.good.push(each);
      else look.short.push({ ...each, ...approvers, needed });
    } catch (error) {
      look.untold.push({ ...each, error });
      if (error instanceof AccessError && error.code === "slack-unreachable") away = error;
    }
  }
  return look;
}

/**
 * Asks Slack for the approvers of a rule, one after another, until there are enough. `without`: who does not count.
 * @throws AccessError
 */
export async function livingApprovers(
  directory: Directory,
  rule: Rule,
  cluster: Cluster,
  { enough = Number.POSITIVE_INFINITY, without = "" }: { readonly enough?: number; readonly without?: string } = {},
): Promise<LivingApprovers> {
  const living = new Set<string>();
  const gone: string[] = [];
  for (const approver of approversOf(rule, cluster)) {
    let isThere = false;
    for (const person of await peopleOf(directory, approver)) {
      if (living.size >= enough) return { living: [...living], gone };
      if ((await directory.accountOf(person)) !== "active") continue;
      isThere = true;
      if (person !== without) living.add(person);
    }
    if (!isThere) gone.push(approver);
  }
  return { living: [...living], gone };
}

/** A user group that there is not holds nobody: that is an answer. */
async function peopleOf(directory: Directory, approver: string): Promise<readonly string[]> {
  if (isUser(approver)) return [approver];
  try {
    return await directory.membersOf(approver);
  } catch (error) {
    if (error instanceof AccessError && slackErrorCode(error.cause) === "no_such_subteam") return [];
    throw error;
  }
}

/** Who can mend it, and where. */
export function mendApprovers({ name, approvers }: Rule, cluster: Cluster): string {
  const place = approvers === null || name === "" ? `the cluster ${cluster.name}` : `the rule ${name}`;
  return `An operator has to name others as approvers of ${place} in eks-access.yml, or to add people to its user group in Slack.`;
}
