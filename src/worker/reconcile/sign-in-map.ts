import type { WorkerKeys } from "../../access/approval/seal.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import { mapOwner } from "../../access/lease/map-owner.ts";
import { signInShareInRecord } from "../../access/lease/written.ts";
import { wayFor } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { signInDocument } from "./sign-in-document.ts";
import { signInEntries } from "./sign-in-entries.ts";
import type { SignInMap } from "./sign-in-names.ts";
import { entryKeyOf } from "./sign-in-place.ts";
import type { WayContext } from "./way-adapter.ts";

/**
 * Reads where these principals, and those of these requests, sign in.
 *
 * @param open the requests by bindings
 * @throws AccessError
 */
export async function readSignInMap(
  place: WayContext,
  open: readonly AccessRequest[],
  principals: readonly string[],
): Promise<SignInMap> {
  const { opened, cluster, context } = place;
  const { mode, entries, client } = opened;
  const lost = sharesInRecords(open, context.keys);
  const [byEntry, configMap] = await Promise.all([
    entries ? signInEntries({ ...place, opened: { ...opened, entries }, open, lost }, principals) : null,
    mode === "API" ? null : client.readAwsAuth(),
  ]);
  const document = mode === "API" ? null : await signInDocument(place, configMap, lost);
  const places = [byEntry, document].filter((each) => each !== null);
  const isOwned = mapOwner(cluster, configMap?.managers ?? []) !== null;
  const preferred = wayFor({ mode, preferred: cluster.way, hasEntry: false, isMapped: false, isOwned });
  const canWrite = !isOwned && (configMap ? !configMap.immutable : cluster.createAwsAuth);
  const isThere = places.some(({ way }) => way === preferred);
  const canAdd = isThere && (preferred === "access-entry" || canWrite);
  return { places, addTo: canAdd && preferred !== "binding" ? preferred : null };
}

/** By lower-case ARN: the entries that these leases hold by their records. */
function sharesInRecords(
  open: readonly AccessRequest[],
  { memory }: WorkerKeys,
): ReadonlyMap<string, readonly Share[]> {
  const found = new Map<string, Share[]>();
  for (const request of open) {
    const share = signInShareInRecord(request, memory);
    if (!share) continue;
    const key = entryKeyOf(request.principal);
    found.set(key, [...(found.get(key) ?? []), share]);
  }
  return found;
}
