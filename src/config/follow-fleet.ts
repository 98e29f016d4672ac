import type { Logger } from "pino";
import { type Cluster, clusterArnOf } from "../access/policy/cluster.ts";
import { type FleetList, isStale, placeOf, readFleetList } from "../access/policy/fleet-list.ts";
import type { PreviewPublicKeys } from "../access/seal.ts";
import type { FleetLedger } from "../ledger/clusters.ts";
import type { MigrationLedger, RequestLedger } from "../ledger/ledger.ts";
import type { PlacedCluster } from "./clusters.ts";
import type { ConfigCheck, LiveConfig } from "./live-config.ts";

export interface FollowContext {
  readonly ledger: Pick<FleetLedger, "fleetAt" | "fleet">;
  readonly keys: PreviewPublicKeys;
  readonly live: LiveConfig;
  readonly log: Logger;
  readonly now: () => Date;
}

/** The fleet as this process knows it: the newest list that a worker sealed. An older one does not come back. */
export interface FleetFollower {
  /** Null: none yet. */
  readonly list: () => FleetList | null;
  /** Reads the list in the ledger, if it has changed, and puts its clusters into the configuration. */
  readonly look: () => Promise<void>;
  readonly wouldLeave: LiveConfig["wouldLeave"];
}

export function followFleet(context: FollowContext): FleetFollower {
  const { ledger, keys, live, log, now } = context;
  let held: FleetList | null = null;
  let refusedAt: string | null = null;
  let offered = "";
  let reported = "";
  const read = async () => {
    const at = await ledger.fleetAt();
    if (at === null || at === held?.at || at === refusedAt) return;
    const list = readFleetList(await ledger.fleet(), keys, now());
    if (list && (!held || list.at > held.at)) held = list;
    else if (list?.at !== held?.at) {
      refusedAt = at;
      log.error({ at }, "the list of the fleet in Redis is old, or no worker sealed it: the one before stays");
    }
  };
  return {
    list: () => held,
    wouldLeave: live.wouldLeave,
    look: async () => {
      await read();
      if (!held) return;
      const text = whatDecides(held, now());
      if (text === offered) return;
      const offer = await live.follow(held.clusters);
      // A list that can't be used now, for example while a lease is active, is offered again.
      if (offer.type === "refused") {
        if (reported !== offer.problems.join())
          log.error({ problems: offer.problems }, "refused the list of the fleet");
        reported = offer.problems.join();
      } else {
        [offered, reported] = [text, ""];
        for (const problem of offer.left) log.error({ problem }, "left a cluster of the fleet out");
        log.info({ clusters: held.clusters.length }, "the list of the fleet changed");
      }
    },
  };
}

/** A worker renews the list often. Only this changes the configuration. */
function whatDecides({ clusters }: FleetList, now: Date): string {
  const what = clusters.map((each) => {
    return [placeOf(each), each.tags, each.since, each.goneSince !== null, isStale(each, now)];
  });
  return JSON.stringify(what);
}

/** Refuses a configuration that lacks a cluster with an open lease or migration, or renames it: no worker could end the lease. */
export function keepsClusters(
  ledger: Pick<RequestLedger, "leasedOf"> & { readonly migrations: Pick<MigrationLedger, "open"> },
): ConfigCheck {
  return async (next, present) => {
    const gone = [...present.clusters.values()].filter((cluster) => !isKept(cluster, next.places.get(cluster.name)));
    if (gone.length === 0) return [];
    const migrations = await ledger.migrations.open();
    const found = await Promise.all(
      gone.map(async ({ name }) => {
        const leases = await ledger.leasedOf(name);
        const open = [...leases, ...migrations.filter(({ cluster }) => cluster === name)].map(({ id }) => id);
        return open.length > 0 ? [sentenceOf(name, next.places.has(name), open)] : [];
      }),
    );
    return found.flat();
  };
}

/** @param next null: a mistake hides it */
function isKept(cluster: Cluster, next: PlacedCluster | null | undefined): boolean {
  return next === null || (next !== undefined && clusterArnOf(next) === clusterArnOf(cluster));
}

const most = 5;

function sentenceOf(name: string, isOther: boolean, open: readonly string[]): string {
  const more = open.length > most ? ` and ${open.length - most} more` : "";
  const what = isOther ? "it would become another EKS cluster" : "it would be removed";
  const list = `${open.slice(0, most).join(", ")}${more}`;
  return `clusters.${name}: ${what}, but ${list} ${open.length === 1 ? "has" : "have"} not ended there. Keep it until then. If it was deleted, run eks-access retire ${name}.`;
}
