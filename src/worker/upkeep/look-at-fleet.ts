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

/** For people: by account, the regions that did not answer, and the first cause. */
export function failedAccounts(failed: readonly FailedPlace[]) {
  return [...new Set(failed.map(({ account }) => account))].map((account) => {
    const own = failed.filter((each) => each.account === account);
    const regions = [...new Set(own.map(({ region }) => region))].join(", ");
    const what = `can't list the clusters of account ${account} in ${regions}`;
    return { account, regions, what, why: explainFailure(own[0]?.error) };
  });
}

export type LookAtFleet = Omit<FleetLook, "at"> & { readonly failed: readonly FailedPlace[] };

const purpose = { id: "fleet", requester: "eks-access" };

type Region = Omit<FleetPlace, "eksName">;

interface RegionsToLookAt<Found> {
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  readonly sessionIn: (region: Region) => Promise<CredentialSource>;
  readonly look: (eks: FleetRegion, region: Region, session: CredentialSource) => Promise<readonly Found[]>;
}

/** Sixteen regions at a time, one call at a time in each: AWS throttles by both. */
export async function lookInRegions<Found>({ accounts, regions, sessionIn, look }: RegionsToLookAt<Found>): Promise<{
  readonly found: readonly Found[];
  readonly failed: readonly FailedPlace[];
}> {
  const all = accounts.flatMap((account) => regions.map((region) => ({ account, region })));
  const looks = await inParallel(all, async (region) => {
    try {
      const session = await sessionIn(region);
      return { found: await look(fleetRegion(session, region.account, region.region), region, session) };
    } catch (error) {
      return { ...region, error };
    }
  });
  return {
    found: looks.flatMap((seen) => ("found" in seen ? seen.found : [])),
    failed: looks.flatMap((seen) => ("error" in seen ? seen : [])),
  };
}

/** @param known gets tags by `placeOf`, and spares calls for them */
export async function lookAtFleet(fleet: Fleet, known: Map<string, Labels>): Promise<LookAtFleet> {
  const policy = fleetSessionPolicy();
  const unread: FailedPlace[] = [];
  const { found, failed } = await lookInRegions({
    ...fleet,
    sessionIn: ({ account, region }) => sessionThrough(region, fleet.rolesFor(account), [purpose], policy),
    look: (eks, region) => clustersIn(fleet, eks, region, known, unread),
  });
  const all = [...failed, ...unread];
  const isFailed = new Set(all.map(({ account, region, eksName = "" }) => placeOf({ account, region, eksName })));
  const hasLooked = (place: FleetPlace) =>
    ![place, { ...place, eksName: "" }].some((each) => isFailed.has(placeOf(each)));
  return { found, hasLooked, failed: all };
}

/** So many clusters without an answer, and none with one in between, are the trouble of their region: each waits for a whole call. */
const mostUnanswered = 3;

async function clustersIn(
  { clusters: wanted }: Fleet,
  eks: FleetRegion,
  where: Region,
  known: Map<string, Labels>,
  unread: FailedPlace[],
) {
  const found: FoundCluster[] = [];
  let unanswered = 0;
  for (const eksName of await eks.names()) {
    const place = { ...where, eksName };
    try {
      const tags = known.get(placeOf(place)) ?? (await eks.lookAt(eksName))?.tags;
      unanswered = 0;
      if (tags) known.set(placeOf(place), tags);
      if (tags && hasLabels(wanted ?? {}, { ...tags, ...where })) found.push({ ...place, tags });
    } catch (error) {
      unanswered += error instanceof AccessError && !error.retryable ? 0 : 1;
      if (unanswered === mostUnanswered) throw error;
      unread.push({ ...place, error });
    }
  }
  return found;
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
