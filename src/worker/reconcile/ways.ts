import { type Cluster, type Way, wayFor } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { entryArnsByPrincipal, resolve } from "../../aws-auth/index.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered } from "../remembered.ts";
import { type DocumentWay, documentWay } from "./document-way.ts";
import type { WhoseEntries } from "./entry-state.ts";
import { type EntryWay, entryWay } from "./entry-way.ts";
import type { WayPlace } from "./way-adapter.ts";

/** The ways in which a cluster takes leases now. */
export interface Ways {
  /** Null: the cluster reads no document, and no request needs one. */
  readonly document: DocumentWay | null;
  /** Null: it knows no access entries. */
  readonly entries: EntryWay | null;
}

/**
 * Asks the cluster's own state, at each run: a mode can change under us.
 * @param requests for which a document has to be there
 * @throws AccessError
 */
export async function waysIn(
  place: WayPlace,
  requests: () => Promise<readonly AccessRequest[]>,
  whose: WhoseEntries,
): Promise<Ways> {
  const { opened, cluster } = place;
  const { wayOf, hasDocument } = await principalsWays(opened, cluster);
  const isOf =
    (way: Way) =>
    ({ principal }: AccessRequest) =>
      wayOf(principal) === way;
  const needsDocument = hasDocument || (await requests()).some(isOf("aws-auth"));
  const { entries } = opened;
  return {
    document: needsDocument ? documentWay({ ...place, isTaken: isOf("aws-auth") }) : null,
    entries: entries && entryWay({ ...place, opened: { ...opened, entries }, isTaken: isOf("access-entry"), whose }),
  };
}

interface PrincipalsWays {
  readonly wayOf: (principal: string) => Way;
  /** Whether there is a document that the cluster reads. */
  readonly hasDocument: boolean;
}

async function principalsWays({ mode, entries, client }: OpenedCluster, cluster: Cluster): Promise<PrincipalsWays> {
  if (mode === "CONFIG_MAP" || !entries) return { wayOf: () => "aws-auth", hasDocument: true };
  if (mode === "API") return { wayOf: () => "access-entry", hasDocument: false };
  const [arns, configMap] = await Promise.all([entries.list(), client.readAwsAuth()]);
  const document = parseRemembered(configMap?.data ?? {});
  const arnOf = entryArnsByPrincipal(arns);
  const wayOf = (principal: string) =>
    wayFor({
      mode,
      preferred: cluster.way,
      hasEntry: arnOf.has(principal.toLowerCase()),
      isMapped: resolve(document, principal) !== null,
    });
  return { wayOf, hasDocument: configMap !== null };
}
