import type { Rule } from "../../access/policy/cluster.ts";
import type { AskVerdict } from "../../access/policy/may-ask.ts";
import { approvalsNeeded } from "../../access/policy/rule.ts";
import type { RequestWish } from "../../access/request/request-line.ts";
import type { SlackContext } from "../app/context.ts";
import { livingApprovers, mendApprovers } from "../decide/dead-approvers.ts";

/**
 * Refuses what nobody could approve now, because too few of those who may are active in Slack: it would only lapse. Null: there
 * are enough, or Slack does not say, which must hold nothing up.
 */
export async function refuseWithoutApprovers(
  { directory, log }: SlackContext,
  requester: string,
  { cluster, level }: Pick<RequestWish, "cluster" | "level">,
  rule: Rule,
  now: Date,
): Promise<Extract<AskVerdict, { type: "refused" }> | null> {
  const needed = approvalsNeeded(rule, level, now);
  const who = { enough: needed, ...(!rule.selfApproval && { without: requester }) };
  try {
    const { living } = await livingApprovers(directory, rule, cluster, who);
    if (living.length >= needed) return null;
    const approvals = needed === 1 ? "an approval" : `${needed} approvals`;
    const left =
      living.length === 0 ? "nobody who may give one is" : `only ${living.length} of those who may give one is`;
    const message = `${level.name} on ${cluster.name} takes ${approvals}, and ${left} active in Slack now. ${mendApprovers(rule, cluster)}`;
    return { type: "refused", code: "too-few-approvers", message, rule };
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not look whether approvers are active in Slack");
    return null;
  }
}
