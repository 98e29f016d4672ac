import type { AccessRequest } from "../../src/access/record.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";

/** All that is not closed. */
export async function openOf(ledger: Ledger, cluster: string): Promise<readonly AccessRequest[]> {
  const pending = { list: "pending", clusters: [cluster], requester: null, match: "any" } as const;
  return [...(await ledger.list(pending, 0, 1_000)).requests, ...(await ledger.leasedOf(cluster))];
}
