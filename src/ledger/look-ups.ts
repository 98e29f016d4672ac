import {
  type IdentityRules,
  type KnownOf,
  type LinkedArns,
  needsEmail,
  readIdentities,
  sessionsIn,
} from "../access/identities.ts";
import { otherLeasesInLedger } from "../access/lease/cluster-leases.ts";
import type { OtherLeasesNow } from "../access/lease/lease-record.ts";
import { isMigrationId, type LedgerRecord } from "../access/lists.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import { isHeld, isLeaseOver } from "../access/request.ts";
import type { DecisionPublicKeys, PreviewPublicKeys } from "../access/seal.ts";
import { isSealedLink } from "../access/seals.ts";
import type { Ledger } from "./ledger.ts";

/** Null: there is none, or it can't be read. */
export function recordWith(
  { get, migrations }: Pick<Ledger, "get" | "migrations">,
  id: string,
): Promise<LedgerRecord | null> {
  return isMigrationId(id) ? migrations.get(id) : get(id);
}

/** Looks up the other leases of a request's principal, and the one that it extends. */
export async function otherLeasesNow(
  ledger: Pick<Ledger, "leasedOf" | "get">,
  request: AccessRequest,
  now: Date,
): Promise<OtherLeasesNow> {
  const shown = request.preview?.leases ?? [];
  const open = await ledger.leasedOf(request.cluster);
  const missing = shown.map(({ id }) => id).filter((id) => !open.some((each) => each.id === id));
  const records = await Promise.all(missing.map((id) => ledger.get(id)));
  const unknown = new Set(missing.filter((_, index) => records[index] === null));
  const extended = request.extends === null ? null : await ledger.get(request.extends);
  return {
    leases: otherLeasesInLedger(request, open, unknown, now),
    isExtendedLeaseOver: extended !== null && isLeaseOver(extended, now),
  };
}

/** The active lease that extends it last, also through ended ones. Null: none, or this one is revoked or out of force. */
export async function continuationOf(
  ledger: Pick<Ledger, "extensionsOf">,
  request: AccessRequest,
): Promise<ApprovedRequest | null> {
  return lastHeld(await chainAfter(ledger, request));
}

/** The same, or, if all are over, the one that ended last. Null: that is this one. */
export async function lastOfAccess(
  ledger: Pick<Ledger, "extensionsOf">,
  request: AccessRequest,
): Promise<ApprovedRequest | null> {
  const chain = await chainAfter(ledger, request);
  const own = request.lease?.endedAt;
  const over = own ? chain.filter(({ lease }) => lease.endedAt !== null && lease.endedAt > own) : [];
  return lastHeld(chain) ?? over.toSorted((a, b) => byTime(a.lease.endedAt, b.lease.endedAt)).at(-1) ?? null;
}

function lastHeld(chain: readonly ApprovedRequest[]): ApprovedRequest | null {
  const held = chain.filter(isHeld);
  return held.toSorted((a, b) => byTime(a.lease.endsAt, b.lease.endsAt)).at(-1) ?? null;
}

const byTime = (one: string | null, other: string | null) => Date.parse(one ?? "") - Date.parse(other ?? "");

async function chainAfter(
  ledger: Pick<Ledger, "extensionsOf">,
  request: AccessRequest,
): Promise<readonly ApprovedRequest[]> {
  const found = new Map<string, ApprovedRequest>();
  const from = [request];
  for (let of = from.pop(); of; of = from.pop()) {
    if (!goesOn(of)) continue;
    for (const each of await ledger.extensionsOf(of.id)) {
      // A forged circle must not run forever.
      if (each.state !== "approved" || each.id === request.id || found.has(each.id)) continue;
      found.set(each.id, each);
      from.push(each);
    }
  }
  return [...found.values()];
}

function goesOn({ lease }: AccessRequest): boolean {
  if (lease?.end && lease.end.cause !== "expired") return false;
  return lease?.state === "ended" || (lease?.state === "active" && !lease.drift);
}

export async function pendingRequestsOf(
  ledger: Pick<Ledger, "list">,
  cluster: string,
  limit: number,
): Promise<readonly AccessRequest[]> {
  const of = { list: "pending", clusters: [cluster], requester: null, match: "any" } as const;
  return (await ledger.list(of, 0, limit)).requests;
}

const maxPending = 100;

export async function openRequestsFor(
  ledger: Pick<Ledger, "leasedOf" | "list">,
  cluster: string,
  user: string,
): Promise<readonly AccessRequest[]> {
  const own = { list: "pending", clusters: [cluster], requester: user, match: "both" } as const;
  const [leased, { requests }] = await Promise.all([ledger.leasedOf(cluster), ledger.list(own, 0, maxPending)]);
  return [...leased, ...requests];
}

interface VerifyingKeys {
  readonly decision: DecisionPublicKeys;
  readonly preview: PreviewPublicKeys;
}

/** Where people's identities are looked up, and how they are verified. */
export interface IdentityLookUp {
  readonly ledger: Pick<Ledger, "linksOf" | "identitiesOf">;
  readonly config: { readonly identities: IdentityRules };
  readonly keys: VerifyingKeys;
  readonly now: () => Date;
}

/** What the ledger has of a person on a cluster, if a seal of ours confirms it. */
export async function knownIdentitiesOf(
  { ledger, config, keys, now }: IdentityLookUp,
  user: string,
  cluster: Cluster,
): Promise<KnownOf> {
  const [links, found] = await Promise.all([
    ledger.linksOf(user),
    needsEmail(config.identities) ? ledger.identitiesOf(user) : null,
  ]);
  return {
    links: links.filter((link) => isSealedLink(user, link, keys.decision)),
    found: readIdentities(found?.get(cluster.name), user, cluster, keys.preview, now()),
  };
}

/** If a seal of ours confirms them, with those of links that they replaced. A mere request identifies no one. */
export async function sealedArnsOf(
  lookUp: IdentityLookUp & { readonly ledger: Pick<Ledger, "formerLinksOf"> },
  users: Iterable<string>,
  cluster: Cluster,
): Promise<LinkedArns> {
  const sealed = async (user: string) => {
    const [{ links, found }, before] = await Promise.all([
      knownIdentitiesOf(lookUp, user, cluster),
      lookUp.ledger.formerLinksOf(user),
    ]);
    const former = before.filter((link) => isSealedLink(user, link, lookUp.keys.decision));
    const linked = [...links, ...former].filter((link) => link.seal?.by).map(({ arn }) => arn);
    return [...linked, ...(found ? sessionsIn(found) : [])];
  };
  return new Map(await Promise.all([...new Set(users)].map(async (user) => [user, await sealed(user)] as const)));
}
