import { fitsAnnotation, roomIn } from "../../access/lease/annotation.ts";
import { approvedShare } from "../../access/lease/cluster-leases.ts";
import { baseOf, entryTarget } from "../../access/lease/holding.ts";
import { usernameFor } from "../../access/lease/lease.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { covers, isPolicyText } from "../../access/policy/policy-text.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { resolve, type Steps } from "../../aws-auth/index.ts";
import { documentWarnings, sameUsernameWarnings, sessionWarnings } from "../preview/preview-warnings.ts";
import { planRemembered } from "../remembered.ts";
import { annotationFull, type ClusterState, planGuard, takesNothingNew } from "./settle-document.ts";
import type { ChangePreview, RequestedChange, WayState } from "./way-adapter.ts";

export function* previewInDocument(
  cluster: Cluster,
  keys: MemoryKeys,
  state: ClusterState,
  requested: RequestedChange,
): Steps<ChangePreview> {
  const { request, level, principal, others: named } = requested;
  const { arn } = principal;
  if (request.groups.some(isPolicyText)) {
    return refused(
      "policy-in-aws-auth",
      `${level.name} gives an EKS access policy, which aws-auth can't give ${arn}. Ask for a level with groups.`,
    );
  }
  const asked = requestedMapping(cluster, state, requested);
  const closed = asked.refusal ?? takesNothingNew(cluster, state);
  if (closed) return { type: "refused", refusal: closed };
  const { base, identity, username } = asked;
  const { change, holding: held } = asked.target;
  const plan = yield* planRemembered(state.document, [change], planGuard(cluster, [level], state));
  if (plan.type === "refused") return { type: "refused", refusal: plan.refusal };
  const [leftOut] = plan.refused;
  if (leftOut) return { type: "refused", refusal: leftOut };
  const others = [...state.holdings.values()].filter((each) => each.arn.toLowerCase() !== arn.toLowerCase());
  const room = roomIn(state.configMap?.annotations ?? {});
  if (held && !fitsAnnotation([...others, held], keys, room.forLeases)) {
    return { type: "refused", refusal: annotationFull(cluster, room) };
  }
  const today = resolve(state.document, arn);
  const planned = plan.differences.find((each) => each.arn.toLowerCase() === arn.toLowerCase())?.after;
  yield;
  const { diff } = plan;
  return {
    type: "change",
    way: "aws-auth",
    diff,
    base,
    today,
    afterwards: planned ?? today ?? { username, groups: request.groups },
    warnings: [
      ...(identity ? [] : sameUsernameWarnings(username, arn, state.document.entries, named)),
      ...sessionWarnings(username, arn),
      ...(yield* documentWarnings(state)),
    ],
  };
}

/** The one identity that a principal would have; a refusal if it has these rights for good. */
export function requestedMapping(
  cluster: Cluster,
  { identityOf, holdings }: WayState,
  { request, principal, beginning }: RequestedChange,
) {
  const { arn } = principal;
  const { groups } = request;
  const identity = identityOf(arn);
  const holding = holdings.get(arn.toLowerCase());
  const base = baseOf(identity, holding);
  const isMapped = base !== null && groups.every((group) => covers(base.groups, group));
  const message = `${arn} already has ${groups.join(", ")} in ${cluster.name}, with no end date. You need no request: sign in as it.`;
  const shares = [...(holding?.shares ?? []), ...beginning, approvedShare(request, new Date(request.createdAt))];
  const username = identity?.username ?? usernameFor(principal);
  const target = entryTarget(arn, identity, holding, shares, username);
  return { refusal: isMapped ? { code: "already-mapped", message } : null, base, identity, username, target };
}

export function refused(code: string, message: string): Extract<ChangePreview, { readonly type: "refused" }> {
  return { type: "refused", refusal: { code, message } };
}
