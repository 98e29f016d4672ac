import type { Drift } from "../grant/drift.ts";
import type { Cluster } from "../policy/cluster.ts";
import { named } from "./link.ts";
import { type Asker, driftRemedy, isOf } from "./person-links.ts";
import type { Told } from "./problem-groups.ts";

/** Who asks. Whoever does not answer for the cluster reads of their own grants alone. */
export interface Reader extends Asker {
  readonly answers: boolean;
}

type TakenOut = Told & { readonly code: "lease-taken-out" };

/** Grants in force that somebody took out. @param from where they stood: `aws-auth`, `its access entry` */
export function leaseProblems(
  drifts: readonly Drift[],
  cluster: Pick<Cluster, "drift">,
  reader: Reader,
  from: string,
): readonly TakenOut[] {
  return drifts.map(({ request, message }) => {
    const isReadable = reader.answers || isOf(request, reader);
    return {
      code: "lease-taken-out",
      severity: "error",
      place: isReadable ? request.principal : "somebody else's",
      message: isReadable
        ? `${named(request.id)} is in force, but somebody took it out: ${message}.`
        : `Access of somebody else is in force, but was taken out of ${from}.`,
      remedy: driftRemedy(cluster),
    };
  });
}
