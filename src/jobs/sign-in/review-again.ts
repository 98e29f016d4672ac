import { isReviewing, reviewAgain } from "../../grant/review.ts";
import type { Cluster } from "../../policy/cluster.ts";
import type { AccessRequest } from "../../request/request.ts";
import { failureOf, isToBeTold } from "../../request/retry.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../delay.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { mayBeAnswered, reviewLease } from "../reconcile/authorize.ts";
import { idsElsewhere } from "../reconcile/record.ts";
import { recordProof } from "./record-proof.ts";

/** Asks the API server again what a lease allows, as the same user, and records its answer or the next try. */
export async function reviewOnce(
  context: WorkerContext,
  cluster: Cluster,
  { client }: OpenedCluster,
  request: AccessRequest,
): Promise<void> {
  const identity = request.grant?.proof?.reviewedAs ?? null;
  const { finding, auditIds, unanswered } = await reviewLease(client, cluster, request, identity);
  if (mayBeAnswered(unanswered)) return putOffReview(context, request, unanswered);
  const detail = { authorized: finding.result, how: finding.detail, ...idsElsewhere(context, auditIds) };
  await recordProof(context, request, isReviewing, (grant, proof) => ({
    grant: { ...grant, reviewTrouble: null, proof: { ...proof, authorized: finding } },
    event: { type: "grant.rights-asked", detail },
  }));
}

/** Has the API server asked again later. */
export function putOffReview(context: WorkerContext, request: AccessRequest, error: unknown): Promise<void> {
  const now = context.now();
  return recordProof(context, request, isReviewing, (grant) => {
    const reviewTrouble = reviewAgain(grant.reviewTrouble ?? null, failureOf(error), now);
    const isTold = isToBeTold(grant.reviewTrouble ?? null, reviewTrouble);
    const detail = { ...idsElsewhere(context), ...delayDetail(reviewTrouble) };
    return { grant: { ...grant, reviewTrouble }, event: isTold ? { type: "grant.rights-delayed", detail } : null };
  });
}
