import { idsOf } from "../../access/lease/cluster-leases.ts";
import { mapOwner } from "../../access/lease/drift.ts";
import { genuinelyWritten } from "../../access/lease/holding.ts";
import { type Cluster, sealedClusterOf, type Way, wayFor } from "../../access/policy/cluster.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import { entryArnsByPrincipal } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import { resolve } from "../../aws-auth/index.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { memoryBeside, readRemembered } from "../remembered.ts";
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
  /** Null: no level of the cluster binds roles, no request has one that did, and not all is read. */
  readonly bindings: BindingWay | null;
}

/**
 * Reads the cluster's own state at each run, because its mode can change.
 * @param requests that need a document
 * @param which `all`: bindings too, because a level that bound roles may be gone from the configuration
 * @param servedRequests the requests of this look
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
  const takesBindings =
    which === "all" || [...cluster.levels, ...servedRequests].some(({ groups }) => bindsRoles(groups));
  return {
    bindings: takesBindings ? bindingWay({ ...place, isWhole: which !== "due" }) : null,
    document: needsDocument ? documentWay({ ...place, isTaken: isOf("aws-auth") }) : null,
    entries: entries && entryWay({ ...place, opened: { ...opened, entries }, isTaken: isOf("access-entry"), which }),
  };
}

/**
 * The ways in which leases end while EKS does not list the access entries, or the API server does not answer about `aws-auth`. Ends by
 * `aws-auth` and by bindings need only the API server, and ends by access entries only EKS. Only what a worker sealed shows the way of
 * a lease; the rest waits.
 * @param failure of `waysIn`
 * @throws AccessError
 */
export async function waysToEnd(place: WayContext, failure: unknown): Promise<Ways> {
  const { opened, cluster } = place;
  const { entries } = opened;
  if (opened.mode !== "API_AND_CONFIG_MAP" || !entries) throw failure;
  const here = sealedClusterOf(cluster);
  const keys = place.context.keys.memory;
  let unread: unknown = null;
  const configMap = await opened.client.readAwsAuth().catch((error: unknown) => {
    unread = error;
    return null;
  });
  if (unread !== null) {
    const writtenBy = (request: AccessRequest) => genuinelyWritten(here, request, keys)?.way ?? null;
    // One that a dead run has begun has no way yet: it stays.
    const isTaken = (each: AccessRequest) => !bindsRoles(each.groups) && writtenBy(each) !== "aws-auth";
    // Each further question could hang as long.
    const client = { ...opened.client, readAwsAuth: () => Promise.reject(unread) };
    const way = entryWay({ ...place, opened: { ...opened, entries, client }, isTaken, which: "all" });
    const isSure = (each: AccessRequest) => writtenBy(each) === "access-entry";
    return { bindings: null, document: null, entries: { ...way, unlisted: { why: failure, isSure } } };
  }
  const { holdings, withdrawals } = memoryBeside(cluster, configMap, keys);
  const held = idsOf([...holdings.flatMap(({ shares }) => shares), ...withdrawals.list]);
  const isHeld = ({ groups, id }: AccessRequest) => !bindsRoles(groups) && held.has(id);
  const unlistedIn = (way: Way) => ({
    why: failure,
    isSure: (request: AccessRequest) => {
      const written = genuinelyWritten(here, request, keys);
      const hasEntry = way === "binding" && written?.entryAdded && !held.has(request.id);
      return written?.way === way && !hasEntry;
    },
  });
  // Knows people's names by `aws-auth` alone, so it only ends.
  const byBinding = { ...place, opened: { ...opened, entries: null }, isWhole: true };
  return {
    bindings: { ...bindingWay(byBinding), unlisted: unlistedIn("binding") },
    document: configMap && { ...documentWay({ ...place, isTaken: isHeld }), unlisted: unlistedIn("aws-auth") },
    entries: null,
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
  const document = await readRemembered(configMap?.data ?? {});
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
