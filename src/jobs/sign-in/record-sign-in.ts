import { isSigningIn } from "../../grant/sign-in.ts";
import type { Finding } from "../../proof/proof.ts";
import { type AccessRequest, revise } from "../../request/request.ts";
import type { WorkerContext } from "../context.ts";
import { eventOf, recordChange } from "../record-change.ts";

const attempts = 5;

/**
 * Completes the proof of a grant with what came of signing in. Where the record changed meanwhile, the finding counts as long
 * as it is of the same proof and the grant is still in force; otherwise somebody else has looked, or there is nothing to prove.
 *
 * @param auditIds under which the API server's audit log has what the principal did
 */
export async function recordSignIn(
  context: WorkerContext,
  request: AccessRequest,
  finding: Finding,
  auditIds: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  let current: AccessRequest | null = request;
  for (let attempt = 0; attempt < attempts && current; attempt += 1) {
    const { grant }: AccessRequest = current;
    const proof = grant?.proof;
    if (!grant || !proof || !isSigningIn(grant) || proof.at !== request.grant?.proof?.at) return;
    const after = revise(current, { grant: { ...grant, signInDueAt: null, proof: { ...proof, signedIn: finding } } });
    const now = context.now();
    const awsRequests = context.awsRequests?.byCall() ?? {};
    const detail = {
      signedIn: finding.result,
      how: finding.detail,
      ...(Object.keys(awsRequests).length > 0 && { awsRequests }),
      ...(Object.keys(auditIds).length > 0 && { auditIds }),
    };
    const result = await recordChange(context, after, eventOf("grant.signed-in", after, "worker", now, detail), now);
    if (result.type === "committed") return;
    current = result.current;
  }
}
