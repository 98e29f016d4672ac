import type { EventType } from "../../access/audit-event.ts";
import { dueWork } from "../../access/lease/cluster-leases.ts";
import { remembersNone } from "../../access/lease/withdrawal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { withLease } from "../../access/request.ts";
import type { DecisionPublicKeys } from "../../access/seal.ts";
import { lastSealedApproval } from "../../access/seals.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { inParallel } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { isReplayed, memoryOf, wasVoidBefore } from "./check-leases.ts";
import { recordOutcome } from "./outcome.ts";
import type { WayState } from "./way-adapter.ts";

const approvalEvents: ReadonlySet<EventType> = new Set([
  "request.approved",
  "request.self-approved",
  "emergency.taken",
]);
const failureEvents: ReadonlySet<EventType> = new Set(["approval.void", "lease.failed"]);
const endEvents: ReadonlySet<EventType> = new Set(["lease.ended"]);

/** More events than one life of a request has. */
export const mostEventsOfLife = 500;

/** Records with a withdrawn approval. A void one is an old copy if an event shows it. */
export async function oldRecords(
  { ledger, keys, now }: WorkerContext,
  open: readonly ApprovedRequest[],
  state: WayState,
) {
  const memory = memoryOf(state);
  if (remembersNone(memory.withdrawals)) return [];
  const { beginning, inForce } = dueWork(open, now());
  const requests = [...beginning, ...inForce];
  const voidBefore = requests.filter((request) => wasVoidBefore(request, memory, keys.decision));
  const reported = await inParallel(voidBefore, (request) =>
    wasReported(ledger, request, keys.decision, failureEvents),
  );
  const isReported = new Map(voidBefore.map((request, index) => [request, reported[index]]));
  return requests.filter((request) => isReported.get(request) ?? isReplayed(request, memory, keys.decision));
}

/** If the cluster's memory lost a lease, an old copy in Redis would remove access that others gave since. */
export async function withoutEndedMemories(
  { ledger, keys }: WorkerContext,
  open: readonly ApprovedRequest[],
  { lost }: WayState,
): Promise<readonly ApprovedRequest[]> {
  return inParallel(open, async (request) => {
    const { lease } = request;
    if (!lease.written || !lost.has(request.principal.toLowerCase())) return request;
    const hasEnded = await wasReported(ledger, request, keys.decision, endEvents);
    return hasEnded ? { ...request, lease: { ...lease, written: null } } : request;
  });
}

/** The log's order decides, because clocks differ. A record without genuine seals hides its approval. */
async function wasReported(
  ledger: Ledger,
  request: ApprovedRequest,
  keys: DecisionPublicKeys,
  types: ReadonlySet<EventType>,
): Promise<boolean> {
  const events = (await ledger.eventsOf(request.id, mostEventsOfLife)).map(({ event }) => event);
  const approved = lastSealedApproval(request, keys);
  const since = events.findLastIndex(({ type, at }) => approvalEvents.has(type) && at === approved?.at);
  const isAfter = (at: string) => since >= 0 || !approved || Date.parse(at) >= Date.parse(approved.at);
  return events.slice(since + 1).some(({ type, at }) => types.has(type) && isAfter(at));
}

/** Ends a lease at once if its approval was withdrawn: an attacker with Redis, or a restored copy, brought the record back. */
export async function noteReplayed(context: WorkerContext, request: ApprovedRequest): Promise<void> {
  context.log.error({ request: request.id }, "an old record from before its revocation is in the ledger again");
  const end = { cause: "replayed" as const, by: "worker", at: context.now().toISOString(), why: "" };
  const after = withLease(request, { ...request.lease, end }, null);
  await recordOutcome(context, request, after, "lease.replayed", { approvers: request.approvals.map(({ by }) => by) });
}
