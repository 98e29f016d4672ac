import type { Cluster, Level, Rule } from "./cluster.ts";
import { isNamedIn, type Person } from "./person.ts";
import { isFullControl } from "./policy-text.ts";
import { bindsRoles } from "./role-text.ts";
import { approvalsNeeded, approversOf, hoursInWords, ruleFor, sharedLeases } from "./rule.ts";

export interface RuleStep {
  readonly rule: Rule;
  readonly decides: boolean;
  readonly why: string;
}

/** The rules of a cluster in order, up to the one that decides. */
export function rulesUpToDecision(cluster: Cluster, level: string, person: Person): readonly RuleStep[] {
  const steps: RuleStep[] = [];
  for (const rule of cluster.rules) {
    const why = whyNot(rule, level, person);
    steps.push({ rule, decides: why === null, why: why ?? "it decides" });
    if (why === null) break;
  }
  return steps;
}

function whyNot({ who, levels }: Rule, level: string, person: Person): string | null {
  if (levels !== null && !levels.includes(level)) return `it is for ${levels.join(", ")}`;
  if (who !== null && !isNamedIn(who, person)) return `it is for ${who.join(", ")}`;
  return null;
}

/** What a rule requires, one clause each. */
export function ruleInWords(rule: Rule, cluster: Cluster, level: Level): readonly string[] {
  const needed = approvalsNeeded(rule, level, null);
  const { principals, hours } = rule;
  const own = rule.selfApproval ? ", also of their own requests" : ", never of their own requests";
  return [
    `${needed} approval${needed === 1 ? "" : "s"} by ${approversOf(rule, cluster).join(", ")}${own}`,
    ...(principals.accounts ? [`for principals of ${principals.accounts.join(", ")}`] : []),
    ...(principals.arns ? [`for ${principals.arns.join(" or ")}`] : []),
    ...(principals.linkedOnly ? ["only for the linked principal"] : []),
    ...(sharedLeases(rule, level) === "refuse" ? [`only for ${onePerson(level)}`] : []),
    ...(rule.permanent ? ["also for good"] : []),
    ...(hours ? [`hours ${hoursInWords(hours)}, outside: ${hours.outside}`] : []),
  ];
}

/** A level with groups gives them to everyone with a role. */
function onePerson({ groups }: Level): string {
  return bindsRoles(groups) ? "one person: an IAM user, or one session of a role" : "IAM users";
}

/** What an operator should reconsider in a rule, one sentence each. */
export function ruleWarnings(rule: Rule, cluster: Cluster, level: Level): readonly string[] {
  if (!isFullControl(level.groups)) return [];
  const what = `${level.name} is full control of ${cluster.name}, and ${ruleName(rule)}`;
  return [
    ...(rule.approvals === 1 ? [`${what} asks for one approval. Write approvals: 2, or leave it out.`] : []),
    ...(rule.shared === "warn"
      ? [`${what} lets everyone with a role have it. Write shared: refuse, or leave it out.`]
      : []),
  ];
}

/** The name of a rule in a sentence. */
export function ruleName({ name }: Rule): string {
  return name ? `the rule "${name}"` : "the cluster's own approvers: the file has no policy";
}

/** A level with the longest time that a person can have, and whether they can have it permanently. */
export interface OfferedLevel extends Level {
  readonly permanent: boolean;
}

/** The levels of a cluster that a person can ask for now. The principal and the hours count only when they ask. */
export function levelsOffered(cluster: Cluster, person: Person): readonly OfferedLevel[] {
  if (cluster.quiet !== null) return [];
  return cluster.levels.flatMap((level) => {
    const rule = ruleFor(cluster, level.name, person);
    if (!rule) return [];
    const longest = Math.min(level.maxDurationSeconds, rule.maxDurationSeconds ?? Number.POSITIVE_INFINITY);
    return [{ ...level, maxDurationSeconds: longest, permanent: rule.permanent }];
  });
}
