import { AccessError, explain } from "../failure/access-error.ts";
import type { Cluster } from "../policy/cluster.ts";
import { isUser } from "../policy/person.ts";
import { approvalsNeeded, approversOf } from "../policy/rule.ts";
import type { SlackContext } from "./context.ts";
import type { Directory } from "./directory.ts";

/** A level that too few people can approve who are still there. */
export interface TooFewApprovers {
  readonly cluster: string;
  readonly level: string;
  readonly rule: string;
  readonly needed: number;
  readonly living: readonly string[];
}

/** Looks in Slack whether each level still has as many approvers as it asks for. @throws AccessError */
export async function findDeadApprovers(
  directory: Directory,
  clusters: Iterable<Cluster>,
  now: Date,
): Promise<readonly TooFewApprovers[]> {
  const found: TooFewApprovers[] = [];
  for (const cluster of clusters) {
    for (const level of cluster.levels) {
      for (const rule of cluster.rules.filter(({ levels }) => levels === null || levels.includes(level.name))) {
        const living = await livingOf(directory, approversOf(rule, cluster));
        const needed = approvalsNeeded(rule, level, now);
        if (living.length >= needed) continue;
        found.push({ cluster: cluster.name, level: level.name, rule: rule.name, needed, living });
      }
    }
  }
  return found;
}

async function livingOf(directory: Directory, approvers: readonly string[]): Promise<readonly string[]> {
  const living = new Set<string>();
  for (const approver of approvers) {
    const people = isUser(approver) ? [approver] : await directory.membersOf(approver);
    for (const person of people) if (await directory.isActive(person)) living.add(person);
  }
  return [...living];
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
