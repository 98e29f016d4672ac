import { AccessError } from "../../access/failure/access-error.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import { activeLease, endedLease, failedLease } from "../../access/lease/lease.ts";
import { rememberWritten } from "../../access/lease/written.ts";
import type { Way } from "../../access/policy/way.ts";
import type { ApprovedRequest, Holding, MappedIdentity, Proof } from "../../access/request/record.ts";
import { approvalVoided, withLease } from "../../access/request/transitions.ts";
import { admittedBy, admittedInWords } from "../../aws-auth/index.ts";
import { eventOf } from "../../ledger/record-change.ts";
import type { WorkerContext } from "../context.ts";
import { type Proved, withProof } from "./prove.ts";
import type { ProvedEnd } from "./prove-end.ts";
import { putOff } from "./put-off.ts";
import { idsElsewhere, recordOutcome } from "./record.ts";

/** Says in the ledger that a write is about to be sent. The next version of the record. */
export async function beginWrite(context: WorkerContext, request: ApprovedRequest): Promise<ApprovedRequest> {
  if (request.lease.writeBegan) return request;
  const now = context.now();
  const after = withLease(request, { ...request.lease, writeBegan: now.toISOString() });
  // Nobody has to be woken: what it leads to is told a moment later, and the sweep is there if the process dies.
  const event = eventOf("lease.writing", request, "worker", now, idsElsewhere(context));
  const result = await context.ledger.commit({ after, event });
  if (result.type === "conflict") {
    throw new AccessError("record-changed", `The request ${request.id} changed while it was being applied`);
  }
  return after;
}

/**
 * The proof has been run: only now is it active (law 5). Not mapped after all: tried again. `holding` is what of the
 * document is ours now.
 */
export async function activate(
  context: WorkerContext,
  request: ApprovedRequest,
  proved: Proved,
  holding: Holding | undefined,
  way: Way = "aws-auth",
): Promise<void> {
  if (!holding) return;
  const { proof } = proved;
  if (proof.mapped.result !== "yes") return putOff(context, request, notMapped(proof, way));
  const isRepair = request.lease.state === "active";
  const cluster = context.config.clusters.get(request.cluster);
  const written = rememberWritten(request, holding, context.keys.memory, way);
  const endsAt = written?.share.endsAt ?? request.lease.endsAt;
  const lease = activeLease(withProof(request.lease, proved, cluster, request.principal), {
    endsAt,
    activeSince: request.lease.activeSince ?? proof.at,
    written,
    warnAt: warnAt(request, endsAt, context.config.timing.warnBeforeEndSeconds),
    drift: null,
  });
  await recordOutcome(context, withLease(request, lease, null), isRepair ? "lease.repaired" : "lease.active", {
    admits: admittedInWords(admittedBy(request.principal)),
    mapped: proof.mapped.result,
    authorized: proof.authorized.result,
    signedIn: proof.signedIn.result,
    ...idsElsewhere(context, proof.auditIds),
  });
}

function notMapped({ mapped: { detail } }: Proof, way: Way): AccessError {
  return way === "aws-auth"
    ? new AccessError("cluster-conflict", `The entry is not in aws-auth after the write: ${detail}`)
    : new AccessError("access-entry-conflict", `The access entry is not what was written: ${detail}`);
}

/** A short lease is announced to end when a quarter of its time is left. */
function warnAt({ durationSeconds }: ApprovedRequest, endsAt: string, warnBeforeEndSeconds: number): string {
  const before = Math.min(warnBeforeEndSeconds, durationSeconds / 4);
  return new Date(Date.parse(endsAt) - before * 1000).toISOString();
}

/**
 * Somebody else took its part out of the document, or put it back (`message` is null then). What could not be put back, and
 * is there all the same, is so as well.
 */
export async function noteDrift(
  context: WorkerContext,
  request: ApprovedRequest,
  message: string | null,
): Promise<void> {
  const isAsBefore = (request.lease.drift?.message ?? null) === message;
  if (isAsBefore && !(message === null && request.trouble)) return;
  const drift = message === null ? null : { at: context.now().toISOString(), message };
  const after = withLease(request, { ...request.lease, drift }, null);
  await recordOutcome(context, after, message === null ? "lease.repaired" : "lease.drifted", { message });
}

/**
 * The lease's part is gone from the document. One that never became active failed.
 *
 * @param isForgotten whether the cluster could not remember that it was taken back
 * @param proved what was verified after it; null: nothing, because the cluster is not asked
 */
export async function end(
  context: WorkerContext,
  request: ApprovedRequest,
  remains: MappedIdentity | null,
  isForgotten = false,
  proved: ProvedEnd | null = null,
): Promise<void> {
  const endedAt = proved?.proof.at ?? context.now().toISOString();
  const cause = request.lease.end?.cause ?? "expired";
  const over = { remains, isForgotten };
  const told = isForgotten ? { remembered: false } : {};
  if (request.lease.state === "active") {
    const lease = endedLease(request.lease, endedAt, { ...over, endProof: proved?.proof ?? null });
    const lagSeconds = (Date.parse(endedAt) - Date.parse(lease.end?.at ?? sealedEnd(request))) / 1000;
    context.metrics?.revocationLag.observe(lagSeconds);
    const detail = { cause, lagSeconds, ...told, ...endDetail(context, proved) };
    return recordOutcome(context, withLease(request, lease, null), "lease.ended", detail);
  }
  const failure = cause === "replayed" ? approvalReplayed : leaseOver;
  const lease = failedLease(request.lease, failure, over);
  await recordOutcome(context, withLease(request, lease, null), "lease.failed", { code: failure.code, ...told });
}

function endDetail(context: WorkerContext, proved: ProvedEnd | null) {
  if (!proved) return {};
  const { mapped, authorized, others } = proved.proof;
  return {
    mapped: mapped.result,
    authorized: authorized.result,
    ...(others.length > 0 && { others }),
    ...idsElsewhere(context, proved.auditIds),
  };
}

const leaseOver = {
  code: "lease-over",
  message: "The lease was over, or taken back, before the access could be proved; nothing of it is left in aws-auth.",
};

const approvalReplayed = {
  code: "approval-replayed",
  message:
    "A record from before its approval was taken back was put back into Redis, and is refused. Look who can write there, or whether an old copy was restored.",
};

/** What was approved is not what would be written: it is asked for again, with a new preview (law 4). */
export async function voidApproval(context: WorkerContext, request: ApprovedRequest, message: string): Promise<void> {
  const by = request.approvals.map((approval) => approval.by);
  await recordOutcome(context, approvalVoided(request, message), "approval.void", { why: message, approvers: by });
}
