import { AccessError, explainFailure } from "../../access/access-error.ts";
import { hasLabels, type Labels } from "../../access/policy/cluster.ts";
import {
  type FleetList,
  type FleetLook,
  type FleetPlace,
  type FoundCluster,
  nextFleet,
  placeOf,
} from "../../access/policy/fleet-list.ts";
import type { CredentialSource } from "../../aws/client-settings.ts";
import { type FleetRegion, fleetRegion } from "../../aws/fleet-clusters.ts";
import { fleetSessionPolicy } from "../../aws/session-policy.ts";
import type { Fleet } from "../../config/fleet-file.ts";
import type { LiveConfig } from "../../config/live-config.ts";
import { withDeadlines } from "../../operations/deadlines.ts";
import { inParallel } from "../../operations/parallel.ts";
import { sessionThrough } from "../become-creator.ts";

/** A region of an account, or one cluster there, that AWS did not answer about. */
export type FailedPlace = Region & { readonly eksName?: string; readonly error: unknown };

/** For people: by account, the regions that did not answer, or else the clusters, and the first cause. */
export function failedAccounts(failed: readonly FailedPlace[]) {
  return [...new Set(failed.map(({ account }) => account))].map((account) => {
    const own = failed.filter((each) => each.account === account);
    const regions = own.filter(({ eksName }) => eksName === undefined);
    const shown = regions.length > 0 ? regions : own;
    const places = shown.map(({ eksName, region }) => (eksName ? `${eksName} in ${region}` : region)).join(", ");
    const what =
      shown === own
        ? `can't read ${places} of account ${account}`
        : `can't list the clusters of account ${account} in ${places}`;
    return { account, places, what, why: explainFailure(shown[0]?.error) };
  });
}

export type LookAtFleet = Omit<FleetLook, "at"> & { readonly failed: readonly FailedPlace[] };

const purpose = { id: "fleet", requester: "eks-access" };

type Region = Omit<FleetPlace, "eksName">;

interface RegionsToLookAt<Found> {
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  readonly sessionIn: (region: Region) => Promise<CredentialSource>;
  /** What looks at each cluster of a region; null: it is not wanted. */
  readonly lookIn: (eks: FleetRegion, session: CredentialSource) => (place: FleetPlace) => Promise<Found | null>;
}

interface LookedAt<Found> {
  readonly found: readonly Found[];
  readonly failed: readonly FailedPlace[];
}

/** Sixteen regions at a time, one call at a time in each: AWS throttles by both. */
export async function lookInRegions<Found>(all: RegionsToLookAt<Found>): Promise<LookedAt<Found>> {
  const places = all.accounts.flatMap((account) => all.regions.map((region) => ({ account, region })));
  const looks = await inParallel(places, (region) => {
    return lookInRegion(all, region).catch((error: unknown) => ({ found: [], failed: [{ ...region, error }] }));
  });
  return { found: looks.flatMap(({ found }) => found), failed: looks.flatMap(({ failed }) => failed) };
}

/** So many clusters without an answer, and none with one in between, are the trouble of their region: each waits for a whole call. */
const mostUnanswered = 3;

async function lookInRegion<Found>({ sessionIn, lookIn }: RegionsToLookAt<Found>, region: Region) {
  const [found, failed]: [Found[], FailedPlace[]] = [[], []];
  const session = await sessionIn(region);
  const eks = fleetRegion(session, region.account, region.region);
  const lookAt = lookIn(eks, session);
  let unanswered = 0;
  for (const eksName of await eks.names()) {
    try {
      const seen = await lookAt({ ...region, eksName });
      unanswered = 0;
      if (seen) found.push(seen);
    } catch (error) {
      unanswered += error instanceof AccessError && !error.retryable ? 0 : 1;
      if (unanswered === mostUnanswered) throw error;
      failed.push({ ...region, eksName, error });
    }
  }
  return { found, failed };
}

/** @param known gets tags by `placeOf`, and spares calls for them */
export async function lookAtFleet(fleet: Fleet, known: Map<string, Labels>): Promise<LookAtFleet> {
  const policy = fleetSessionPolicy();
  const { found, failed } = await lookInRegions({
    ...fleet,
    sessionIn: ({ account, region }) => sessionThrough(region, fleet.rolesFor(account), [purpose], policy),
    lookIn: (eks) => (place) => wantedCluster(fleet, eks, place, known),
  });
  const isFailed = new Set(failed.map(({ account, region, eksName = "" }) => placeOf({ account, region, eksName })));
  const hasLooked = (place: FleetPlace) =>
    ![place, { ...place, eksName: "" }].some((each) => isFailed.has(placeOf(each)));
  return { found, hasLooked, failed };
}

async function wantedCluster(
  { clusters: wanted }: Fleet,
  eks: FleetRegion,
  place: FleetPlace,
  known: Map<string, Labels>,
): Promise<FoundCluster | null> {
  const tags = known.get(placeOf(place)) ?? (await eks.lookAt(place.eksName))?.tags;
  if (!tags) return null;
  known.set(placeOf(place), tags);
  const { account, region } = place;
  return hasLabels(wanted ?? {}, { ...tags, account, region }) ? { ...place, tags } : null;
}

/** For a process without the workers' list. Tags count at once, so use it only where no tag decides. */
export async function discoverFleet(fleet: Fleet, before: FleetList | null, at: Date): Promise<FleetList> {
  const seen = await lookAtFleet(fleet, new Map());
  return nextFleet(before, { ...seen, at }, { deciding: fleet.deciding, holdMs: 0, isHeld: () => true }).list;
}

/** Finds the fleet without the ledger, and adds its clusters to the configuration; a list of the ledger replaces them. */
export class FleetWithoutLedger {
  readonly #live: LiveConfig;
  readonly #now: () => Date;
  #list: FleetList | null = null;
  #nextMs = 0;
  #looking: Promise<void> | null = null;

  constructor(live: LiveConfig, now: () => Date) {
    this.#live = live;
    this.#now = now;
  }

  /** A list of the ledger has each cluster with a lease, so a process that has one does not look. */
  look(): Promise<void> {
    const { fleet } = this.#live.current();
    const isKnown = this.#list === null && fleet !== null && fleet.names.size > 0;
    if (!fleet || isKnown || this.#looking || this.#now().getTime() < this.#nextMs) return Promise.resolve();
    this.#nextMs = this.#now().getTime() + fleet.everySeconds * 1000;
    this.#looking = this.#follow(fleet).finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #follow(fleet: Fleet): Promise<void> {
    const { deadlines } = this.#live.current().timing;
    this.#list = await withDeadlines(deadlines, () => discoverFleet(fleet, this.#list, this.#now()));
    await this.#live.follow(this.#list.clusters);
  }
}
