import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Way } from "../../access/policy/way.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { step } from "../../operations/metrics/steps.ts";
import { traceFor } from "../../operations/tracing/request-traces.ts";
import type { WorkerContext } from "../context.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { activate, end, noteDrift, voidApproval } from "./outcome.ts";
import { prove } from "./prove.ts";
import { proveEnd } from "./prove-end.ts";
import { fail, putOff, putOffVoid } from "./put-off.ts";
import type { Outcomes, Settlement, VoidApproval, WriteFailure } from "./way-adapter.ts";

/** What a run has done. */
export interface CarriedOut {
  readonly way: Way;
  readonly decided: Settlement;
  /** The granted requests as their records are now. */
  readonly begun: readonly ApprovedRequest[];
  readonly outcomes: Outcomes;
  /** Whether a request's principal is not tried again in this run. */
  readonly isDone: (request: ApprovedRequest) => boolean;
}

/** Proves each lease by what was read back, and records what became of each. */
export async function recordOutcomes(
  context: WorkerContext,
  cluster: Cluster,
  opened: OpenedCluster,
  done: CarriedOut,
): Promise<void> {
  const { decided, begun, isDone } = done;
  const voided = decided.voided.filter(({ request }) => isDone(request));
  const given = [...begun, ...decided.repaired].filter(isDone);
  await inParallel(voided, (each) => recordVoided(context, done, each));
  await inParallel([...decided.refused, ...decided.stuck], ({ request, refusal }) => fail(context, request, refusal));
  await inParallel(given, (request) => recordGiven(context, cluster, opened, done, request));
  await inParallel(decided.leaving.filter(isDone), (request) => recordTaken(context, cluster, opened, done, request));
  await inParallel(decided.drifted, ({ request, message }) => noteDrift(context, request, message));
  await inParallel(decided.holding, (request) => noteDrift(context, request, null));
}

async function recordGiven(
  context: WorkerContext,
  cluster: Cluster,
  { client }: OpenedCluster,
  { way, decided, outcomes }: CarriedOut,
  request: ApprovedRequest,
): Promise<void> {
  const holding = decided.targets.get(request.principal.toLowerCase())?.holding;
  if (!holding) return;
  const failure = outcomes.failureOf(request.principal);
  if (failure) {
    const before = decided.granted.find(({ id }) => id === request.id);
    const certain = certainRefusal(failure, before);
    return certain ? fail(context, unwritten(request), certain) : putOff(context, request, failure.error);
  }
  const proving = () => prove(client, cluster, request, outcomes.readBackOf(request.principal), context.now);
  const proved = await step("prove", proving, traceFor(context, request));
  await activate(context, request, proved, holding, way);
}

/** What was sent has been refused, and nothing was sent for this lease before: nothing of it is there. */
function certainRefusal({ kind, error }: WriteFailure, before: ApprovedRequest | undefined): AccessError | null {
  const isCertain = kind === "refused" && !before?.lease?.writeBegan;
  return isCertain && error instanceof AccessError ? error : null;
}

function unwritten(request: ApprovedRequest): ApprovedRequest {
  return request.lease ? { ...request, lease: { ...request.lease, writeBegan: null } } : request;
}

/** What may have been written of it stays in the ledger until nothing of it is left: nobody else knows of it. */
async function recordVoided(context: WorkerContext, done: CarriedOut, approval: VoidApproval): Promise<void> {
  const { request, message, doubt } = approval;
  const left = doubt ?? (request.lease?.writeBegan ? whyLeft(done, request) : null);
  await (left ? putOffVoid(context, request, left) : voidApproval(context, request, message));
}

async function recordTaken(
  context: WorkerContext,
  cluster: Cluster,
  opened: OpenedCluster,
  done: CarriedOut,
  request: ApprovedRequest,
): Promise<void> {
  const { outcomes, decided, begun } = done;
  const left = whyLeft(done, request);
  if (left) return putOff(context, request, left);
  const { principal, lease } = request;
  const inForce = [...decided.holding, ...begun, ...decided.repaired];
  const facts = { cluster, opened, request, readBack: outcomes.readBackOf(principal), inForce };
  // One that never was active gave nothing of which an end could be proved.
  const proved = lease?.state === "active" ? await proveEnd(context, facts) : null;
  await end(context, request, outcomes.remainsOf(principal), outcomes.isForgotten(request), proved);
}

/** Why something of a lease may be left; null: nothing is. */
function whyLeft({ outcomes }: CarriedOut, request: ApprovedRequest): unknown {
  return outcomes.failureOf(request.principal)?.error ?? outcomes.doubtOf(request);
}
