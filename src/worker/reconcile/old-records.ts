import type { DecisionPublicKeys } from "../../access/approval/seal.ts";
import { lastSealed } from "../../access/approval/sealed-decision.ts";
import type { AuditEvent, EventType } from "../../access/audit/event.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { unchanged, withLease } from "../../access/request/transitions.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { recordedEvents } from "../../operations/metrics/announcements.ts";
import type { WorkerContext } from "../context.ts";
import { inParallel } from "../in-parallel.ts";
import { hasComeToNothing, isReplayed, memoryOf } from "./check-leases.ts";
import { recordOutcome } from "./record.ts";
import type { WayState } from "./way-adapter.ts";

const isApproval: ReadonlySet<EventType> = new Set(["request.approved", "request.self-approved", "emergency.taken"]);
const isNothing: ReadonlySet<EventType> = new Set(["approval.void", "lease.failed"]);
const isEnd: ReadonlySet<EventType> = new Set(["lease.ended"]);

/** More than one life of a request has. */
const mostEvents = 500;

/** What can't be written anew is not told at each look. Milliseconds. */
const untoldMs = 60 * 60_000;

/**
 * Somebody edited our annotation, or our tags. It is not believed: what the records themselves remember, sealed, takes its place,
 * and it is written anew. The event hangs on one of the cluster's open leases, where there is one.
 */
export async function noteUntrusted(
  context: WorkerContext,
  cluster: Cluster,
  open: readonly ApprovedRequest[],
  why: string,
): Promise<void> {
  context.log.error({ cluster: cluster.name, why }, "the cluster's own memory of our leases is not ours");
  const [first] = open;
  if (first) return recordOutcome(context, unchanged(first), "annotation.refused", { why });
  if (!(await context.ledger.takeTurn(`untrusted-${cluster.name}`, untoldMs))) return;
  const at = context.now().toISOString();
  const about = { actor: "worker", request: "", cluster: cluster.name };
  const event: AuditEvent = { type: "annotation.refused", at, ...about, detail: { why } };
  await context.ledger.note(event);
  recordedEvents.tell(event);
}

/** Those whose approval was taken back. One that came to nothing is a record of before where an event has told of it. */
export async function recordsOfBefore(
  { ledger, keys }: WorkerContext,
  requests: readonly ApprovedRequest[],
  state: WayState,
): Promise<readonly ApprovedRequest[]> {
  const memory = memoryOf(state);
  const isOfBefore = await inParallel(requests, async (request) =>
    hasComeToNothing(request, memory, keys.decision)
      ? wasTold(ledger, request, keys.decision, isNothing)
      : isReplayed(request, memory, keys.decision),
  );
  return requests.filter((_, index) => isOfBefore[index]);
}

/**
 * The requests without what the records of ended leases remember. Where the cluster's own memory has nothing of a lease, its record
 * speaks for what is taken away; an old one that was put back into Redis would take what others have given the principal since.
 */
export async function withoutEndedMemories(
  { ledger, keys }: WorkerContext,
  open: readonly ApprovedRequest[],
  { lost }: WayState,
): Promise<readonly ApprovedRequest[]> {
  if (lost.size === 0) return open;
  return inParallel(open, async (request) => {
    const { lease } = request;
    if (!lease.written || !lost.has(request.principal.toLowerCase())) return request;
    const hasEnded = await wasTold(ledger, request, keys.decision, isEnd);
    return hasEnded ? { ...request, lease: { ...lease, written: null } } : request;
  });
}

/**
 * Whether an event of these types tells what became of the approval that this record goes by: by the order of the log, because the
 * approval and what became of it are told by processes whose clocks may differ. A record without true seals hides which approval
 * that is.
 */
async function wasTold(
  ledger: Ledger,
  request: ApprovedRequest,
  keys: DecisionPublicKeys,
  types: ReadonlySet<EventType>,
): Promise<boolean> {
  const events = (await ledger.eventsOf(request.id, mostEvents)).map(({ event }) => event);
  const approved = lastSealed(request, keys);
  const since = events.findLastIndex(({ type, at }) => isApproval.has(type) && at === approved?.at);
  const isAfter = (at: string) => since >= 0 || !approved || Date.parse(at) >= Date.parse(approved.at);
  return events.slice(since + 1).some(({ type, at }) => types.has(type) && isAfter(at));
}

/**
 * The record says that a lease is in force, or is to be, whose approval was taken back: it is one of before, put back
 * into the ledger by whoever can write there, or with an old copy of it. It ends at once.
 */
export async function noteReplayed(context: WorkerContext, request: ApprovedRequest): Promise<void> {
  context.log.error({ request: request.id }, "a record from before its approval was taken back is in the ledger again");
  const end = { cause: "replayed" as const, by: "worker", at: context.now().toISOString(), why: "" };
  const after = withLease(request, { ...request.lease, end }, null);
  await recordOutcome(context, after, "lease.replayed", { approvers: request.approvals.map(({ by }) => by) });
}
