import type { MemoryKeys } from "../../access/approval/seal.ts";
import { fitsAnnotation } from "../../access/lease/annotation.ts";
import { roomIn } from "../../access/lease/annotation-room.ts";
import { shareOf } from "../../access/lease/due-work.ts";
import { baseOf, targetOf } from "../../access/lease/holding.ts";
import { usernameFor } from "../../access/lease/username.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isPolicyText } from "../../access/policy/policy-text.ts";
import { planChanges, resolve } from "../../aws-auth/index.ts";
import { beingDeleted } from "../reconcile/being-deleted.ts";
import { type ClusterState, planGuard } from "../reconcile/cluster-state.ts";
import { annotationFull } from "../reconcile/plan-settlement.ts";
import type { ChangePreview, RequestedChange } from "../reconcile/way-adapter.ts";
import { readRemembered } from "../remembered.ts";
import { documentWarnings, sameUsernameWarnings, sessionWarnings } from "./preview-warnings.ts";

/** What would change in aws-auth; or why it can't be done. */
export function previewInDocument(
  cluster: Cluster,
  keys: MemoryKeys,
  state: ClusterState,
  { request, level, principal, beginning }: RequestedChange,
): ChangePreview {
  const { arn } = principal;
  const { groups } = request;
  if (groups.some(isPolicyText)) {
    return refused(
      "policy-in-aws-auth",
      `${level.name} gives an access policy of EKS, and ${cluster.name} takes ${arn} by aws-auth, which knows none. Ask for a level of groups, or have an operator move ${arn} to an access entry.`,
    );
  }
  const entry = state.identityOf(arn);
  const holding = state.holdings.get(arn.toLowerCase());
  const base = baseOf(entry, holding);
  if (base && groups.every((group) => base.groups.includes(group))) {
    return refused("already-mapped", `${arn} has ${groups.join(", ")} in ${cluster.name} already, without end.`);
  }
  const deletion = state.configMap?.deletion;
  if (deletion) return { type: "refused", refusal: beingDeleted(cluster, deletion) };
  const shares = [...(holding?.shares ?? []), ...beginning, shareOf(request, new Date(request.createdAt))];
  const username = entry?.username ?? usernameFor(principal);
  const { change, holding: held } = targetOf(arn, entry, holding, shares, username);
  const plan = planChanges(state.document, [change], planGuard(cluster, [level], state), readRemembered);
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
  const afterwards = planned ?? today ?? { username, groups };
  return {
    type: "change",
    way: "aws-auth",
    diff: plan.diff,
    base,
    today,
    afterwards,
    warnings: [
      ...(entry ? [] : sameUsernameWarnings(username, arn, state.document.entries)),
      ...sessionWarnings(username, arn),
      ...documentWarnings(state),
    ],
  };
}

function refused(code: string, message: string): ChangePreview {
  return { type: "refused", refusal: { code, message } };
}
