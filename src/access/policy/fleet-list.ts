import { z } from "zod";
import { sameTexts } from "../collections.ts";
import { type Immutable, itemsForm, mapForm, textForm, timeForm } from "../lease/lease-record.ts";
import { hasSeal, type PreviewKeys, type PreviewPublicKeys, withSeal } from "../seal.ts";
import { isDatedAhead } from "../seals.ts";
import type { Labels } from "./cluster.ts";

const tagsForm = mapForm(textForm);

/** A cluster of the fleet, as a worker remembers it. Times are ISO 8601. */
export type FleetCluster = Immutable<z.output<typeof clusterForm>>;
const clusterForm = z.strictObject({
  account: textForm,
  region: textForm,
  eksName: textForm,
  tags: tagsForm,
  /** Other tags, which AWS shows since then but which do not count yet; null: none. */
  waiting: z.strictObject({ tags: tagsForm, since: timeForm }).nullable(),
  since: timeForm,
  /** When AWS last showed it. */
  seenAt: timeForm,
  /** Since when AWS does not show it in the fleet; null: it is there. */
  goneSince: timeForm.nullable(),
});

export type FleetPlace = Pick<FleetCluster, "account" | "region" | "eksName">;

/** The clusters of the fleet at a time. The newest list counts. */
export type FleetList = Omit<SealedFleetList, "seal">;
export type SealedFleetList = Immutable<z.output<typeof listForm>>;
const listForm = z.strictObject({ at: timeForm, clusters: itemsForm(clusterForm), seal: textForm });

/** Seals a list with the worker's key, which both processes can verify: the clusters decide who approves what. */
export function sealFleetList({ at, clusters }: FleetList, keys: PreviewKeys): SealedFleetList {
  return withSeal(keys, "fleet", { at, clusters });
}

/** A list from Redis; null: no worker sealed it, or it is from the future, which would block later ones. */
export function readFleetList(stored: unknown, keys: PreviewPublicKeys, now: Date): FleetList | null {
  const { data } = listForm.safeParse(stored);
  if (!data || isDatedAhead(data, now) || !hasSeal(keys, "fleet", data)) return null;
  const { seal: _, ...list } = data;
  return list;
}

/** After this time without an answer of AWS a cluster takes no requests: its tags can have changed. */
const staleAfterMs = 3_600_000;

export function isStale({ seenAt }: FleetCluster, now: Date): boolean {
  return now.getTime() - Date.parse(seenAt) > staleAfterMs;
}

export function placeOf({ account, region, eksName }: FleetPlace): string {
  return `${account}/${region}/${eksName}`;
}

export type FoundCluster = FleetPlace & { readonly tags: Labels };

export interface FleetLook {
  readonly found: readonly FoundCluster[];
  /** Whether AWS answered about this cluster's place: without an answer, a missing cluster is not gone. */
  readonly hasLooked: (place: FleetPlace) => boolean;
  readonly at: Date;
}

export interface FleetRules {
  readonly deciding: ReadonlySet<string>;
  /** How long other tags wait until they count. */
  readonly holdMs: number;
  /** Whether it has an open lease or migration: such a cluster stays in the list. */
  readonly isHeld: (place: FleetPlace) => boolean;
}

/** `tags` are the deciding ones. */
export type FleetChange = FleetPlace &
  (
    | { readonly type: "added" | "gone" | "removed"; readonly tags: Labels }
    /** `countsAt`: null: they count now. */
    | { readonly type: "changed"; readonly from: Labels; readonly tags: Labels; readonly countsAt: string | null }
    /** The tags are the ones in force again. */
    | { readonly type: "restored"; readonly tags: Labels }
  );

export interface NextFleet {
  readonly list: FleetList;
  readonly changes: readonly FleetChange[];
}

/**
 * The list after a look. People set tags, and tags choose the deciding rule: so other tags count only after a time in which the
 * operators can object, and a gone cluster keeps its place as long. Tags that AWS has not shown for long prove nothing.
 */
export function nextFleet(before: FleetList | null, look: FleetLook, rules: FleetRules): NextFleet {
  const known = new Map((before?.clusters ?? []).map((cluster) => [placeOf(cluster), cluster]));
  const found = new Map(look.found.map((cluster) => [placeOf(cluster), cluster]));
  const steps = [
    ...[...known.values()].map((cluster) => {
      const now = found.get(placeOf(cluster));
      return now ? seenAgain(cluster, now, look.at, rules) : notSeen(cluster, look, rules);
    }),
    ...[...found.values()].filter((cluster) => !known.has(placeOf(cluster))).map((each) => added(each, look.at, rules)),
  ];
  const clusters = steps.flatMap(({ cluster }) => cluster ?? []);
  return { list: { at: look.at.toISOString(), clusters }, changes: steps.flatMap(({ change }) => change ?? []) };
}

interface Step {
  /** Null: it leaves the list. */
  readonly cluster: FleetCluster | null;
  readonly change: FleetChange | null;
}

function added(found: FoundCluster, now: Date, rules: FleetRules): Step {
  const at = now.toISOString();
  const cluster = { ...placeIn(found), tags: found.tags, waiting: null, since: at, seenAt: at, goneSince: null };
  return { cluster, change: { ...placeIn(found), type: "added", tags: decidingOf(found.tags, rules) } };
}

function seenAgain(before: FleetCluster, found: FoundCluster, now: Date, rules: FleetRules): Step {
  const seen = { ...before, seenAt: now.toISOString(), goneSince: null };
  const place = placeIn(before);
  const tags = decidingOf(found.tags, rules);
  const from = decidingOf(before.tags, rules);
  const counts = { ...seen, tags: found.tags, waiting: null };
  const isBack = before.goneSince !== null;
  if (sameTexts(tags, from)) {
    if (isBack) return { cluster: counts, change: { ...place, type: "added", tags } };
    return { cluster: counts, change: before.waiting ? { ...place, type: "restored", tags } : null };
  }
  if (isStale(before, now))
    return { cluster: counts, change: { ...place, type: "changed", from, tags, countsAt: null } };
  const isKnown = before.waiting !== null && sameTexts(decidingOf(before.waiting.tags, rules), tags);
  const since = isKnown && before.waiting ? before.waiting.since : now.toISOString();
  const countsAt = Date.parse(since) + rules.holdMs;
  if (now.getTime() >= countsAt)
    return { cluster: counts, change: { ...place, type: "changed", from, tags, countsAt: null } };
  const waiting = { tags: found.tags, since };
  const change = { ...place, type: "changed", from, tags, countsAt: new Date(countsAt).toISOString() } as const;
  return { cluster: { ...seen, waiting }, change: isKnown && !isBack ? null : change };
}

function notSeen(before: FleetCluster, { hasLooked, at }: FleetLook, rules: FleetRules): Step {
  if (!hasLooked(before)) return { cluster: before, change: null };
  const place = placeIn(before);
  const tags = decidingOf(before.tags, rules);
  // AWS's answer without the cluster is an answer about it.
  const seenAt = at.toISOString();
  if (before.goneSince === null) {
    return { cluster: { ...before, seenAt, goneSince: seenAt }, change: { ...place, type: "gone", tags } };
  }
  const isOver = at.getTime() - Date.parse(before.goneSince) >= rules.holdMs && !rules.isHeld(before);
  return isOver
    ? { cluster: null, change: { ...place, type: "removed", tags } }
    : { cluster: { ...before, seenAt }, change: null };
}

function placeIn({ account, region, eksName }: FleetPlace): FleetPlace {
  return { account, region, eksName };
}

function decidingOf(tags: Labels, { deciding }: FleetRules): Labels {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => deciding.has(key)));
}
