import { z } from "zod";
import type { Json, PreviewKeys, PreviewPublicKeys } from "../approval/seal.ts";
import { type Immutable, textForm, timeForm } from "../lease/lease-record.ts";

const tagsForm = z.record(textForm, textForm);

/** A cluster of the fleet, as a worker remembers it. Times are ISO 8601. */
export type FleetCluster = Immutable<z.output<typeof clusterForm>>;
const clusterForm = z.strictObject({
  account: textForm,
  region: textForm,
  eksName: textForm,
  /** The tags in force, which decide. */
  tags: tagsForm,
  /** Other tags, which AWS shows since then but which do not count yet; null: none. */
  waiting: z.strictObject({ tags: tagsForm, since: timeForm }).nullable(),
  /** When a worker saw it first. */
  since: timeForm,
  /** When AWS last showed it. */
  seenAt: timeForm,
  /** Since when AWS does not show it in the fleet; null: it is there. */
  goneSince: timeForm.nullable(),
});

/** A cluster's identity: its place and its name in EKS. */
export type FleetPlace = Pick<FleetCluster, "account" | "region" | "eksName">;

/** The clusters of the fleet at a time. The newest list counts. */
export type FleetList = Omit<SealedFleetList, "seal">;
export type SealedFleetList = Immutable<z.output<typeof listForm>>;
const listForm = z.strictObject({ at: timeForm, clusters: z.array(clusterForm), seal: textForm });

/** Seals a list with the worker's key, which both processes can verify: the clusters decide who approves what. */
export function sealFleetList({ at, clusters }: FleetList, keys: PreviewKeys): SealedFleetList {
  return { at, clusters, seal: keys.seal("fleet", sealedValue({ at, clusters })) };
}

const aheadMs = 60_000;

/** A list from Redis; null: no worker sealed it, or it is from the future, which would block later ones. */
export function readFleetList(stored: unknown, keys: PreviewPublicKeys, now: Date): FleetList | null {
  const read = listForm.safeParse(stored);
  if (!read.success) return null;
  const { seal, ...list } = read.data;
  if (Date.parse(list.at) > now.getTime() + aheadMs) return null;
  return keys.isSealed("fleet", sealedValue(list), seal) ? list : null;
}

function sealedValue({ at, clusters }: FleetList): Json {
  return { at, clusters } as unknown as Json;
}

/** After this time without an answer of AWS a cluster takes no requests: its tags can have changed. */
const staleAfterMs = 3_600_000;

export function isStale({ seenAt }: FleetCluster, now: Date): boolean {
  return now.getTime() - Date.parse(seenAt) > staleAfterMs;
}

export function placeOf({ account, region, eksName }: FleetPlace): string {
  return `${account}/${region}/${eksName}`;
}
