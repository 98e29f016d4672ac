import { AccessError } from "../../access/failure/access-error.ts";
import { isSigningIn, mostTries, trySignInAgain } from "../../access/lease/sign-in.ts";
import type { AccessRequest, Finding, Grant, Proof } from "../../access/request/record.ts";
import { failureOf, isToBeTold } from "../../access/request/retry.ts";
import type { WorkerContext } from "../context.ts";
import { delayDetail } from "../delay.ts";
import { idsElsewhere } from "../reconcile/record.ts";
import { type ProofChange, recordProof } from "./record-proof.ts";

/** Completes the proof of a grant with what came of signing in. */
export function recordSignIn(context: WorkerContext, request: AccessRequest, finding: Finding): Promise<void> {
  return recordProof(context, request, isSigningIn, (grant, proof) => completed(context, grant, proof, finding));
}

/**
 * Has signing in tried again where nothing said yes or no and waiting may mend it. What waiting does not mend, and what was tried
 * often enough, is not tested, and says why.
 */
export function putOffSignIn(context: WorkerContext, request: AccessRequest, error: unknown): Promise<void> {
  const known = error instanceof AccessError ? error : null;
  const failure = failureOf(error);
  return recordProof(context, request, isSigningIn, (grant, proof) => {
    const isDefinite = known !== null && !known.retryable;
    const again = isDefinite ? null : trySignInAgain(grant, failure, context.now());
    if (again) return delayed(context, grant, again);
    const detail = isDefinite ? failure.message : givenUp(known?.what ?? failure.message);
    return completed(context, grant, proof, { result: "not tested", detail });
  });
}

function completed(context: WorkerContext, grant: Grant, proof: Proof, finding: Finding): ProofChange {
  const detail = { signedIn: finding.result, how: finding.detail, ...idsElsewhere(context) };
  const after = { ...grant, signInDueAt: null, signInTrouble: null, proof: { ...proof, signedIn: finding } };
  return { grant: after, event: { type: "grant.signed-in", detail } };
}

function delayed(
  context: WorkerContext,
  grant: Grant,
  again: NonNullable<ReturnType<typeof trySignInAgain>>,
): ProofChange {
  const ids = idsElsewhere(context);
  // What the principal did stands in the cluster's own audit log, so an event names it.
  const isTold = isToBeTold(grant.signInTrouble ?? null, again.signInTrouble) || "auditIds" in ids;
  const detail = { ...ids, ...delayDetail(again.signInTrouble) };
  return { grant: { ...grant, ...again }, event: isTold ? { type: "grant.sign-in-delayed", detail } : null };
}

/** The remedy of the last failure would sound as if there were another try. */
function givenUp(what: string): string {
  return `given up after ${mostTries} tries; the principal's own kubectl get pods shows whether it is let in. The last try: ${what}`;
}
