import { fitsAnnotation, roomIn } from "../../access/lease/annotation.ts";
import { approvedShare } from "../../access/lease/cluster-leases.ts";
import { baseOf, entryTarget } from "../../access/lease/holding.ts";
import { usernameFor } from "../../access/lease/lease.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isPolicyText } from "../../access/policy/policy-text.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { resolve, type Steps } from "../../aws-auth/index.ts";
import { documentWarnings, sameUsernameWarnings, sessionWarnings } from "../preview/preview-warnings.ts";
import { planRemembered } from "../remembered.ts";
import { annotationFull, type ClusterState, planGuard, takesNothingNew } from "./settle-document.ts";
import type { ChangePreview, RequestedChange } from "./way-adapter.ts";

export function* previewInDocument(
  cluster: Cluster,
  keys: MemoryKeys,
  state: ClusterState,
  requested: RequestedChange,
): Steps<ChangePreview> {
  const refusal = refuseInDocument(cluster, state, requested);
  if (refusal) return refusal;
  const { request, level, principal, beginning, others: named } = requested;
  const { arn } = principal;
  const entry = state.identityOf(arn);
  const holding = state.holdings.get(arn.toLowerCase());
  const shares = [...(holding?.shares ?? []), ...beginning, approvedShare(request, new Date(request.createdAt))];
  const username = entry?.username ?? usernameFor(principal);
  const { change, holding: held } = entryTarget(arn, entry, holding, shares, username);
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
    base: baseOf(entry, holding),
    today,
    afterwards: planned ?? today ?? { username, groups: request.groups },
    warnings: [
      ...(entry ? [] : sameUsernameWarnings(username, arn, state.document.entries, named)),
      ...sessionWarnings(username, arn),
      ...(yield* documentWarnings(state)),
    ],
  };
}

/** Why the document can't give this, whatever its plan is; null: it may. */
function refuseInDocument(
  cluster: Cluster,
  state: ClusterState,
  { request: { groups }, level, principal: { arn } }: RequestedChange,
): ChangePreview | null {
  if (groups.some(isPolicyText)) {
    return refused(
      "policy-in-aws-auth",
      `${level.name} gives an EKS access policy, which aws-auth can't give ${arn}. Ask for a level with groups, or an operator for its access entry.`,
    );
  }
  const base = baseOf(state.identityOf(arn), state.holdings.get(arn.toLowerCase()));
  if (base && groups.every((group) => base.groups.includes(group))) {
    return refused(
      "already-mapped",
      `${arn} already has ${groups.join(", ")} in ${cluster.name}, with no end date. You need no request: sign in as it.`,
    );
  }
  const closed = takesNothingNew(cluster, state);
  return closed && { type: "refused", refusal: closed };
}

export function refused(code: string, message: string): Extract<ChangePreview, { readonly type: "refused" }> {
  return { type: "refused", refusal: { code, message } };
}
