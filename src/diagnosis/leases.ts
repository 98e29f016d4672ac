import { type Drift, driftOf } from "../access/lease/drift.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { ApprovedRequest, Holding } from "../access/request/record.ts";
import type { RescueLease } from "../access/rescue/lease.ts";
import type { AccessEntry, TagReading } from "../access-entry/index.ts";
import { identityOfEntry } from "../access-entry/index.ts";
import { named } from "./link.ts";
import { type Asker, driftRemedy, isOf } from "./person-links.ts";
import type { Told } from "./problems.ts";

/** An access entry with what its tags say of us. */
export interface ReadEntry {
  readonly entry: AccessEntry;
  readonly tags: TagReading;
  /** Null: it is of no rescue. */
  readonly rescue: RescueLease | null;
}

/** What of an entry is ours, as far as its tags are believed. */
export function heldIn({ tags }: Pick<ReadEntry, "tags">): Holding | undefined {
  return tags.type === "holding" ? tags.holding : undefined;
}

/** What somebody took out of the entry by which a active lease was given. Null: nothing. @param read null: it is gone */
export function entryDrift(request: ApprovedRequest, read: Pick<ReadEntry, "entry" | "tags"> | null): Drift | null {
  return driftOf(request, read && identityOfEntry(read.entry, heldIn(read)), null);
}

/** Whether nothing of a lease is to be taken away yet. */
export function isInForce({ lease }: ApprovedRequest): boolean {
  return lease.state === "active" && !lease.end;
}

/** Who asks. Whoever does not answer for the cluster reads of their own leases alone. */
export interface Reader extends Asker {
  readonly answers: boolean;
}

/** The leases of a cluster that are not over, where they were read before the cluster was looked at and after it. */
export interface Granted {
  /** Those that nothing was recorded of between: what a run takes away or gives meanwhile is missed by nobody. */
  readonly still: readonly ApprovedRequest[];
  /** Ids of all of them. */
  readonly ids: ReadonlySet<string>;
}

export function grantedAround(before: readonly ApprovedRequest[], after: readonly ApprovedRequest[]): Granted {
  const versions = new Map(before.map(({ id, version }) => [id, version]));
  return {
    still: after.filter(({ id, version }) => versions.get(id) === version),
    ids: new Set([...before, ...after].map(({ id }) => id)),
  };
}

type TakenOut = Told & { readonly code: "lease-taken-out" };

/** Grants in force that somebody took out. @param from where they stood: `aws-auth`, `its access entry` */
export function leaseProblems(
  drifts: readonly Drift[],
  cluster: Pick<Cluster, "drift">,
  reader: Reader,
  from: string,
): readonly TakenOut[] {
  const told = drifts.map((drift) => ({ ...drift, isReadable: reader.answers || isOf(drift.request, reader) }));
  // The first one's sentence stands for all of them.
  const first = told.toSorted((a, b) => Number(b.isReadable) - Number(a.isReadable));
  return first.map(({ request, message, isReadable }) => ({
    code: "lease-taken-out",
    severity: "error",
    place: isReadable ? request.principal : "somebody else's",
    message: isReadable
      ? `${named(request.id)} is in force, but somebody took it out: ${message}.`
      : `Access of somebody else is in force, but was taken out of ${from}.`,
    remedy: driftRemedy(cluster),
  }));
}
