import { clusterRule, type Rule } from "../policy/rule.ts";
import type { ConfigFile } from "./config-file.ts";
import type { PolicyFile } from "./policy-file.ts";

type RuleInFile = PolicyFile["rules"][number];

/** The rules that speak for a cluster, in the order of the file. */
export function rulesOf(file: ConfigFile, cluster: string): readonly Rule[] {
  if (!file.policy) return [clusterRule];
  return file.policy.rules
    .filter(({ clusters }) => !clusters || clusters.includes(cluster))
    .map(({ name, levels, approvals, approvers }) => ({
      name,
      levels: levels ?? null,
      approvals: approvals ?? null,
      approvers: approvers ?? null,
    }));
}

/** What of the policy can't be meant so, each with its path. */
export function policyProblems(file: ConfigFile): string[] {
  if (!file.policy) return [];
  const { rules } = file.policy;
  return [
    ...rules.flatMap((rule, index) => unknownNames(rule, `policy.rules[${index}]`, file)),
    ...rules.flatMap(({ name }, index) =>
      rules.findIndex((each) => each.name === name) < index
        ? [`policy.rules[${index}].name: there is a rule ${name} already. Give each its own name.`]
        : [],
    ),
    ...Object.keys(file.clusters).flatMap((cluster) => levelProblems(file, cluster)),
  ];
}

function unknownNames({ clusters = [], levels = [] }: RuleInFile, path: string, file: ConfigFile): string[] {
  const missing = (kind: "clusters" | "levels", names: readonly string[]) => {
    const known = Object.keys(file[kind]);
    return names.flatMap((name, index) =>
      known.includes(name)
        ? []
        : [`${path}.${kind}[${index}]: there is no ${kind.slice(0, -1)} ${name}. Use one of ${known.join(", ")}.`],
    );
  };
  return [...missing("clusters", clusters), ...missing("levels", levels)];
}

/** Each level that a cluster offers can be asked for by somebody, and approved by enough others. */
function levelProblems(file: ConfigFile, name: string): string[] {
  const cluster = file.clusters[name];
  if (!cluster) return [];
  const rules = rulesOf(file, name);
  return cluster.levels.flatMap((level, index) => {
    const path = `clusters.${name}.levels[${index}]`;
    const rule = rules.find(({ levels }) => levels === null || levels.includes(level));
    if (!rule) return [`${path}: no rule of the policy speaks of ${level} here. Add one, or take the level out.`];
    const isMasters = file.levels[level]?.groups.includes("system:masters") ?? false;
    const needed = rule.approvals ?? (isMasters ? 2 : 1);
    const approvers = new Set(rule.approvers ?? cluster.approvers);
    if (approvers.size >= needed) return [];
    return [
      `${path}: the rule ${rule.name} asks for ${needed} approvals of ${level}, and only ${approvers.size} may approve. Name more approvers.`,
    ];
  });
}
