import { explain } from "../../access/failure/access-error.ts";
import type { Cluster, Level, Rule } from "../../access/policy/cluster.ts";
import { mostApprovalsNeeded } from "../../access/policy/rule.ts";
import { broken, counted, type Finding, found, someOf } from "../../diagnosis/link.ts";
import type { Directory } from "../people/directory.ts";
import { approvableLevels, livingApprovers, mendApprovers } from "./dead-approvers.ts";

/**
 * Whether each level of each cluster still has as many active approvers as it asks for at any time of the week. What
 * Slack does not tell of one level is a finding of that level alone.
 */
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
    const { living, gone } = await livingApprovers(directory, rule, cluster);
    const needed = mostApprovalsNeeded(rule, level);
    const lost = gone.length > 0 ? `; nobody is active of ${someOf(gone)}` : "";
    const count = `${what}: ${counted(living.length, "active approver")}, needed: ${needed}${lost}`;
    return living.length >= needed
      ? found(count)
      : broken(count, `A request would only lapse. ${mendApprovers(rule, cluster)}`);
  } catch (error) {
    return broken(`${what}: the approvers were not looked at`, explain(error));
  }
}
