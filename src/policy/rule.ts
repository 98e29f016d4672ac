import type { Cluster, Level } from "./cluster.ts";

/** Who asks for what, and who has to agree: one rule of the policy, as it stands for one cluster. */
export interface Rule {
  /** What people call it; empty: the cluster's own, where the file has no policy. */
  readonly name: string;
  /** Names of levels; null: every level of the cluster. */
  readonly levels: readonly string[] | null;
  /** How many different people have to approve; null: as many as the level asks for by itself. */
  readonly approvals: number | null;
  /** Slack user ids; null: the cluster's own approvers. */
  readonly approvers: readonly string[] | null;
}

/** Where the file has no policy: anybody may ask for each level of the cluster, and one of its approvers decides. */
export const clusterRule: Rule = { name: "", levels: null, approvals: 1, approvers: null };

/** The rule that decides about a level of a cluster: the first one that names it. Null: nobody may ask for it. */
export function ruleFor(cluster: Cluster, level: string): Rule | null {
  return cluster.rules.find((rule) => rule.levels === null || rule.levels.includes(level)) ?? null;
}

/** Who may decide under this rule. Slack user ids. */
export function approversOf(rule: Rule, cluster: Cluster): readonly string[] {
  return rule.approvers ?? cluster.approvers;
}

/** How many different people have to approve. Full control of a cluster takes four eyes, unless the rule says otherwise. */
export function approvalsNeeded(rule: Rule, level: Level): number {
  return rule.approvals ?? (level.groups.includes("system:masters") ? 2 : 1);
}
