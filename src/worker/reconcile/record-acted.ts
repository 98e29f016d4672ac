import { AccessError, hasCode } from "../../access/access-error.ts";
import { dueWork } from "../../access/lease/cluster-leases.ts";
import { type Drift, notRestoredYet } from "../../access/lease/drift.ts";
import { arrivesWithin } from "../../access/lease/own-bindings.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { lateCallMs } from "../../access-entry/index.ts";
import { wakeLater } from "../../ledger/queues.ts";
import { burstWidth, callInParallel, inParallel } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import {
  recordActive,
  recordDrift,
  recordEnd,
  recordPostponed,
  recordRefusal,
  recordRevoked,
  recordVoid,
  recordVoidPostponed,
} from "./outcome.ts";
import { prove, proveEnd } from "./prove.ts";
import type { Reviewer } from "./review-questions.ts";
import type {
  Outcomes,
  ReviewGiven,
  Settlement,
  VoidApproval,
  WayContext,
  WayRun,
  WriteFailure,
} from "./way-adapter.ts";

export interface Acted {
  readonly run: WayRun & Pick<WayContext, "opened">;
  readonly decided: Settlement;
  /** The leased requests as their records are now, and the repaired ones. */
  readonly begun: readonly ApprovedRequest[];
  readonly repaired: readonly ApprovedRequest[];
  readonly outcomes: Outcomes;
  /** The number of principals with a concurrent edit: this run tries them again. */
  readonly conflicts: number;
  /** Whether this run does not try a request's principal again. */
  readonly isDone: (request: ApprovedRequest) => boolean;
  /** Whether no run has removed it yet, and EKS does not show the access entry that its proof saw: the answer can be of before. */
  readonly isMissed: (request: ApprovedRequest) => boolean;
  /** When a worker without the ledger removed a lease, ISO 8601; null: none did. */
  readonly removedAt: (request: ApprovedRequest) => string | null;
  /** By id of what ends: the principals that had a share of it. Its record in Redis can name another. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
  readonly reviewer: Reviewer;
  readonly review: ReviewGiven;
}

/** Writes what a run did into the ledger. */
export async function recordActed(done: Acted): Promise<void> {
  const { decided, begun, repaired, isDone, isMissed, outcomes } = done;
  const { context, cluster, adapter } = done.run;
  const voided = decided.voided.filter(({ request }) => isDone(request));
  const given = [...begun, ...repaired].filter(isDone);
  await inParallel(voided, (each) => recordVoided(done, each));
  await inParallel([...decided.refused, ...decided.stuck], ({ request, refusal }) =>
    recordRefusal(context, request, refusal),
  );
  await inParallel(given, (request) => recordGiven(done, request), burstWidth);
  const isNewlyMissed = (each: ApprovedRequest) => isMissed(each) && each.trouble?.code !== "access-entry-late";
  if (adapter.way !== "aws-auth" && decided.ending.some((each) => isUnwritten(each) || isNewlyMissed(each))) {
    await askForLateOnes(context, cluster);
  }
  await callInParallel(decided.ending.filter(isDone), (request) => recordTaken(done, request));
  if (adapter.way === "aws-auth") await noteReverts(done, repaired.filter(isDone));
  await inParallel(decided.drifted, ({ request, message }) => recordDrift(context, request, message));
  const gained = ({ principal }: ApprovedRequest) => {
    const failure = outcomes.failureOf(principal);
    return failure && gaveMore.has(failure.kind) ? failure : null;
  };
  // A cluster can have hundreds of leases, and nearly always none of them has changed.
  const changed: ApprovedRequest[] = [];
  for (const request of decided.complete)
    if (request.lease.drift !== null || request.trouble !== null || gained(request)) changed.push(request);
  await inParallel(changed, (request) => {
    const failure = gained(request);
    return failure ? recordRevoked(context, request, failure.error) : recordDrift(context, request, null);
  });
}

/** Or its record is an old copy in Redis, from before a write without a fence: another worker's call can still be on its way. */
function isUnwritten({ lease }: ApprovedRequest): boolean {
  return lease.state === "scheduled" && lease.writeBegan === null;
}

/** A second more than a call takes at most. */
const marginMs = 1_000;

/** Reads the cluster once more when no call can arrive any more that a worker sent before: otherwise the next look can be an hour away. */
export async function lookAgainForLateOnes({ queues }: WorkerContext, { name: cluster }: Cluster): Promise<void> {
  for (const ms of [arrivesWithin, lateCallMs]) await wakeLater(queues, { type: "adopt", cluster }, ms + marginMs);
}

/** The hourly look is left if this fails. */
function askForLateOnes(context: WorkerContext, cluster: Cluster): Promise<void> {
  const about = { cluster: cluster.name };
  return context.failures.during("could not ask for another look", about, () => lookAgainForLateOnes(context, cluster));
}

/** So many in a week are no accident: the channel gets one message. */
const revertsOfATool = 3;
const weekMs = 7 * 24 * 3_600_000;

/** Counts a look at aws-auth without our part, which others removed. An unreadable part can still be there. */
async function noteReverts({ run: { context, cluster }, decided }: Acted, repaired: readonly ApprovedRequest[]) {
  const isNew = ({ request, isUnread }: Drift) => !request.lease.drift && !isUnread;
  if (repaired.length === 0 && !decided.drifted.some(isNew)) return;
  const isRare = await context.ledger.takeTurn(`reverts-${cluster.name}`, weekMs, revertsOfATool - 1);
  if (!isRare) await context.ledger.noteReverted(cluster.name, context.now());
}

async function recordGiven({ run, decided, outcomes, review }: Acted, request: ApprovedRequest): Promise<void> {
  const { context, cluster } = run;
  const holding = decided.targets.get(request.principal.toLowerCase())?.holding;
  if (!holding) return;
  const failure = outcomes.failureOf(request.principal, request.id);
  if (failure && gaveMore.has(failure.kind)) return recordRevoked(context, request, failure.error);
  if (failure) {
    const { error } = failure;
    const before = decided.leased.find(({ id }) => id === request.id);
    const certain = certainRefusal(failure, before);
    const isLost = request.lease.state === "active" && hasCode(error, ...noRepair);
    // A namespace that is being deleted is gone soon: one message of loss is enough.
    const isWithoutPlace = hasCode(error, "namespace-absent");
    const isSaid = request.lease.drift && isWithoutPlace && request.trouble?.code === error.code;
    const lost = isWithoutPlace ? "the namespace was deleted" : "others removed it";
    if (isLost && !isSaid) await recordDrift(context, request, notRestoredYet(lost, error.what));
    if (!certain || isLost) return recordPostponed(context, request, error);
    // EKS can have made the entry, and not show it yet: only what the cluster remembers knows it then.
    if (hasCode(certain, "access-entry-refused")) await askForLateOnes(context, cluster);
    const unwritten = { ...request, lease: { ...request.lease, writeBegan: null, place: null } };
    return recordRefusal(context, unwritten, certain);
  }
  const readBack = outcomes.readBackOf(request.principal);
  const answered = await (outcomes.reviewOf?.(request, readBack.identity) ?? review(request, readBack.identity));
  await recordActive(run, request, prove(cluster, request, readBack, answered, context.now()), holding);
}

/** Of a refused repair: what others removed stays away. */
const forbidden = ["binding-forbidden", "binding-changed", "cluster-refused-write"] as const;
const noRepair = ["namespace-absent", "role-absent", "binding-exists", ...forbidden] as const;

const gaveMore: ReadonlySet<WriteFailure["kind"]> = new Set(["changed", "undone"]);

/** The cluster refused the call, and none was sent for this lease before: it has no part. */
function certainRefusal({ kind, error }: WriteFailure, before: ApprovedRequest | undefined): AccessError | null {
  const isCertain = kind === "refused" && !before?.lease.writeBegan;
  return isCertain && error instanceof AccessError ? error : null;
}

/** A void lease stays in the ledger while the cluster can have a part of it: only the ledger knows it. */
async function recordVoided(done: Acted, approval: VoidApproval): Promise<void> {
  const { context } = done.run;
  const { request, message, whyStillThere } = approval;
  const left = whyStillThere ?? (request.lease.writeBegan ? whyLeft(done, request) : null);
  await (left ? recordVoidPostponed(context, request, left) : recordVoid(context, request, message));
}

async function recordTaken(done: Acted, request: ApprovedRequest): Promise<void> {
  const { outcomes, decided, begun, repaired, removedAt, reviewer } = done;
  const { context, cluster, opened, adapter } = done.run;
  const { unlisted } = adapter;
  const left = whyLeft(done, request) ?? (await adapter.whyHeldElsewhere?.(request));
  if (left) return recordPostponed(context, request, left);
  const { principal, lease } = request;
  const { inForce: all, ending } = dueWork(await context.ledger.leasedOf(cluster.name), context.now());
  // Of this way only those that this run has found there.
  const ofOtherWays = all.filter((each) => !adapter.isTaken(each));
  const inForce = unlisted ? all : [...decided.complete, ...begun, ...repaired, ...ofOtherWays];
  const readBack = outcomes.readBackOf(principal);
  const hidden = adapter.way === "access-entry" ? undefined : unlisted;
  const facts = { cluster, opened, reviewer, request, readBack, inForce, ending, unlisted: hidden };
  // A lease that was never active gave nothing, so its end needs no proof.
  const proved = lease.state === "active" ? await proveEnd(context, facts) : null;
  await recordEnd(context, request, {
    ...{ remains: outcomes.remainsOf(principal), isForgotten: outcomes.isForgotten(request) },
    ...{ proved, removedAt: removedAt(request) },
  });
}

/** Until an end looks once more for an entry that EKS showed before. EKS shows a change after some seconds. */
const lookAgainMs = 5_000;
/** With the waits of a repeated end, some 70 s: no end is announced while EKS can still show the entry again. */
const looksForMissed = 6;

/** Why a part of a lease can remain; null: none can. */
function whyLeft({ outcomes, run, holders, isMissed }: Acted, request: ApprovedRequest): unknown {
  const { unlisted } = run.adapter;
  const failures = (holders.get(request.id) ?? [request.principal]).map((arn) => outcomes.failureOf(arn, request.id));
  const failure = failures.find((each) => each !== null && each.kind !== "undone");
  const here = failure?.error ?? outcomes.whyStillThere(request);
  const doubt = here ?? (!unlisted || unlisted.isSure(request) ? null : unlisted.why);
  const { trouble } = request;
  const isLookedFor = trouble?.code === "access-entry-late" && trouble.attempts >= looksForMissed;
  if (doubt || !isMissed(request) || isLookedFor) return doubt;
  const what = `${request.principal} is not in ${outcomes.readBackOf(request.principal).place}`;
  return new AccessError("access-entry-late", what, { retryAfterMs: lookAgainMs });
}
