import { z } from "zod";
import type { PreviewKeys, PreviewPublicKeys } from "../approval/seal.ts";
import type { Json } from "../audit/event.ts";
import type { Labels } from "./selector.ts";

/** Where a cluster is, and its name in EKS: it stays the same one as long as these do. */
export interface FleetPlace {
  readonly account: string;
  readonly region: string;
  readonly eksName: string;
}

/** A cluster of the fleet, as a worker remembers it. Times are ISO 8601. */
export interface FleetCluster extends FleetPlace {
  /** Those in force: the ones that decide. */
  readonly tags: Labels;
  /** Other tags, which AWS shows since then and which do not count yet; null: none. */
  readonly waiting: { readonly tags: Labels; readonly since: string } | null;
  /** When a worker saw it first. */
  readonly since: string;
  /** When AWS last showed it. */
  readonly seenAt: string;
  /** Since when AWS shows that it is not in the fleet any more; null: it is. */
  readonly goneSince: string | null;
}

/** The clusters of the fleet at a time. The newest list counts. */
export interface FleetList {
  readonly at: string;
  readonly clusters: readonly FleetCluster[];
}

export interface SealedFleetList extends FleetList {
  readonly seal: string;
}

const time = z.iso.datetime();
const tags = z.record(z.string(), z.string());

const sealedList = z.strictObject({
  at: time,
  clusters: z.array(
    z.strictObject({
      account: z.string(),
      region: z.string(),
      eksName: z.string(),
      tags,
      waiting: z.strictObject({ tags, since: time }).nullable(),
      since: time,
      seenAt: time,
      goneSince: time.nullable(),
    }),
  ),
  seal: z.string(),
}) satisfies z.ZodType<SealedFleetList>;

/** Seals a list with the worker's key, which both processes can verify: the clusters decide who approves what. */
export function sealFleetList({ at, clusters }: FleetList, keys: PreviewKeys): SealedFleetList {
  return { at, clusters, seal: keys.seal("fleet", sealedValue({ at, clusters })) };
}

/** A clock of another machine can be ahead by so much. */
const aheadMs = 60_000;

/** A list out of Redis; null: a worker did not seal it, or it is of the future, so that no later one would count. */
export function readFleetList(stored: unknown, keys: PreviewPublicKeys, now: Date): FleetList | null {
  const read = sealedList.safeParse(stored);
  if (!read.success) return null;
  const { seal, ...list } = read.data;
  if (Date.parse(list.at) > now.getTime() + aheadMs) return null;
  return keys.isSealed("fleet", sealedValue(list), seal) ? list : null;
}

function sealedValue({ at, clusters }: FleetList): Json {
  return { at, clusters } as unknown as Json;
}

/** After this time without an answer of AWS a cluster takes no requests: its tags could be others now. */
const staleAfterMs = 3_600_000;

export function isStale({ seenAt }: FleetCluster, now: Date): boolean {
  return now.getTime() - Date.parse(seenAt) > staleAfterMs;
}

export function placeOf({ account, region, eksName }: FleetPlace): string {
  return `${account}/${region}/${eksName}`;
}
