import { AccessError } from "../../access/access-error.ts";
import type { AuditEvent } from "../../access/audit-event.ts";
import { isDueToEnd } from "../../access/lease/cluster-leases.ts";
import { refuseMovedName } from "../../access/lease/holding.ts";
import {
  isEndReviewPending,
  isReviewDue,
  isReviewPending,
  isSignInDue,
  isSignInPending,
} from "../../access/lease/lease.ts";
import type { EndProof, Lease, Proof, Trouble } from "../../access/lease/lease-record.ts";
import { podsToList } from "../../access/lease/sign-in.ts";
import { type AccessCheck, type Cluster, signInMethod } from "../../access/policy/cluster.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { withLease } from "../../access/request.ts";
import { failureOf, maxTries, needsEvent, nextProofTry, nextReviewTry } from "../../access/retry.ts";
import { eventOf, updateRequest } from "../../ledger/lifecycle.ts";
import { noteTrouble } from "../../ledger/look-ups.ts";
import { measuredStep, requestIds } from "../../operations/announcements.ts";
import { inParallel } from "../../operations/parallel.ts";
import { tracedRun, traceFor } from "../../operations/traced.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../due-change.ts";
import { type OpenedCluster, openCluster } from "../open-cluster.ts";
import { idsElsewhere, recordOutcome } from "../reconcile/outcome.ts";
import { endsBeside, identityInCluster, mappedAfter } from "../reconcile/prove.ts";
import {
  checksOfPrincipal,
  isByEnded,
  mayBeAnswered,
  notAskedAsPrincipal,
  reviewEnd,
  reviewLease,
} from "../reconcile/review.ts";
import { askingOnce, checksOf, type Reviewer } from "../reconcile/review-questions.ts";
import type { WayContext } from "../reconcile/way-adapter.ts";
import { becomePrincipal, identityOfSession, type SignedIn, signIn } from "./sign-in.ts";

/** The next look takes the rest. */
const maxDue = 1_000;

/** Signs in, and repeats unanswered questions. A job of its own, so that a slow sign-in delays no lease and no end. */
export async function signInToCluster(worker: WorkerContext, cluster: Cluster): Promise<void> {
  const now = worker.now();
  const leased = await worker.ledger.leasedOf(cluster.name);
  const toSignIn = leased.filter(({ lease }) => isSignInDue(lease, now));
  const toReview = leased.filter(({ lease }) => isReviewDue(lease, now));
  const due = (await worker.ledger.due(now, maxDue)).filter((request) => request.state === "approved");
  // Ended leases that still need a look: no list of the cluster has them.
  const toProveGone = due.filter((request) => request.cluster === cluster.name && isEndDue(request, now));
  const waiting = [...new Set([...toSignIn, ...toReview, ...toProveGone])];
  if (waiting.length === 0) return;
  const context = { ...worker, awsRequests: requestIds() };
  await tracedRun(context, `sign in to ${cluster.name}`, { "eks_access.cluster": cluster.name }, waiting, (running) =>
    run(running, cluster, { waiting, toSignIn, toReview, toProveGone }),
  );
}

type Due = Readonly<Record<"waiting" | "toSignIn" | "toReview" | "toProveGone", readonly ApprovedRequest[]>>;

async function run(context: WorkerContext, cluster: Cluster, { waiting, toSignIn, toReview, toProveGone }: Due) {
  let open: OpenedCluster | null = null;
  try {
    refuseMovedName(cluster, waiting, context.keys.memory);
    open = await (context.openCluster ?? openCluster)(context, cluster, waiting);
    const place = { context, cluster, opened: open };
    await Promise.all([
      inParallel(toProveGone, (request) => reviewEndOnce(place, request)),
      inParallel(toReview, (request) => reviewOnce(place, request)),
      inParallel(toSignIn, (request) => complete(place, request)),
    ]);
  } catch (error) {
    if (open) throw error;
    await noteTrouble(context, cluster, error);
    await inParallel(toProveGone, (request) => postponeEndReview(context, request, error));
    await inParallel(toReview, (request) => postponeReview(context, request, error));
    await inParallel(toSignIn, (request) => postponeSignIn(context, cluster, request, error));
  } finally {
    open?.close();
  }
}

/** Restarts after a crash, or after the ledger was away. */
async function complete({ context, cluster, opened }: WayContext, request: ApprovedRequest): Promise<void> {
  const running = { ...context, auditIds: requestIds() };
  let found: SignedIn;
  try {
    const act = () => signInAs({ context: running, cluster, opened }, request);
    found = await measuredStep("sign-in", act, traceFor(context, request));
  } catch (error) {
    context.failures.failed("could not sign in as the principal", { request: request.id }, error);
    return postponeSignIn(running, cluster, request, error);
  }
  await recordProof(running, request, isSignInPending, (lease, proof) =>
    completed(running, lease, proof, { ...found, checks: checksOfPrincipal(cluster, request, proof) }),
  );
}

