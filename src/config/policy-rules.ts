import {
  type BreakGlass,
  type ClusterSelector,
  hasLabels,
  isByName,
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

export function isForCluster(
  { clusters }: Pick<ConfigFile, "clusters">,
  name: string,
): (selector: ClusterSelector | undefined) => boolean {
  let labels: Labels | undefined;
  const read = () => {
    labels ??= labelsOf(clusters[name]);
    return labels;
  };
  return (selector) => !selector || (isByName(selector) ? selector.includes(name) : hasLabels(selector, read()));
}

/** The labels of a cluster. Its account and region are always its own. Each is read when a selector asks for it (`readable`). */
function labelsOf(cluster: ConfigFile["clusters"][string] | undefined): Labels {
  if (!cluster) return {};
  const own = Object.getOwnPropertyDescriptors({
    get account() {
      return cluster.account;
    },
    get region() {
      return cluster.region;
    },
  });
  return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(cluster.labels), ...own }) as Labels;
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
  return { name, groups: givenBy(level), maxDurationSeconds: level.maxDuration, verify: level.verify };
}

export function givenBy({ groups, policy, namespaces, bind }: ConfigFile["levels"][string]): readonly string[] {
  const policies = policy === undefined ? [] : policyTexts({ name: policy, namespaces: namespaces ?? null });
  return [...groups, ...policies, ...bind.flatMap(roleTexts)];
}

function roleTexts({ clusterRole, role, in: where }: ConfigFile["levels"][string]["bind"][number]): readonly string[] {
  const bound = { kind: clusterRole === undefined ? "Role" : "ClusterRole", name: clusterRole ?? role ?? "" } as const;
  if (where === "all") return [roleText(bound, null)];
  return where === "choose" ? [roleText(bound, "choose")] : where.map((namespace) => roleText(bound, namespace));
}
