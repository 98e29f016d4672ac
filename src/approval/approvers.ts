import type { Cluster } from "../policy/cluster.ts";
import { approversOf, ruleFor } from "../policy/rule.ts";
import type { AccessRequest } from "../request/request.ts";

/** Who may still approve this request: neither the requester, nor who has approved it already. Slack user ids. */
export function othersWhoMayApprove(
  { level, requester, approvals }: AccessRequest,
  cluster: Cluster,
): readonly string[] {
  const rule = ruleFor(cluster, level);
  const given = approvals.map(({ by }) => by);
  return (rule ? approversOf(rule, cluster) : []).filter((each) => each !== requester && !given.includes(each));
}