/** @throws why there was no answer */
async function signInAs({ context, cluster, opened }: WayContext, request: ApprovedRequest): Promise<SignedIn> {
  const way = signInMethod(cluster, request.principal);
  if (way.type === "not tested") return notSignedIn(way.why);
  const session = await becomePrincipal(cluster, way, request, context.awsRequests);
  const pods = podsToList(checksOf(cluster, request));
  const connect = (nth: number) =>
    opened.connectAs(session.credentials, request, { auditIds: context.auditIds, tokenSeconds: 60 + nth });
  const mappedAt = Date.parse(request.lease.proof?.at ?? context.now().toISOString());
  const expected = () => identityOfSession(opened, request.principal, session);
  const checks = checksOfPrincipal(cluster, request, request.lease.proof);
  return signIn({ expected, pods, checks, connect, mappedAt }, context);
}

function notSignedIn(detail: string): SignedIn {
  return { finding: { result: "not tested", detail }, authorized: null };
}

/** Schedules the next sign-in if waiting can help. Otherwise, or after too many tries, the finding is "not tested", with the reason. */
function postponeSignIn(context: WorkerContext, cluster: Cluster, request: ApprovedRequest, error: unknown) {
  const known = error instanceof AccessError ? error : null;
  const failure = failureOf(error);
  return recordProof(context, request, isSignInPending, (lease, proof) => {
    const isDefinite = known !== null && !known.retryable;
    const again = isDefinite ? null : nextProofTry(lease.signInTrouble, failure, context.now());
    if (again) return delayed(context, lease, again);
    const detail = isDefinite ? failure.message : givenUp(known?.what ?? failure.message);
    const checks = checksOfPrincipal(cluster, request, proof);
    return completed(context, lease, proof, { ...notSignedIn(detail), checks });
  });
}

type Completion = SignedIn & { readonly checks: readonly AccessCheck[] };

/** Only the sign-in can ask as the principal: without an answer now, none comes. */
function completed(
  context: WorkerContext,
  lease: Lease,
  proof: Proof,
  { finding, authorized, checks }: Completion,
): ProofChange {
  const asked = checks.length > 0 ? (authorized ?? notAskedAsPrincipal(checks)) : null;
  const detail = {
    signedIn: finding.result,
    how: finding.detail,
    ...(asked && { authorized: asked.result, rights: asked.detail }),
    ...idsElsewhere(context),
  };
  const after = {
    ...lease,
    signInDueAt: null,
    signInTrouble: null,
    ...(asked && { reviewTrouble: null }),
    proof: { ...proof, signedIn: finding, ...(asked && { authorized: asked }) },
  };
  return { lease: after, event: { type: "lease.signed-in", detail } };
}

function delayed(context: WorkerContext, lease: Lease, again: Trouble): ProofChange {
  const ids = idsElsewhere(context);
  // The cluster's audit log has the principal's calls, so an event names them.
  const isTold = needsEvent(lease.signInTrouble, again) || "auditIds" in ids;
  const detail = { ...ids, ...delayDetail(again) };
  const after = { ...lease, signInDueAt: again.retryAt, signInTrouble: again };
  return { lease: after, event: isTold ? { type: "lease.sign-in-delayed", detail } : null };
}

/** The remedy of the last failure would sound as if there were another try. */
function givenUp(what: string): string {
  return `no answer after ${maxTries} tries. Run kubectl get pods as the principal to see whether it gets in. The last try: ${what}`;
}

/** Asks the API server again about a lease's rights, as the same user, and records its answer or the next try. */
async function reviewOnce({ context, cluster, opened }: WayContext, request: ApprovedRequest): Promise<void> {
  const { proof: before, reviewTrouble } = request.lease;
  const client = reviewerAfter(reviewTrouble, opened);
  const { finding, auditIds, unanswered } = await reviewLease(client, cluster, request, before?.reviewedAs ?? null);
  if (mayBeAnswered(unanswered)) return postponeReview(context, request, unanswered);
  const detail = { authorized: finding.result, how: finding.detail, ...idsElsewhere(context, auditIds) };
  await recordProof(context, request, isReviewPending, (lease, proof) => ({
    lease: { ...lease, reviewTrouble: null, proof: { ...proof, authorized: finding } },
    event: { type: "lease.rights-asked", detail },
  }));
}

/** Until then an API server can answer as of before the write. */
const lateLooks = 3;

function reviewerAfter(trouble: Trouble | null, { client }: OpenedCluster): Reviewer {
  return (trouble?.attempts ?? 0) < lateLooks ? askingOnce(client) : client;
}

