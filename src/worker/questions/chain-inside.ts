import type { Drift } from "../../access/lease/drift.ts";
import { isGivenByEntry } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { documentFinding, entriesFinding, unread } from "../../diagnosis/cluster-links.ts";
import { isInForce } from "../../diagnosis/entry-lease.ts";
import type { WorkerContext } from "../context.ts";
import { openEksForEntries } from "../open/open-eks.ts";
import type { LinkTaker } from "../take-links.ts";
import type { Reached } from "./chain-way-in.ts";
import { driftsIn, type LookedAt, lookAtDocument } from "./look-at-document.ts";
import { lookAtEntries } from "./look-at-entries.ts";

/** What the cluster goes by. */
export interface Inside {
  /** Null: there is none, or it is not read. */
  readonly document: LookedAt["document"] | null;
  readonly isRead: boolean;
  /** What was looked at for drift, in words. */
  readonly place: string;
  readonly inForce: readonly AccessRequest[];
  readonly drifts: readonly Drift[];
}

/** Looks at the document and at the access entries, as far as the cluster goes by them. Null: the chain ends there. */
export async function lookInside(
  { ledger, keys }: WorkerContext,
  cluster: Cluster,
  reached: Reached,
  { take }: LinkTaker,
): Promise<Inside | null> {
  const mode = reached.description.authenticationMode;
  const isRead = mode !== "API";
  const looked = await take(
    "document",
    () => (isRead ? lookAtDocument(reached.client, cluster, keys.memory) : null),
    (facts) => (isRead ? documentFinding(facts, cluster) : unread),
  );
  const granted = await ledger.grantedOf(cluster.name);
  const inForce = granted.filter(isInForce);
  const byEntry = inForce.filter(isGivenByEntry);
  const entries = await take(
    "entries",
    async () =>
      mode === "CONFIG_MAP"
        ? null
        : lookAtEntries(await openEksForEntries(cluster, reached.eks), cluster, keys.memory, byEntry),
    entriesFinding,
  );
  if (!looked && !entries) return null;
  const places = [...(looked ? ["the document"] : []), ...(entries ? ["the access entries"] : [])];
  const inDocument = looked
    ? driftsIn(
        looked,
        inForce.filter((request) => !isGivenByEntry(request)),
      )
    : [];
  const drifts = [...inDocument, ...(entries?.drifts ?? [])];
  return { document: looked?.document ?? null, isRead, place: places.join(" and "), inForce, drifts };
}
