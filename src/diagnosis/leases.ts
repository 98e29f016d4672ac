import { type Drift, driftOf } from "../access/lease/drift.ts";
import type { RescueLease } from "../access/lease/kept-documents.ts";
import type { Holding } from "../access/lease/lease-record.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { ApprovedRequest } from "../access/record.ts";
import { type AccessEntry, identityOfEntry, type TagReading } from "../access-entry/index.ts";
import { named } from "./link.ts";
import { type Asker, driftRemedy, isAskersOwn } from "./person-links.ts";
import type { ReportedProblem } from "./problems.ts";

export interface ReadEntry {
  readonly entry: AccessEntry;
  readonly tags: TagReading;
  readonly rescue: RescueLease | null;
}

/** The part of an entry that is ours, as far as its tags have a valid seal. */
export function heldIn({ tags }: Pick<ReadEntry, "tags">): Holding | undefined {
  return tags.type === "holding" ? tags.holding : undefined;
}

/** The missing part of an active lease in the entry. Null: nothing. @param read null: the entry is gone */
export function entryDrift(request: ApprovedRequest, read: Pick<ReadEntry, "entry" | "tags"> | null): Drift | null {
  return driftOf(request, read && identityOfEntry(read.entry, heldIn(read)), null);
}

/** Whether the cluster must have the whole lease. */
export function isInForce({ lease }: ApprovedRequest): boolean {
  return lease.state === "active" && !lease.end;
}

/** The person who asks. Without a role for the cluster they see only their own leases. */
export interface Reader extends Asker {
  readonly isResponsible: boolean;
}

/** A cluster's open leases, as read before and after the look at the cluster. */
export interface OpenLeases {
  /** Leases that did not change between the two reads: a concurrent run raises no alarm. */
  readonly still: readonly ApprovedRequest[];
  readonly ids: ReadonlySet<string>;
}

export function openLeasesAround(before: readonly ApprovedRequest[], after: readonly ApprovedRequest[]): OpenLeases {
  const versions = new Map(before.map(({ id, version }) => [id, version]));
  return {
    still: after.filter(({ id, version }) => versions.get(id) === version),
    ids: new Set([...before, ...after].map(({ id }) => id)),
  };
}

type TakenOut = ReportedProblem & { readonly code: "lease-part-removed" };

/** Active leases that are missing. @param from their place: `aws-auth`, `its access entry` */
export function leaseProblems(
  drifts: readonly Drift[],
  cluster: Pick<Cluster, "drift">,
  reader: Reader,
  from: string,
): readonly TakenOut[] {
  const readable = drifts.map((drift) => ({
    ...drift,
    isReadable: reader.isResponsible || isAskersOwn(drift.request, reader),
  }));
  const first = readable.toSorted((a, b) => Number(b.isReadable) - Number(a.isReadable));
  return first.map(({ request, message, isReadable }) => ({
    code: "lease-part-removed",
    severity: "error",
    place: isReadable ? request.principal : "another person's",
    message: isReadable
      ? `${named(request.id)} is active, but its access is missing: ${message}.`
      : `Another person's access is missing from ${from}.`,
    remedy: driftRemedy(cluster),
  }));
}
