import { unreviewedEmergency } from "../../access/emergency.ts";
import { decideShare, type ShareFacts } from "../../access/lease/decide-lease.ts";
import { sealPlace, sealWritten } from "../../access/lease/holding.ts";
import { activeLease, isSignInShare, scheduleLease } from "../../access/lease/lease.ts";
import type { Holding, Share } from "../../access/lease/lease-record.ts";
import { positionInList } from "../../access/lists.ts";
import { type Cluster, sealedClusterOf, type Way } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { createRequest } from "../../access/request.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { forgetTrouble, noteTrouble } from "../../ledger/look-ups.ts";
import { whileOpen } from "../../operations/deadlines.ts";
import type { WorkerContext } from "../context.ts";
import { openCluster } from "../open-cluster.ts";
import { adoptRescues } from "../rescue/adopt-rescues.ts";
import { keepDocument } from "../rescue/repair-document.ts";
import { noteHourly } from "./hourly-notices.ts";
import { prove, withProof } from "./prove.ts";
import { reconcileCluster } from "./reconcile.ts";
import { lookAgainForLateOnes } from "./reconcile-way.ts";
import { reviewLease } from "./review.ts";
import type { WayContext, WayState } from "./way-adapter.ts";
import { waysIn } from "./ways.ts";

interface Adoption {
  readonly recovered: readonly string[];
  /** Leases that the ledger did not know and that are over: a run removes them. */
  readonly ended: readonly string[];
}

/**
 * Reads a cluster's own memory of its leases into a ledger that does not know them (law 10): once for each cluster of a
 * new ledger, and from time to time. It trusts only our seal, and gives no access by it. It removes leases that the
 * ledger has as over, for example after a restored backup of aws-auth.
 */
export async function adoptCluster(context: WorkerContext, cluster: Cluster): Promise<Adoption> {
  // First, because it needs no creator.
  const adoption = { recovered: [...(await adoptRescues(context, cluster))], ended: [] as string[] };
  let isUnfinished = false;
  const over: string[] = [];
  let read: readonly AccessEntry[] = [];
  await whileOpen((context.openCluster ?? openCluster)(context, cluster, []), async (open) => {
    const place = { context, cluster, opened: open };
    const { document, entries, bindings } = await waysIn(place, async () => [], "all", []);
    for (const adapter of [document, entries, bindings]) {
      if (!adapter) continue;
      const state = await adapter.read([]);
      if ("openSince" in state) read = [...state.entries.values()];
      isUnfinished ||= state.isUnfinished || state.untrusted !== null;
      over.push(...(await adoptHoldings(place, { way: adapter.way, state }, adoption)));
    }
    await noteHourly(context, cluster, open, read);
    if (document) await keepDocument(context, open.client, cluster, await open.client.readAwsAuth());
  });
  // The lost ledger can have waited for an unanswered call.
  if (!(await context.ledger.adopted([cluster.name])).has(cluster.name)) await lookAgainForLateOnes(context, cluster);
  await context.ledger.markAdopted(cluster.name);
  const isToBeCleared = adoption.ended.length > 0 || over.length > 0 || isUnfinished;
  if (isToBeCleared) await reconcileCluster(context, cluster, "adopt");
  context.log.info({ cluster: cluster.name, ...adoption, over }, "read the cluster's own memory");
  return adoption;
}

/** Reads a cluster's own memory when it is due. An unreadable one follows the ledger's own schedule. */
export async function adoptByTheClock(context: WorkerContext, cluster: Cluster): Promise<void> {
  try {
    await adoptCluster(context, cluster);
    await forgetTrouble(context, cluster);
  } catch (error) {
    await noteTrouble(context, cluster, error);
  }
}

interface Memory {
  readonly way: Way;
  readonly state: WayState;
}

async function adoptHoldings(
  place: WayContext,
  memory: Memory,
  adoption: { readonly recovered: string[]; readonly ended: string[] },
): Promise<readonly string[]> {
  const { context } = place;
  const over: string[] = [];
  const { holdings, withdrawals } = memory.state;
  const withdrawn = new Set(withdrawals.list.map(({ id }) => id));
  for (const holding of holdings.values()) {
    for (const share of holding.shares) {
      const inLedger = await stateInLedger(context, share.id);
      const isOver = Date.parse(share.endsAt) <= context.now().getTime();
      if (isSignInShare(share)) {
        if (isOver || inLedger === "over") over.push(share.id);
        continue;
      }
      const { outcome } = decideShare({ inLedger, wasWithdrawn: withdrawn.has(share.id), isOver });
      if (outcome === "end") (inLedger === "unknown" ? adoption.ended : over).push(share.id);
      if (outcome !== "adopt") continue;
      await recover(place, memory, holding, share);
      adoption.recovered.push(share.id);
    }
  }
  return over;
}

/** Reads the record itself, because an attacker with Redis can remove it from the lists. */
async function stateInLedger({ ledger }: WorkerContext, id: string): Promise<ShareFacts["inLedger"]> {
  const known = await ledger.get(id);
  if (known) return positionInList("leased", known) === null ? "over" : "open";
  return (await ledger.isPermanentLeaseOver(id)) ? "over" : "unknown";
}

async function recover(from: WayContext, { way, state }: Memory, holding: Holding, share: Share): Promise<void> {
  const { context, cluster, opened } = from;
  const now = context.now();
  const bare = recoveredRequest(cluster, holding, share, now);
  const readBack = state.signsInAs(bare.principal);
  const answered = await reviewLease(opened.client, cluster, bare, readBack.identity);
  const proved = prove(cluster, bare, readBack, answered, context.now());
  const written = sealWritten(sealedClusterOf(cluster), bare, holding, context.keys.memory, way);
  const place = sealPlace(cluster, bare, context.keys.memory);
  const lease = { ...withProof(bare.lease, proved, cluster, bare.principal), place, written };
  const event = eventOf("lease.recovered", bare, "worker", now, { principal: holding.arn, groups: share.groups });
  await recordChange(context, { ...bare, lease }, event, now);
}

/** A record for a lease that only the cluster remembers. Its approvals are lost, except the approvers' names and its end. */
function recoveredRequest(cluster: Cluster, holding: Holding, share: Share, now: Date): ApprovedRequest {
  const durationSeconds = Math.ceil((Date.parse(share.endsAt) - now.getTime()) / 1000);
  const at = new Date(Date.parse(share.endsAt) - durationSeconds * 1000).toISOString();
  const verdict = share.emergency ? "emergency" : "approved";
  const unknown = { digest: "", why: "", memberships: [], requester: null, linked: null, stillApprovers: [], seal: "" };
  const reason = "recovered from the cluster's own memory after the loss of the ledger";
  const { id, requester, askedBy = null, level, groups } = share;
  const asked = { id, requester, askedBy, cluster: cluster.name, principal: holding.arn, level, groups };
  return {
    ...createRequest({ ...asked, durationSeconds, extends: null, reason }, new Date(at), durationSeconds),
    state: "approved",
    approvals: share.approvers.map((by) => ({ ...unknown, verdict, by, at })),
    approvalsWanted: share.approvers.length,
    emergency: share.emergency ? unreviewedEmergency(now) : null,
    lease: activeLease(scheduleLease({ durationSeconds, until: null }, new Date(at)), {
      endsAt: share.endsAt,
      writeBegan: at,
      activeSince: now.toISOString(),
      warnAt: share.endsAt,
    }),
  };
}
