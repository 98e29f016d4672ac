import type { Way } from "../access-entry/way.ts";
import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/canonical-json.ts";
import type { AccessRequest } from "../request/request.ts";
import { shareOf } from "./due-work.ts";
import type { Holding } from "./holding.ts";

/**
 * What a grant added to the document, kept in its record and sealed: the cluster's own memory is an annotation, which
 * somebody may strip while the entry stays. Without this the entry would then pass for one that was always there.
 */
export interface Written {
  readonly entryAdded: boolean;
  readonly added: readonly string[];
  /** Where it stands; absent: in aws-auth. */
  readonly way?: Way;
  readonly seal: string;
}

/** Seals what stands in the document for a request now. */
export function rememberWritten(
  request: AccessRequest,
  holding: Holding,
  keys: MemoryKeys,
  way: Way = "aws-auth",
): Written {
  const { entryAdded } = holding;
  const added = holding.added.filter((group) => request.groups.includes(group));
  const place = way === "aws-auth" ? {} : { way };
  return {
    entryAdded,
    added,
    ...place,
    seal: keys.seal("written", sealedValue(request, { entryAdded, added, ...place })),
  };
}

/**
 * The holdings of the annotation, and those of grants in force that it has lost.
 * `lost` holds the lower-case ARNs of the latter: their annotation has to be written again.
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

/** A grant that is not active yet may never have been written; where it was, the annotation came with it. */
function holdingInRecord(request: AccessRequest, keys: MemoryKeys, way: Way): Holding | null {
  const written = request.grant?.state === "active" ? request.grant.written : null;
  if (!written || (written.way ?? "aws-auth") !== way) return null;
  const { seal: sealText, ...unsealed } = written;
  const { entryAdded, added } = unsealed;
  if (!keys.isSealed("written", sealedValue(request, unsealed), sealText)) return null;
  return { arn: request.principal, entryAdded, added, shares: [shareOf(request)] };
}

function merge(known: Holding, own: Holding): Holding {
  return {
    arn: known.arn,
    entryAdded: known.entryAdded || own.entryAdded,
    added: [...new Set([...known.added, ...own.added])].toSorted(),
    shares: [...known.shares, ...own.shares],
  };
}

function sealedValue(request: AccessRequest, { entryAdded, added, way }: Omit<Written, "seal">): Json {
  const { id, cluster, principal } = request;
  const place = way === undefined ? {} : { way };
  return { id, cluster, principal, entryAdded, added, ...place, endsAt: shareOf(request).endsAt };
}

/** Whether a grant stands in an access entry. */
export function isGivenByEntry({ grant }: Pick<AccessRequest, "grant">): boolean {
  return grant?.written?.way === "access-entry";
}
