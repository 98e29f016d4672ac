import { AccessError, explain } from "../failure/access-error.ts";
import type { Cluster, Level } from "../policy/cluster.ts";
import { isUser } from "../policy/person.ts";
import { approvalsNeeded, approversOf, type Rule } from "../policy/rule.ts";
import type { SlackContext } from "./context.ts";
import type { Directory } from "./directory.ts";

/** Who of a level's approvers is still there, under one of the rules that stand for it. */
export interface LivingApprovers {
  readonly cluster: string;
  readonly level: string;
  readonly rule: string;
  readonly needed: number;
  readonly living: readonly string[];
  /** Of those that the rule names: people who are deactivated or unknown, and user groups without anybody active. */
  readonly gone: readonly string[];
}

/** Looks in Slack whether each level still has as many approvers as it asks for. @throws AccessError */
export async function findDeadApprovers(
  directory: Directory,
  clusters: Iterable<Cluster>,
  now: Date,
): Promise<readonly LivingApprovers[]> {
  const found: LivingApprovers[] = [];
  for (const { cluster, level, rule } of approvableLevels(clusters)) {
    const needed = approvalsNeeded(rule, level, now);
    const { living, gone } = await livingApprovers(directory, rule, cluster);
    if (living.length >= needed) continue;
    found.push({ cluster: cluster.name, level: level.name, rule: rule.name, needed, living, gone });
  }
  return found;
}

interface ApprovableLevel {
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

/** Asks Slack for each approver of a rule, and for each member of its user groups. @throws AccessError */
export async function livingApprovers(
  directory: Directory,
  rule: Rule,
  cluster: Cluster,
): Promise<Pick<LivingApprovers, "living" | "gone">> {
  const living = new Set<string>();
  const gone: string[] = [];
  for (const approver of approversOf(rule, cluster)) {
    const people = isUser(approver) ? [approver] : await directory.membersOf(approver);
    let isThere = false;
    for (const person of people) {
      if ((await directory.accountOf(person)) !== "active") continue;
      living.add(person);
      isThere = true;
    }
    if (!isThere) gone.push(approver);
  }
  return { living: [...living], gone };
}

/** Told when the process starts: a request for such a level would only lapse. Never keeps the process from starting. */
export async function warnOfDeadApprovers({ directory, config, log, now }: SlackContext): Promise<void> {
  try {
    for (const each of await findDeadApprovers(directory, config.clusters.values(), now())) {
      log.warn(each, "too few approvers of this level are active in Slack; name others in eks-access.yml");
    }
  } catch (error) {
    const known = error instanceof AccessError ? error : null;
    log.warn({ err: error }, known ? explain(known) : "could not look whether approvers are active in Slack");
  }
}
