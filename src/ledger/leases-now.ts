import { leasesInLedger } from "../access/lease/other-leases.ts";
import { isLeaseOver } from "../access/request/extension.ts";
import type { AccessRequest, LeasesNow } from "../access/request/record.ts";
import type { Ledger } from "./ledger.ts";

/** Looks up the other leases of a request's principal, and the one that it extends. */
export async function leasesNow(
  ledger: Pick<Ledger, "grantedOf" | "get">,
  request: AccessRequest,
  now: Date,
): Promise<LeasesNow> {
  const shown = request.preview?.leases ?? [];
  const open = await ledger.grantedOf(request.cluster);
  const missing = shown.map(({ id }) => id).filter((id) => !open.some((each) => each.id === id));
  const records = await Promise.all(missing.map((id) => ledger.get(id)));
  const unknown = new Set(missing.filter((_, index) => records[index] === null));
  const extended = request.extends === null ? null : await ledger.get(request.extends);
  return {
    leases: leasesInLedger(request, open, unknown, now),
    isExtendedOver: extended !== null && isLeaseOver(extended, now),
  };
}
