import type { FleetPlace } from "../../access/policy/fleet-list.ts";
import type { FleetLook, FoundCluster } from "../../access/policy/next-fleet.ts";
import { hasLabels, type Labels } from "../../access/policy/selector.ts";
import { type FleetRegion, fleetRegion } from "../../aws/fleet-clusters.ts";
import { fleetSessionPolicy } from "../../aws/session-policy.ts";
import type { Fleet } from "../../config/fleet-file.ts";
import { inParallel } from "../in-parallel.ts";
import { sessionThrough } from "../open/become-creator.ts";

/** The regions of an account that AWS did not answer about. */
export interface FailedPlace {
  readonly account: string;
  readonly region: string;
  readonly error: unknown;
}

export interface LookAtFleet extends Omit<FleetLook, "at"> {
  readonly failed: readonly FailedPlace[];
}

export interface TagMemory {
  /** Null: ask AWS. */
  readonly tagsOf: (place: FleetPlace) => Labels | null;
  /** AWS has just shown its tags. */
  readonly described: (place: FleetPlace, tags: Labels) => void;
}

/** Opens one region of an account with the roles of the fleet. @throws AccessError */
export type OpenRegion = (fleet: Fleet, account: string, region: string) => Promise<FleetRegion>;

const purpose = { id: "fleet", requester: "eks-access" };

const openRegion: OpenRegion = async (fleet, account, region) => {
  const policy = fleetSessionPolicy();
  return fleetRegion(await sessionThrough(region, fleet.rolesFor(account), [purpose], policy), account, region);
};

/**
 * Lists the clusters of each account and region, sixteen at a time and with one call at a time in each, as AWS counts them. A region without an answer leaves what was known there as it is.
 *
 * @param memory a cluster whose tags it has is only listed
 */
export async function lookAtFleet(
  fleet: Fleet,
  memory: TagMemory,
  open: OpenRegion = openRegion,
): Promise<LookAtFleet> {
  const regions = fleet.accounts.flatMap((account) => fleet.regions.map((region) => ({ account, region })));
  const looks = await inParallel(regions, ({ account, region }) => lookAtRegion(fleet, account, region, memory, open));
  const failed = looks.flatMap((look) => ("error" in look ? look : []));
  const isFailed = new Set(failed.map(({ account, region }) => `${account}/${region}`));
  return {
    found: looks.flatMap((look) => ("found" in look ? look.found : [])),
    hasLooked: ({ account, region }) => !isFailed.has(`${account}/${region}`),
    failed,
  };
}

async function lookAtRegion(
  fleet: Fleet,
  account: string,
  region: string,
  memory: TagMemory,
  open: OpenRegion,
): Promise<{ readonly found: readonly FoundCluster[] } | FailedPlace> {
  try {
    const eks = await open(fleet, account, region);
    try {
      return { found: await clustersIn(fleet, eks, { account, region }, memory) };
    } finally {
      eks.close();
    }
  } catch (error) {
    return { account, region, error };
  }
}

async function clustersIn(
  { clusters: wanted }: Fleet,
  eks: FleetRegion,
  where: Omit<FleetPlace, "eksName">,
  memory: TagMemory,
): Promise<readonly FoundCluster[]> {
  const found: FoundCluster[] = [];
  for (const eksName of await eks.names()) {
    const place = { ...where, eksName };
    const tags = memory.tagsOf(place) ?? (await tagsNow(eks, place, memory));
    if (tags && hasLabels(wanted ?? {}, { ...tags, ...where })) found.push({ ...place, tags });
  }
  return found;
}

async function tagsNow(eks: FleetRegion, place: FleetPlace, memory: TagMemory): Promise<Labels | null> {
  const tags = await eks.tagsOf(place.eksName);
  if (tags) memory.described(place, tags);
  return tags;
}
