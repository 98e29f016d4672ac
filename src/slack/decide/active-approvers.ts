import { AccessError, explainFailure, hasCode } from "../../access/access-error.ts";
import type { Cluster, Level, Rule } from "../../access/policy/cluster.ts";
import { approversOf, isUser, maxApprovalsNeeded } from "../../access/policy/rule.ts";
import { broken, counted, type Finding, found, someOf } from "../../diagnosis/link.ts";
import type { Directory } from "../app/directory.ts";
import { slackErrorCode } from "../app/web-client.ts";

export interface ApprovableLevel {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly rule: Rule;
}

function approvableLevels(clusters: Iterable<Cluster>): readonly ApprovableLevel[] {
  return [...clusters].flatMap((cluster) =>
    cluster.levels.flatMap((level) =>
      cluster.rules
        .filter(({ levels }) => levels === null || levels.includes(level.name))
        .map((rule) => ({ cluster, level, rule })),
    ),
  );
}

export interface ActiveApprovers {
  readonly active: readonly string[];
  readonly inactive: readonly string[];
}

export interface ShortLevel extends ApprovableLevel, ActiveApprovers {
  readonly needed: number;
}

export interface ApproverCheck {
  readonly enough: readonly ApprovableLevel[];
  readonly tooFew: readonly ShortLevel[];
  readonly unanswered: readonly (ApprovableLevel & { readonly error: unknown })[];
}

/** Checks in Slack whether each level has enough approvers. After the first failure to reach Slack it stops asking. */
export async function checkApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<ApproverCheck> {
  const enough: ApprovableLevel[] = [];
  const tooFew: ShortLevel[] = [];
  const unanswered: ApproverCheck["unanswered"][number][] = [];
  let away: unknown = null;
  for (const each of approvableLevels(clusters)) {
    try {
      if (away) throw away;
      const needed = maxApprovalsNeeded(each.rule, each.level);
      const approvers = await activeApprovers(directory, each.rule, each.cluster, { enough: needed });
      if (approvers.active.length >= needed) enough.push(each);
      else tooFew.push({ ...each, ...approvers, needed });
    } catch (error) {
      unanswered.push({ ...each, error });
      if (hasCode(error, "slack-unreachable")) away = error;
    }
  }
  return { enough, tooFew, unanswered };
}

/** Asks Slack until there are enough. `without`: people who do not count. @throws AccessError */
export async function activeApprovers(
  directory: Directory,
  rule: Rule,
  cluster: Cluster,
  {
    enough = Number.POSITIVE_INFINITY,
    without = [],
  }: { readonly enough?: number; readonly without?: readonly string[] } = {},
): Promise<ActiveApprovers> {
  const active = new Set<string>();
  const inactive: string[] = [];
  for (const approver of approversOf(rule, cluster)) {
    let isThere = false;
    for (const person of await peopleBehind(directory, approver)) {
      if (active.size >= enough) return { active: [...active], inactive };
      if ((await directory.accountOf(person)) !== "active") continue;
      isThere = true;
      const id = await directory.idOf(person);
      if (!without.includes(id)) active.add(id);
    }
    if (!isThere) inactive.push(approver);
  }
  return { active: [...active], inactive };
}

/** A user group that is gone has none. @throws AccessError */
export async function peopleBehind(directory: Directory, approver: string): Promise<readonly string[]> {
  if (isUser(approver)) return [approver];
  try {
    return await directory.membersOf(approver);
  } catch (error) {
    if (error instanceof AccessError && slackErrorCode(error.cause) === "no_such_subteam") return [];
    throw error;
  }
}

export function shortageText(needed: number, activeCount: number): string {
  const approvals = needed === 1 ? "an approval" : `${needed} approvals`;
  const active =
    activeCount === 0 ? "no approver is" : `only ${activeCount} approver${activeCount === 1 ? " is" : "s are"}`;
  return `needs ${approvals}, but ${active} active in Slack`;
}

export function remedyForApprovers({ name, approvers }: Rule, cluster: Cluster): string {
  const place = approvers === null || name === "" ? `the cluster ${cluster.name}` : `the rule ${name}`;
  return `An operator can add approvers for ${place}.`;
}

/** Whether each level has enough active approvers. If Slack fails, only that level has the failure. */
export async function examineApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { cluster, level, rule } of approvableLevels(clusters)) {
    findings.push(await examineLevel(directory, cluster, level, rule));
  }
  return findings;
}

async function examineLevel(directory: Directory, cluster: Cluster, level: Level, rule: Rule): Promise<Finding> {
  const what = `${cluster.name}, ${level.name}${rule.name ? ` by the rule ${rule.name}` : ""}`;
  try {
    const { active, inactive } = await activeApprovers(directory, rule, cluster);
    const needed = maxApprovalsNeeded(rule, level);
    const lost = inactive.length > 0 ? `; not active: ${someOf(inactive)}` : "";
    const count = `${what}: ${counted(active.length, "active approver")}, needed: ${needed}${lost}`;
    return active.length >= needed ? found(count) : broken(count, `${remedyForApprovers(rule, cluster)}`);
  } catch (error) {
    return broken(`${what}: could not check the approvers`, explainFailure(error));
  }
}
