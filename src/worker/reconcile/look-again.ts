import type { CodedReason, OtherLease } from "../../access/lease/lease-record.ts";
import { giveSameAccess } from "../../access/lease/other-leases.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest, PendingRequest } from "../../access/request/record.ts";
import { otherLeasesChanged, outdatedRequest, refusedRequest } from "../../access/request/request.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { otherLeasesNow } from "../../ledger/look-ups.ts";
import type { WorkerContext } from "../context.ts";

/** The click itself checks the rest. */
const maxPending = 200;

/**
 * Previews pending requests again after other leases began or ended, so that approvers see the present change. Closes
 * an extension of a lease that is over.
 */
export async function refreshWaitingRequests(context: WorkerContext, cluster: Cluster): Promise<void> {
  const of = { list: "pending", clusters: [cluster.name], requester: null, match: "any" } as const;
  const { requests } = await context.ledger.list(of, 0, maxPending);
  const waiting = requests.filter(({ preview, extends: extended }) => preview || extended);
  if (waiting.length === 0) return;
  // One reading for all: a cluster can have hundreds of requests.
  const leased = await context.ledger.leasedOf(cluster.name);
  for (const request of waiting) await lookAgain(context, request, leased);
}

async function lookAgain(
  context: WorkerContext,
  request: AccessRequest,
  leased: readonly ApprovedRequest[],
): Promise<void> {
  if (request.state !== "pending") return;
  const now = context.now();
  const ledger = { get: context.ledger.get, leasedOf: async () => leased };
  const { leases, isExtendedLeaseOver } = await otherLeasesNow(ledger, request, now);
  if (isExtendedLeaseOver) return closeRefused(context, request, nothingToExtend(request));
  if (!request.preview || !isOutdated(request, leases, now)) return;
  const approvers = request.approvals.map(({ by }) => by);
  const type = approvers.length > 0 ? "approval.void" : "preview.outdated";
  const event = eventOf(type, request, "worker", now, { why: otherLeasesChanged, approvers });
  await recordChange(context, outdatedRequest(request, otherLeasesChanged), event, now);
}

/** Before any approval, approvers see every difference. Later, an approval becomes void only if the result would differ. */
function isOutdated({ preview, approvals }: AccessRequest, found: readonly OtherLease[], now: Date): boolean {
  const shown = preview?.leases ?? [];
  return approvals.length > 0 ? !giveSameAccess(shown, found, now) : JSON.stringify(shown) !== JSON.stringify(found);
}

export async function closeRefused(
  context: WorkerContext<RequestLedger>,
  request: PendingRequest,
  refusal: CodedReason,
): Promise<void> {
  const now = context.now();
  const event = eventOf("request.refused", request, "worker", now, { code: refusal.code });
  await recordChange(context, refusedRequest(request, refusal), event, now);
}

export function nothingToExtend(request: AccessRequest): CodedReason {
  const message = `${request.extends} has ended, so there is nothing to extend any more. Ask for access again.`;
  return { code: "lease-over", message };
}
