import type { BreakGlass, Level, Rule } from "../access/policy/cluster.ts";
import { policyTexts } from "../access/policy/policy-text.ts";
import { clusterRule } from "../access/policy/rule.ts";
import type { ConfigFile } from "./config-file.ts";

/** The rules that speak for a cluster, in the order of the file. */
export function rulesOf(file: ConfigFile, cluster: string): readonly Rule[] {
  if (!file.policy) return [clusterRule];
  return file.policy.rules
    .filter(({ clusters }) => !clusters || clusters.includes(cluster))
    .map(({ name, who, levels, principals, maxDuration, permanent, approvals, approvers, selfApproval, hours }) => ({
      name,
      who: who ?? null,
      levels: levels ?? null,
      principals: {
        accounts: principals.accounts ?? null,
        arns: principals.arns ?? null,
        linkedOnly: principals.linkedOnly,
      },
      maxDurationSeconds: maxDuration ?? null,
      permanent,
      approvals: approvals ?? null,
      approvers: approvers ?? null,
      selfApproval,
      hours: hours ?? null,
    }));
}

/** Who can take emergency access to a cluster: the first entry that names it. */
export function breakGlassOf(file: ConfigFile, cluster: string): BreakGlass | null {
  const entry = file.policy?.breakGlass.find(({ clusters }) => !clusters || clusters.includes(cluster));
  return entry ? { who: entry.who, level: entry.level, durationSeconds: entry.for } : null;
}

/** Why a cluster takes no requests now; null: it does. */
export function quietReason(quiet: boolean | string): string | null {
  if (quiet === false) return null;
  return quiet === true ? "an operator has closed it for now" : quiet;
}

/** A level of the file, with its access policy among what it gives. */
export function buildLevel(name: string, level: ConfigFile["levels"][string]): Level {
  const { groups, policy, namespaces = null } = level;
  const policies = policy === undefined ? [] : policyTexts({ name: policy, namespaces });
  return { name, groups: [...groups, ...policies], maxDurationSeconds: level.maxDuration, verify: level.verify };
}
