import { AccessError } from "../../access/access-error.ts";
import { refuseMovedName } from "../../access/lease/holding.ts";
import { isReviewDue, isSignInDue, isSignInPending } from "../../access/lease/lease.ts";
import type { Lease, Proof, Trouble } from "../../access/lease/lease-record.ts";
import { podsToList } from "../../access/lease/sign-in.ts";
import { type AccessCheck, type Cluster, signInMethod } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { failureOf, maxTries, needsEvent, nextProofTry } from "../../access/retry.ts";
import { noteTrouble } from "../../ledger/look-ups.ts";
import { measuredStep, requestIds } from "../../operations/announcements.ts";
import { inParallel } from "../../operations/deadlines.ts";
import { tracedRun, traceFor } from "../../operations/traced.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../due-change.ts";
import { type OpenedCluster, openCluster } from "../open-cluster.ts";
import { idsElsewhere } from "../reconcile/outcome.ts";
import { checksOfPrincipal, notAskedAsPrincipal } from "../reconcile/review.ts";
import { checksOf } from "../reconcile/review-questions.ts";
import type { WayContext } from "../reconcile/way-adapter.ts";
import {
  isEndDue,
  type ProofChange,
  postponeEndReview,
  postponeReview,
  recordProof,
  reviewEndOnce,
  reviewOnce,
} from "./review-again.ts";
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
  const about = { "eks_access.cluster": cluster.name };
  await tracedRun(context, `sign in to ${cluster.name}`, about, waiting, (running) =>
    run(running, cluster, { waiting, toSignIn, toReview, toProveGone }),
  );
}

type Due = Readonly<Record<"waiting" | "toSignIn" | "toReview" | "toProveGone", readonly ApprovedRequest[]>>;

async function run(
  context: WorkerContext,
  cluster: Cluster,
  { waiting, toSignIn, toReview, toProveGone }: Due,
): Promise<void> {
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
function postponeSignIn(
  context: WorkerContext,
  cluster: Cluster,
  request: ApprovedRequest,
  error: unknown,
): Promise<void> {
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

interface Completion extends SignedIn {
  readonly checks: readonly AccessCheck[];
}

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
