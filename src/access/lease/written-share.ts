import { AccessError } from "../access-error.ts";
import type { Json, MemoryKeys } from "../approval/seal.ts";
import { type Cluster, clusterArnOf, sealedClusterOf, type Way } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/record.ts";
import { shareInCluster } from "./due-work.ts";
import { signInShare } from "./lease.ts";
import type { Holding, SealedPlace, Share, WrittenShare } from "./lease-record.ts";

/** Seals a request's present part of the cluster; null: the holding has no share of it. @param place by `sealedClusterOf` */
export function sealWritten(
  place: string,
  request: AccessRequest,
  holding: Holding,
  keys: MemoryKeys,
  way: Way = "aws-auth",
): WrittenShare | null {
  const share = holding.shares.find(({ id }) => id === request.id);
  if (!share) return null;
  const { entryAdded } = holding;
  const added = holding.added.filter((group) => share.groups.includes(group));
  const unsealed = { entryAdded, added, way, share };
  return { ...unsealed, seal: keys.seal("written", sealedValue(place, request, unsealed)) };
}

/** The annotation's holdings, with the lost ones of active leases. `lost`: their lower-case ARNs, for the next write. */
export function withLedgerMemory(
  place: string,
  annotated: readonly Holding[],
  open: readonly AccessRequest[],
  keys: MemoryKeys,
  way: Way = "aws-auth",
): { readonly holdings: ReadonlyMap<string, Holding>; readonly lost: ReadonlySet<string> } {
  const holdings = new Map(annotated.map((holding) => [holding.arn.toLowerCase(), holding]));
  const lost = new Set<string>();
  for (const request of open) {
    const key = request.principal.toLowerCase();
    const known = holdings.get(key);
    if (known?.shares.some((share) => share.id === request.id)) continue;
    const own = holdingInRecord(place, request, keys, way);
    if (!own) continue;
    holdings.set(key, known ? merge(known, own) : own);
    lost.add(key);
  }
  return { holdings, lost };
}

/** None of a scheduled lease: if it was written, the same write put it into the annotation. */
function holdingInRecord(place: string, request: AccessRequest, keys: MemoryKeys, way: Way): Holding | null {
  const written = genuinelyWritten(place, request, keys);
  if (written?.way !== way) return null;
  const { entryAdded, added, share } = written;
  return { arn: request.principal, entryAdded, added, shares: [share] };
}

/** What an active lease gives, by a sealed source; null: none. The record's own groups are only for display. */
export function provedShare(
  place: string,
  holdings: ReadonlyMap<string, Holding>,
  request: AccessRequest,
  keys: MemoryKeys,
): Share | null {
  return shareInCluster(holdings, request) ?? genuinelyWritten(place, request, keys)?.share ?? null;
}

/** The share that a lease by bindings has in its principal's entry, by its record; null: none. */
export function signInShareInRecord(place: string, request: AccessRequest, keys: MemoryKeys): Share | null {
  const written = genuinelyWritten(place, request, keys);
  return written?.way === "binding" && written.entryAdded ? signInShare(written.share) : null;
}

const genuine = new WeakMap<MemoryKeys, WeakMap<AccessRequest, { place: string; written: WrittenShare | null }>>();

/**
 * An active lease's record, if a worker sealed it for this cluster, request, principal and approvals. Each run needs it for every lease, and an
 * unchanged record is the same object in the next run.
 */
function genuinelyWritten(place: string, request: AccessRequest, keys: MemoryKeys): WrittenShare | null {
  const known = genuine.get(keys) ?? new WeakMap();
  genuine.set(keys, known);
  const before = known.get(request);
  if (before?.place === place) return before.written;
  const written = readWritten(place, request, keys);
  known.set(request, { place, written });
  return written;
}

function readWritten(place: string, request: AccessRequest, keys: MemoryKeys): WrittenShare | null {
  const written = request.lease?.state === "active" ? request.lease.written : null;
  if (!written || written.share?.id !== request.id) return null;
  const { seal: sealText, ...unsealed } = written;
  return keys.isSealed("written", sealedValue(place, request, unsealed), sealText) ? written : null;
}

export function sealPlace(cluster: Cluster, { id }: Pick<Placed, "id">, keys: MemoryKeys): SealedPlace {
  const place = sealedClusterOf(cluster);
  return { cluster: place, seal: keys.seal("place", { cluster: place, request: id }) };
}

/** A request, or a migration with its begun step for a lease. */
interface Placed {
  readonly id: string;
  readonly lease: { readonly place: SealedPlace | null } | null;
}

/**
 * Refuses to work in a cluster that got the name of the one in which a lease or a step began. A reload refuses such a configuration, but a start
 * does not see it, and an end there would be proved in the wrong cluster. Only a worker's seal counts, so that no edit of a record can delay an end.
 *
 * @throws AccessError `cluster-mismatch`
 */
export function refuseMovedName(cluster: Cluster, begun: readonly Placed[], keys: MemoryKeys): void {
  for (const { id, lease } of begun) {
    if (!lease?.place || lease.place.cluster === sealedClusterOf(cluster)) continue;
    const { cluster: place, seal: sealText } = lease.place;
    if (!keys.isSealed("place", { cluster: place, request: id }, sealText)) continue;
    const message = `${cluster.name} is ${clusterArnOf(cluster)} in eks-access.yml, but ${id} belongs to ${place.slice(place.indexOf(" ") + 1)}`;
    throw new AccessError("cluster-mismatch", message);
  }
}

function merge(known: Holding, own: Holding): Holding {
  return {
    arn: known.arn,
    entryAdded: known.entryAdded || own.entryAdded,
    added: [...new Set([...known.added, ...own.added])].toSorted(),
    shares: [...known.shares, ...own.shares],
  };
}

function sealedValue(
  place: string,
  request: AccessRequest,
  { entryAdded, added, way, share }: Omit<WrittenShare, "seal">,
): Json {
  const { cluster, principal } = request;
  const approvals = request.approvals.map(({ seal: sealText }) => sealText);
  return { place, cluster, principal, entryAdded, added, way, share: { ...share }, approvals };
}

export function isGivenByEntry({ lease }: Pick<AccessRequest, "lease">): boolean {
  return lease?.written?.way === "access-entry";
}
