import type { Cluster } from "../policy/cluster.ts";
import { approversOf, ruleFor } from "../policy/rule.ts";
import type { AccessRequest } from "../request/record.ts";

/** Who may still approve this request: neither the requester, nor who has approved it already. Slack user ids and user groups. */
export function othersWhoMayApprove(request: AccessRequest, cluster: Cluster): readonly string[] {
  const { level, requester, standing, approvals } = request;
  const rule = ruleFor(cluster, level, { user: requester, memberships: standing.memberships });
  const given = approvals.map(({ by }) => by);
  const others = (rule ? approversOf(rule, cluster) : []).filter((each) => !given.includes(each));
  return rule?.selfApproval ? others : others.filter((each) => each !== requester);
}
