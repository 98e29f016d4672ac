import { AccessError } from "../../access/failure/access-error.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { arrivesUntil } from "../../access-entry/index.ts";

/** What is known of a principal's entry. */
interface Seen {
  readonly hasEntry: boolean;
  /** Since when calls about it may have been sent that were not answered, ISO 8601; null: all were. */
  readonly openSince: string | null;
}

/**
 * Why it is not certain yet that nothing of a lease comes to stand in an access entry; null: it is. An entry that is there
 * says so itself, and none can be made beside it.
 */
export function lateCallDoubt(request: ApprovedRequest, { hasEntry, openSince }: Seen, now: Date): AccessError | null {
  const until = arrivesUntil(openSince, now) ?? (hasEntry ? null : arrivesUntil(begunSince(request, now), now));
  if (!until) return null;
  return new AccessError(
    "access-entry-late",
    `It is not certain before ${until.toISOString()} that no call to EKS for ${request.principal} is still on its way`,
  );
}

/** Until when runs may have sent calls for a lease that was never proved: each of them may be one that was not answered. */
function begunSince(request: ApprovedRequest, now: Date): string | null {
  const { lease } = request;
  if (lease?.state !== "scheduled" || !lease.writeBegan) return null;
  const decided = Date.parse(lease.end?.at ?? lease.voidSince ?? sealedEnd(request));
  return new Date(Math.max(Math.min(decided, now.getTime()), Date.parse(lease.writeBegan))).toISOString();
}
