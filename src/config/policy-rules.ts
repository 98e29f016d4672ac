import {
  type BreakGlass,
  type ClusterSelector,
  isSelected,
  type Labels,
  type Level,
  type Rule,
} from "../access/policy/cluster.ts";
import { policyTexts, roleText } from "../access/policy/policy-text.ts";
import { clusterRule } from "../access/policy/rule.ts";
import type { ConfigFile } from "./config-file.ts";

export function rulesOf(file: ConfigFile, cluster: string): readonly Rule[] {
  if (!file.policy) return [clusterRule];
  const isFor = isForCluster(file, cluster);
  return file.policy.rules
    .filter(({ clusters }) => isFor(clusters))
    .map(({ name, principals, permanent, selfApproval, maxDuration, ...rule }) => ({
      name,
      who: rule.who ?? null,
      levels: rule.levels ?? null,
      principals: {
        accounts: principals.accounts ?? null,
        arns: principals.arns ?? null,
        linkedOnly: principals.linkedOnly,
      },
      maxDurationSeconds: maxDuration ?? null,
      permanent,
      approvals: rule.approvals ?? null,
      approvers: rule.approvers ?? null,
      selfApproval,
      shared: rule.shared ?? null,
      hours: rule.hours ?? null,
    }));
}

function isForCluster(file: ConfigFile, name: string): (selector: ClusterSelector | undefined) => boolean {
  const labels = labelsOf(file, name);
  return (selector) => !selector || isSelected(selector, name, labels);
}

/** The labels of a cluster. Its account and region are always its own. */
export function labelsOf({ clusters }: Pick<ConfigFile, "clusters">, name: string): Labels {
  const cluster = clusters[name];
  return cluster ? { ...cluster.labels, account: cluster.account, region: cluster.region } : {};
}

/** Who can take emergency access to a cluster: the first entry that names it. */
export function breakGlassOf(file: ConfigFile, cluster: string): BreakGlass | null {
  const isFor = isForCluster(file, cluster);
  const entry = file.policy?.breakGlass.find(({ clusters }) => isFor(clusters));
  return entry ? { who: entry.who, level: entry.level, durationSeconds: entry.for } : null;
}

/** Why a cluster takes no requests; null: it does. */
export function quietReason(quiet: boolean | string): string | null {
  if (quiet === false) return null;
  return quiet === true ? "an operator has closed it for now" : quiet;
}

/** A level of the file, with its access policy and its roles. */
export function buildLevel(name: string, level: ConfigFile["levels"][string]): Level {
  const { groups, policy, namespaces = null, bind } = level;
  const policies = policy === undefined ? [] : policyTexts({ name: policy, namespaces });
  const given = [...groups, ...policies, ...bind.flatMap(roleTexts)];
  return { name, groups: given, maxDurationSeconds: level.maxDuration, verify: level.verify };
}

function roleTexts({ clusterRole, role, in: where }: ConfigFile["levels"][string]["bind"][number]): readonly string[] {
  const bound = { kind: clusterRole === undefined ? "Role" : "ClusterRole", name: clusterRole ?? role ?? "" } as const;
  if (where === "all") return [roleText(bound, null)];
  return where === "choose" ? [roleText(bound, "choose")] : where.map((namespace) => roleText(bound, namespace));
}
