import { AccessError } from "../../access/failure/access-error.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";

/**
 * A POST that was not answered may still arrive: kube-apiserver gives each call 60 s (`--request-timeout`). In milliseconds.
 */
const arrivesWithin = 90_000;

/** Why it is not certain yet that no binding of a lease comes to be made; null: it is. */
export function lateCreation(request: ApprovedRequest, now: Date): AccessError | null {
  const last = lastUnanswered(request, now);
  if (last === null || now.getTime() > last + arrivesWithin) return null;
  const until = new Date(last + arrivesWithin).toISOString();
  return new AccessError("binding-late", `A binding for ${request.principal} can still arrive until ${until}`);
}

/** When a call that makes a binding may last have been sent without an answer; null: each was answered. In milliseconds since the epoch. */
function lastUnanswered(request: ApprovedRequest, now: Date): number | null {
  const { lease } = request;
  // What was proved has its answer, and the calls before it were sent before it was sent again.
  if (lease.state !== "scheduled") return lease.sentAgainAt === null ? null : Date.parse(lease.sentAgainAt);
  if (!lease.writeBegan) return null;
  const decided = Date.parse(lease.end?.at ?? lease.voidSince ?? sealedEnd(request));
  return Math.max(Math.min(decided, now.getTime()), Date.parse(lease.writeBegan));
}