function postponeReview(context: WorkerContext, request: ApprovedRequest, error: unknown): Promise<void> {
  const now = context.now();
  return recordProof(context, request, isReviewPending, (lease) => {
    const reviewTrouble = nextReviewTry(lease.reviewTrouble, failureOf(error), now);
    const isTold = needsEvent(lease.reviewTrouble, reviewTrouble);
    const detail = { ...idsElsewhere(context), ...delayDetail(reviewTrouble) };
    return { lease: { ...lease, reviewTrouble }, event: isTold ? { type: "lease.rights-delayed", detail } : null };
  });
}

/** Looks again at the remains of an ended lease, and records them or the next try. */
async function reviewEndOnce(place: WayContext, request: ApprovedRequest): Promise<void> {
  const { context, cluster, opened } = place;
  const before = request.lease.endProof;
  if (!before) return;
  try {
    const readBack = await identityInCluster(opened, request.principal);
    const reviewedAs = readBack.identity ?? { ...before.reviewedAs, groups: [] };
    const reviewer = reviewerAfter(before.trouble, opened);
    const now = context.now();
    const inForce = (await context.ledger.leasedOf(cluster.name)).filter((each) => !isDueToEnd(each, now));
    const review = await reviewEnd(reviewer, cluster, request, reviewedAs, inForce);
    if (mayBeAnswered(review.unanswered)) return await postponeEndReview(context, request, review.unanswered);
    const isLate = reviewer.again && review.finding.result === "yes" && isByEnded(review.finding.detail, inForce);
    const trouble = isLate ? nextProofTry(before.trouble, endsBeside, now) : null;
    // Its bindings are read by a run alone.
    const mapped = bindsRoles(request.groups) ? before.mapped : mappedAfter(request, readBack);
    const found = { mapped, authorized: review.finding, reviewedAs };
    await recordEndProof(context, request, { ...before, ...found, trouble }, review.auditIds);
  } catch (error) {
    await postponeEndReview(context, request, error);
  }
}

/** Schedules the next question, a bounded number of times: no lease waits for it after the end. */
async function postponeEndReview(context: WorkerContext, request: ApprovedRequest, error: unknown): Promise<void> {
  const before = request.lease.endProof;
  if (!before) return;
  const failure = failureOf(error);
  const trouble = nextProofTry(before.trouble, failure, context.now());
  if (!trouble) {
    const what = error instanceof AccessError ? error.what : failure.message;
    const detail = `no answer after ${maxTries} tries. The last try: ${what}`;
    const isAnswered = before.authorized.result !== "not tested";
    const authorized = isAnswered ? before.authorized : ({ result: "not tested", detail } as const);
    return recordEndProof(context, request, { ...before, authorized, trouble: null }, []);
  }
  const after = withEndProof(request, { ...before, trouble });
  const isTold = needsEvent(before.trouble, trouble);
  await recordOutcome(context, request, after, isTold ? "lease.rights-delayed" : null, delayDetail(trouble));
}

function recordEndProof(
  context: WorkerContext,
  request: ApprovedRequest,
  proof: EndProof,
  auditIds: readonly string[],
): Promise<void> {
  const { mapped, authorized } = proof;
  const detail = { mapped: mapped.result, authorized: authorized.result, how: authorized.detail };
  const ids = idsElsewhere(context, auditIds);
  return recordOutcome(context, request, withEndProof(request, proof), "lease.rights-asked", { ...detail, ...ids });
}

function withEndProof(request: ApprovedRequest, endProof: EndProof): ApprovedRequest {
  return withLease(request, { ...request.lease, endProof });
}

function isEndDue({ lease }: ApprovedRequest, now: Date): boolean {
  const retryAt = lease.endProof?.trouble?.retryAt;
  return isEndReviewPending(lease) && retryAt !== undefined && Date.parse(retryAt) <= now.getTime();
}

/** A lease after one try, and its event; null: it has none. */
export interface ProofChange {
  readonly lease: Lease;
  readonly event: Pick<AuditEvent, "type" | "detail"> | null;
}

/** If the record changed meanwhile, the try counts only for the same pending proof. Otherwise another run looked, or nothing needs a proof. */
async function recordProof(
  context: WorkerContext,
  request: ApprovedRequest,
  isToCome: (lease: Lease) => boolean,
  changeOf: (lease: Lease, proof: Proof) => ProofChange,
): Promise<void> {
  await updateRequest<void>(context, request.id, (current) => {
    const proof = current?.lease?.proof;
    const isTried = proof?.at === request.lease.proof?.at;
    if (!current?.lease || !proof || !isToCome(current.lease) || !isTried) return { type: "stop", outcome: undefined };
    const change = changeOf(current.lease, proof);
    const after = withLease(current, change.lease);
    const { event } = change;
    const noted = event && eventOf(event.type, after, "worker", context.now(), event.detail);
    return { type: "write", after, event: noted, outcome: undefined };
  });
}
