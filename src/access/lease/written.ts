import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/event.ts";
import type { Way } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/record.ts";
import { shareInCluster } from "./due-work.ts";
import type { Holding, Share, WrittenShare } from "./lease-record.ts";
import { signInShare } from "./sign-in-share.ts";

/** Seals what is in the cluster for a request now; null: the holding has no share of it. */
export function sealWritten(
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
  return { ...unsealed, seal: keys.seal("written", sealedValue(request, unsealed)) };
}

/**
 * The holdings of the annotation and of active leases that it lost. `lost`: lower-case ARNs of the latter, to be written
 * again.
 */
export function withLedgerMemory(
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
    const own = holdingInRecord(request, keys, way);
    if (!own) continue;
    holdings.set(key, known ? merge(known, own) : own);
    lost.add(key);
  }
  return { holdings, lost };
}

/** A lease that is not active yet may never have been written; where it was, the annotation came with it. */
function holdingInRecord(request: AccessRequest, keys: MemoryKeys, way: Way): Holding | null {
  const written = genuinelyWritten(request, keys);
  if (written?.way !== way) return null;
  const { entryAdded, added, share } = written;
  return { arn: request.principal, entryAdded, added, shares: [share] };
}

/** What a active lease gives, as something that is sealed says; null: nothing does. The record's own groups are for showing. */
export function provedShare(
  holdings: ReadonlyMap<string, Holding>,
  request: AccessRequest,
  keys: MemoryKeys,
): Share | null {
  return shareInCluster(holdings, request) ?? genuinelyWritten(request, keys)?.share ?? null;
}

/** The share by which a lease by bindings holds the entry of its principal, as its record remembers it; null: it holds none. */
export function signInShareInRecord(request: AccessRequest, keys: MemoryKeys): Share | null {
  const written = genuinelyWritten(request, keys);
  return written?.way === "binding" && written.entryAdded ? signInShare(written.share) : null;
}

/** What the record of a active lease remembers, where a worker sealed it for this very request, principal and approvals. */
function genuinelyWritten(request: AccessRequest, keys: MemoryKeys): WrittenShare | null {
  const written = request.lease?.state === "active" ? request.lease.written : null;
  if (!written || written.share?.id !== request.id) return null;
  const { seal: sealText, ...unsealed } = written;
  return keys.isSealed("written", sealedValue(request, unsealed), sealText) ? written : null;
}

function merge(known: Holding, own: Holding): Holding {
  return {
    arn: known.arn,
    entryAdded: known.entryAdded || own.entryAdded,
    added: [...new Set([...known.added, ...own.added])].toSorted(),
    shares: [...known.shares, ...own.shares],
  };
}

function sealedValue(request: AccessRequest, { entryAdded, added, way, share }: Omit<WrittenShare, "seal">): Json {
  const { cluster, principal } = request;
  const approvals = request.approvals.map(({ seal: sealText }) => sealText);
  return { cluster, principal, entryAdded, added, way, share: { ...share }, approvals };
}

export function isGivenByEntry({ lease }: Pick<AccessRequest, "lease">): boolean {
  return lease?.written?.way === "access-entry";
}
