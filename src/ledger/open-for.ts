import type { AccessRequest } from "../access/request/record.ts";
import type { Ledger } from "./ledger.ts";

/** Of what somebody waits for in one cluster no more is looked at. */
const mostPending = 100;

/** A cluster's leases that are not over, and what this person waits for there: all that a question of theirs is about. */
export async function openFor(
  ledger: Pick<Ledger, "grantedOf" | "list">,
  cluster: string,
  user: string,
): Promise<readonly AccessRequest[]> {
  const own = { list: "pending", clusters: [cluster], requester: user, match: "both" } as const;
  const [granted, { requests }] = await Promise.all([ledger.grantedOf(cluster), ledger.list(own, 0, mostPending)]);
  return [...granted, ...requests];
}
