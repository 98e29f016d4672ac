import type { DecisionPublicKeys } from "../access/approval/seal.ts";
import { isSealedLink } from "../access/approval/seals.ts";
import type { LeasesNow } from "../access/lease/lease-record.ts";
import { leasesInLedger } from "../access/lease/other-leases.ts";
import { isLeaseOver } from "../access/request/extension.ts";
import type { AccessRequest } from "../access/request/record.ts";
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

/** Of what a person waits for in one cluster no more is looked at. */
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

/**
 * With which ARN each of these people is linked, where our seal says so: by Slack user id, without those who are linked with none.
 * What a person only asked with says nothing of who they are.
 */
export async function sealedLinksOf(
  ledger: Pick<Ledger, "linkOf">,
  users: Iterable<string>,
  keys: DecisionPublicKeys,
): Promise<ReadonlyMap<string, string>> {
  const links = await Promise.all([...new Set(users)].map(async (user) => [user, await ledger.linkOf(user)] as const));
  return new Map(
    links.flatMap(([user, link]) =>
      link?.seal?.by && isSealedLink(user, link, keys) ? [[user, link.arn] as const] : [],
    ),
  );
}
