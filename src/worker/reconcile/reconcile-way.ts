import { setTimeout as wait } from "node:timers/promises";
import { hasCode } from "../../access/access-error.ts";
import { removedWithoutLedgerAt } from "../../access/lease/withdrawal.ts";
import { withoutRolePath } from "../../access/principal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { measuredStep } from "../../operations/announcements.ts";
import { extendDeadline } from "../../operations/deadlines.ts";
import { burstWidth, inParallel, inTurns } from "../../operations/parallel.ts";
import { traceFor } from "../../operations/traced.ts";
import { memoryOf, withoutRefused } from "./check-leases.ts";
import { gather, type WayAttempt } from "./gather.ts";
import { type Acted, recordActed } from "./record-acted.ts";
import { reviewLease } from "./review.ts";
import { askingOnce } from "./review-questions.ts";
import type {
  ReviewGiven,
  SettleInput,
  Settlement,
  VoidApproval,
  WayAdapter,
  WayContext,
  WayRun,
  WayState,
} from "./way-adapter.ts";
import { recordVoidBegun, recordWriteBegun } from "./write-begun.ts";

const attempts = 5;

/** The time for one lease's own calls: its writes, its read-back, its reviews. Without it, a run with many leases would postpone all. */
const eachLeaseMs = 100;

/** Makes one way of a cluster match the ledger. After a concurrent edit it reads again, a bounded number of times. */
export async function reconcileWay<State extends WayState, Decided extends Settlement>(
  place: WayContext,
  adapter: WayAdapter<State, Decided>,
  { onlyEnds, withoutLedger = false }: { readonly onlyEnds: boolean; readonly withoutLedger?: boolean },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await tryOnce({ ...place, adapter, isLast: attempt >= attempts, onlyEnds, withoutLedger });
    if (result === "done") return;
    if (result === "conflict") await (place.context.pause ?? wait)(Math.random() * 50 * 2 ** attempt);
  }
}

/** `again`: read once more. `conflict`: the same, because of another writer. */
type Result = "done" | "again" | "conflict";

async function tryOnce<State extends WayState, Decided extends Settlement>(
  run: WayAttempt<State, Decided>,
): Promise<Result> {
  const facts = await gather(run);
  if (!facts) return "again";
  try {
    const acted = await act(run, facts);
    if (!acted) return "again";
    await recordActed(acted);
    return acted.conflicts > 0 ? "conflict" : "done";
  } catch (error) {
    if (!hasCode(error, "cluster-conflict") || run.isLast) throw error;
    countConflict(run);
    return "conflict";
  }
}

function countConflict({ context, cluster, adapter }: WayRun): void {
  context.metrics?.conflicts.inc({ cluster: cluster.name, way: adapter.way });
}

/** Null: it had to create something first. @throws AccessError */
async function act<State extends WayState, Decided extends Settlement>(
  run: WayAttempt<State, Decided>,
  facts: SettleInput<State>,
): Promise<Acted | null> {
  const { context, adapter, isLast } = run;
  const { state } = facts;
  const settled: Decided = await measuredStep("plan", () => inTurns(adapter.settle(facts)));
  extendDeadline(eachLeaseMs * [settled.leased, settled.repaired, settled.ending].flat().length);
  const prepared = await adapter.prepare(state, settled, isLast);
  if (prepared.type === "refused") return act(run, withoutRefused(facts, settled, prepared.refusals));
  if (prepared.type === "again") {
    if (isLast) throw prepared.why;
    return null;
  }
  // A document or an access entry refuses a write beside a newer one. For bindings, only the records stop two runs.
  const beginVoid = async (each: VoidApproval) => ({ ...each, request: await recordVoidBegun(context, each.request) });
  const voided = adapter.way === "binding" ? await inParallel(settled.voided, beginVoid) : settled.voided;
  const decided = { ...settled, voided };
  // The ledger knows about a write before the cluster does.
  const beginAll = (requests: readonly ApprovedRequest[]) =>
    inParallel(
      requests,
      async (request) => (prepared.isSentFor(request) ? recordWriteBegun(run, request) : request),
      burstWidth,
    );
  const [begun, repaired] = await Promise.all([beginAll(decided.leased), beginAll(decided.repaired)]);
  const reviewer = askingOnce(run.opened.client, state.roles);
  const review: ReviewGiven = (request, identity) =>
    measuredStep("prove", () => reviewLease(reviewer, run.cluster, request, identity), traceFor(context, request));
  const outcomes = await prepared.send(review);
  const isConflict = (principal: string) => outcomes.failureOf(principal)?.kind === "conflict";
  const conflicts = isLast ? [] : [...decided.targets.keys()].filter(isConflict);
  for (const _ of conflicts) countConflict(run);
  const isDone = ({ principal }: ApprovedRequest) => !conflicts.includes(principal.toLowerCase());
  const removedAt = ({ id }: ApprovedRequest) => removedWithoutLedgerAt(id, memoryOf(state).withdrawals);
  const holders = holdersOf(state, settled.ending);
  const known = new Set(memoryOf(state).withdrawals.list.map(({ id }) => id));
  const isMissed = ({ id, principal, lease, trouble }: ApprovedRequest) => {
    const isSeen = withoutRolePath(lease.proof?.entryArn ?? "").toLowerCase() === principal.toLowerCase();
    const isOpen = trouble?.code === "access-entry-late" || !known.has(id);
    return isSeen && !lease.drift && isOpen && !state.signsInAs(principal).entryArn;
  };
  const rest = { conflicts: conflicts.length, isDone, isMissed, removedAt, holders, reviewer, review };
  return { run, decided, begun, repaired, outcomes, ...rest };
}

function holdersOf({ holdings }: WayState, ending: readonly ApprovedRequest[]): Acted["holders"] {
  const found = new Map<string, string[]>(ending.map(({ id, principal }) => [id, [principal]]));
  if (found.size === 0) return found;
  for (const [key, { shares }] of holdings) for (const { id } of shares) found.get(id)?.push(key);
  return found;
}
