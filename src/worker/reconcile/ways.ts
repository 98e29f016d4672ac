import { mapOwner } from "../../access/lease/map-owner.ts";
import { type Cluster, type Way, wayFor } from "../../access/policy/cluster.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { entryArnsByPrincipal, resolve } from "../../aws-auth/index.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered } from "../remembered.ts";
import { type BindingWay, bindingWay } from "./binding-way.ts";
import { type DocumentWay, documentWay } from "./document-way.ts";
import type { EntriesToRead } from "./entry-state.ts";
import { type EntryWay, entryWay } from "./entry-way.ts";
import type { WayContext } from "./way-adapter.ts";

export interface Ways {
  /** Null: the cluster reads no document, and no request needs one. */
  readonly document: DocumentWay | null;
  /** Null: the cluster has no access entries. */
  readonly entries: EntryWay | null;
  /** Null: no level of the cluster binds roles, and no request has one that did. */
  readonly bindings: BindingWay | null;
}

/**
 * Reads the cluster's own state at each run, because its mode can change.
 * @param requests that need a document
 * @param servedRequests the requests of this look: a level that bound roles may be gone from the configuration
 * @throws AccessError
 */
export async function waysIn(
  place: WayContext,
  requests: () => Promise<readonly AccessRequest[]>,
  which: EntriesToRead,
  servedRequests: readonly AccessRequest[],
): Promise<Ways> {
  const { opened, cluster } = place;
  const { wayOf, hasDocument } = await principalsWays(opened, cluster);
  const isOf =
    (way: Way) =>
    ({ groups, principal }: AccessRequest) =>
      !bindsRoles(groups) && wayOf(principal) === way;
  const needsDocument = hasDocument || (await requests()).some(isOf("aws-auth"));
  const { entries } = opened;
  const takesBindings = [...cluster.levels, ...servedRequests].some(({ groups }) => bindsRoles(groups));
  return {
    bindings: takesBindings ? bindingWay({ ...place, isWhole: which !== "due" }) : null,
    document: needsDocument ? documentWay({ ...place, isTaken: isOf("aws-auth") }) : null,
    entries: entries && entryWay({ ...place, opened: { ...opened, entries }, isTaken: isOf("access-entry"), which }),
  };
}

interface PrincipalsWays {
  readonly wayOf: (principal: string) => Way;
  readonly hasDocument: boolean;
}

async function principalsWays({ mode, entries, client }: OpenedCluster, cluster: Cluster): Promise<PrincipalsWays> {
  if (mode === "CONFIG_MAP" || !entries) return { wayOf: () => "aws-auth", hasDocument: true };
  if (mode === "API") return { wayOf: () => "access-entry", hasDocument: false };
  const [arns, configMap] = await Promise.all([entries.list(), client.readAwsAuth()]);
  const document = await parseRemembered(configMap?.data ?? {});
  const arnOf = entryArnsByPrincipal(arns);
  const isOwned = mapOwner(cluster, configMap?.managers ?? []) !== null;
  const wayOf = (principal: string) =>
    wayFor({
      mode,
      preferred: cluster.way,
      hasEntry: arnOf.has(principal.toLowerCase()),
      isMapped: resolve(document, principal) !== null,
      isOwned,
    });
  return { wayOf, hasDocument: configMap !== null };
}
