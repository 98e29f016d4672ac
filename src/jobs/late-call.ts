import { AccessError } from "../failure/access-error.ts";
import { sealedEnd } from "../grant/due-work.ts";
import type { AccessRequest } from "../request/request.ts";

/**
 * A call that was not answered may still arrive: AWS takes it as long as its signature is valid, which is five minutes
 * (IAM User Guide, "Signature Version 4"), and there is no version that would refuse it. So long nobody is told that
 * nothing is left of a grant of which that is not certain. Milliseconds, with room for clocks that differ.
 */
const lateCallMs = 6 * 60_000;

/** Why it is not certain yet that nothing of a grant comes to stand in an access entry; null: it is. */
export function lateCallDoubt(request: AccessRequest, now: Date): AccessError | null {
  const { grant } = request;
  if (grant?.state !== "scheduled" || !grant.writeBegan) return null;
  const decided = Date.parse(grant.end?.at ?? sealedEnd(request));
  const since = Math.max(Math.min(decided, now.getTime()), Date.parse(grant.writeBegan));
  if (now.getTime() >= since + lateCallMs) return null;
  return new AccessError(
    "access-entry-late",
    `It is not certain before ${new Date(since + lateCallMs).toISOString()} that no call to EKS for ${request.principal} is still on its way`,
  );
}
