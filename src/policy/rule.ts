import { isFullControl } from "../access-entry/policy-text.ts";
import type { Cluster, Level } from "./cluster.ts";
import { isWithin, type WorkingHours } from "./hours.ts";
import { isNamedIn, type Person } from "./person.ts";

/** Who asks for what, and who has to agree: one rule of the policy, as it stands for one cluster. */
export interface Rule {
  /** What people call it; empty: the cluster's own, where the file has no policy. */
  readonly name: string;
  /** Slack user ids, user groups and e-mail domains; null: anybody. */
  readonly who: readonly string[] | null;
  /** Names of levels; null: every level of the cluster. */
  readonly levels: readonly string[] | null;
  readonly principals: PrincipalRule;
  /** Shorter than the level's own; null: the level's. */
  readonly maxDurationSeconds: number | null;
  /** Whether it can be had for good. */
  readonly permanent: boolean;
  /** How many different people have to approve; null: as many as the level asks for by itself. */
  readonly approvals: number | null;
  /** Slack user ids and user groups; null: the cluster's own approvers. */
  readonly approvers: readonly string[] | null;
  /** Whether an approver may approve a request of their own. */
  readonly selfApproval: boolean;
  /** Null: at any time. */
  readonly hours: WorkingHours | null;
}

/** For which principals somebody may ask under a rule. */
export interface PrincipalRule {
  /** Null: those that the cluster takes. */
  readonly accounts: readonly string[] | null;
  /** ARNs, whatever their case, in which `*` stands for any text, none and slashes too; null: each that the accounts allow. */
  readonly arns: readonly string[] | null;
  /** Only for the principal that one's own Slack account is linked to. */
  readonly linkedOnly: boolean;
}

/** Where the file has no policy: anybody may ask for each level of the cluster, and its own approvers decide. */
export const clusterRule: Rule = {
  name: "",
  who: null,
  levels: null,
  principals: { accounts: null, arns: null, linkedOnly: false },
  maxDurationSeconds: null,
  permanent: false,
  approvals: null,
  approvers: null,
  selfApproval: false,
  hours: null,
};

/** The rule that decides: the first one that names the level and the person. Null: this person may not ask for it. */
export function ruleFor(cluster: Cluster, level: string, requester: Person): Rule | null {
  return (
    cluster.rules.find(
      ({ who, levels }) => (levels === null || levels.includes(level)) && (who === null || isNamedIn(who, requester)),
    ) ?? null
  );
}

/** The levels of a cluster that somebody may ask for. */
export function levelsFor(cluster: Cluster, person: Person): readonly Level[] {
  return cluster.levels.filter(({ name }) => ruleFor(cluster, name, person) !== null);
}

/** Who may decide under this rule: Slack user ids and user groups. */
export function approversOf(rule: Rule, cluster: Pick<Cluster, "approvers">): readonly string[] {
  return rule.approvers ?? cluster.approvers;
}

/**
 * How many different people have to approve at this moment; null: within the hours. Full control of a cluster takes four eyes, unless the rule
 * says otherwise.
 */
export function approvalsNeeded(rule: Rule, level: Level, moment: Date | null): number {
  const usual = rule.approvals ?? (isFullControl(level.groups) ? 2 : 1);
  return moment && isOutside(rule, moment) && rule.hours?.outside === "one-more-approval" ? usual + 1 : usual;
}

/** Whether the rule itself lets one person give full control of a cluster away. */
export function isLoweredToOne({ approvals }: Rule, { groups }: Level): boolean {
  return approvals === 1 && isFullControl(groups);
}

/** How many it can take, at whatever moment the last one approves. */
export function mostApprovalsNeeded(rule: Rule, level: Level): number {
  return approvalsNeeded(rule, level, null) + (rule.hours?.outside === "one-more-approval" ? 1 : 0);
}

/** Whether a moment is outside the hours that the rule names. */
export function isOutside({ hours }: Rule, moment: Date): boolean {
  return hours !== null && !isWithin(hours, moment);
}
