import type { FleetList } from "../../access/policy/fleet-list.ts";
import { nextFleet } from "../../access/policy/next-fleet.ts";
import type { Fleet } from "../../config/fleet-file.ts";
import type { LiveConfig } from "../../config/live-config.ts";
import { lookAtFleet, type OpenRegion } from "./look-at-fleet.ts";

/**
 * The clusters of the fleet as AWS shows them now, for a process without the list that workers keep. Tags count at once: use it for what
 * no tag decides. A region without an answer leaves what `before` has there.
 */
export async function discoverFleet(
  fleet: Fleet,
  before: FleetList | null,
  at: Date,
  openRegion?: OpenRegion,
): Promise<FleetList> {
  const seen = await lookAtFleet(fleet, { tagsOf: () => null, described: () => {} }, openRegion);
  const rules = { deciding: fleet.deciding, holdMs: 0, isHeld: () => true };
  return nextFleet(before, { ...seen, at }, rules).list;
}

/** Finds the fleet while there is no ledger, and puts its clusters into the configuration; a list of the ledger replaces them. */
export class LonelyFleet {
  readonly #live: LiveConfig;
  readonly #now: () => Date;
  readonly #openRegion: OpenRegion | undefined;
  #list: FleetList | null = null;
  #nextMs = 0;
  #looking: Promise<void> | null = null;

  constructor(live: LiveConfig, now: () => Date, openRegion?: OpenRegion) {
    this.#live = live;
    this.#now = now;
    this.#openRegion = openRegion;
  }

  /** Looks, if it is time. A process that has a list of the ledger does not look: that one knows each cluster with a lease. */
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
    this.#list = await discoverFleet(fleet, this.#list, this.#now(), this.#openRegion);
    await this.#live.follow(this.#list.clusters);
  }
}
