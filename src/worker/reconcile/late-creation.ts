import { AccessError } from "../../access/access-error.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";

/** An unanswered POST can still arrive: kube-apiserver gives each call 60 s (`--request-timeout`). In milliseconds. */
export const arrivesWithin = 90_000;

/** Why a binding of a lease can still appear; null: none can. */
export function lateCreation(request: ApprovedRequest, now: Date): AccessError | null {
  const last = lastUnanswered(request, now);
  if (last === null || now.getTime() > last.getTime() + arrivesWithin) return null;
  const until = new Date(last.getTime() + arrivesWithin).toISOString();
  return new AccessError("binding-late", `A binding for ${request.principal} can still arrive until ${until}`);
}

/** When an unanswered call that gives a lease can last have been sent; null: each was answered. */
export function lastUnanswered(request: ApprovedRequest, now: Date): Date | null {
  const { lease } = request;
  // A proved lease has its answers; only repeated calls count.
  if (lease.state !== "scheduled") return lease.sentAgainAt === null ? null : new Date(lease.sentAgainAt);
  if (!lease.writeBegan) return null;
  const decided = Date.parse(lease.end?.at ?? lease.voidSince ?? sealedEnd(request));
  return new Date(Math.max(Math.min(decided, now.getTime()), Date.parse(lease.writeBegan)));
}
