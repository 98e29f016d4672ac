import type { Drift } from "../access/lease/drift.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/request/record.ts";
import { named } from "./link.ts";
import { type Asker, driftRemedy, isOf } from "./person-links.ts";
import type { Told } from "./problem-groups.ts";

/** Who asks. Whoever does not answer for the cluster reads of their own leases alone. */
export interface Reader extends Asker {
  readonly answers: boolean;
}

/** The leases of a cluster that are not over, where they were read before the cluster was looked at and after it. */
export interface Granted {
  /** Those that nothing was recorded of between: what a run takes away or gives meanwhile is missed by nobody. */
  readonly still: readonly AccessRequest[];
  /** Ids of all of them. */
  readonly ids: ReadonlySet<string>;
}

export function grantedAround(before: readonly AccessRequest[], after: readonly AccessRequest[]): Granted {
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
