import { AccessError } from "../../access/access-error.ts";
import { type Cluster, type Zone, zoneOf } from "../../access/policy/cluster.ts";
import { withinDeadline } from "../../operations/deadlines.ts";
import { type Stoppable, startTicking, unfinishedAt } from "../../operations/stoppable.ts";
import { isSweepFailing } from "../sweep.ts";
import { endWithoutLedger, type WithoutLedgerContext } from "./end-without-ledger.ts";

const lookEveryMs = 1_000;
/** A failed end has a new try each minute, as with the ledger. */
const againMs = 60_000;
const concurrency = 16;

/**
 * Ends leases without the ledger while it is away, or takes no writes: no lease would end otherwise.
 * @param context each look keeps its first configuration
 * @param writes resolves if the ledger takes a write now
 * @param zones it reaches their clusters
 * @param findFleet finds the clusters that the configuration does not name
 */
export function startWithoutLedger(
  context: () => WithoutLedgerContext,
  writes: () => Promise<unknown>,
  zones: readonly Zone[],
  findFleet: () => Promise<void>,
): Stoppable {
  const watch = new LedgerWatch(context, zones, findFleet);
  // A worker that starts without a ledger is alone at once.
  const ticking = startTicking(lookEveryMs, () =>
    ledgerWorks(context(), writes).then(
      () => watch.there(),
      () => watch.away(),
    ),
  );
  return {
    stop: (deadline) => {
      void ticking.stop();
      return unfinishedAt(watch.settled(), "ending leases without the ledger", deadline);
    },
  };
}

/** @throws if the ledger takes no write, or this worker can't sweep it: no lease would end there */
export async function ledgerWorks(context: WithoutLedgerContext, writes: () => Promise<unknown>): Promise<void> {
  if (isSweepFailing(context)) throw new AccessError("ledger-unreachable", "The ledger answers, but no sweep works");
  await writes();
}

export class LedgerWatch {
  readonly #context: () => WithoutLedgerContext;
  readonly #zones: readonly Zone[];
  readonly #findFleet: () => Promise<void>;
  readonly #running = new Map<string, Promise<void>>();
  /** By cluster: when to look there again, in milliseconds since the epoch; absent: now. */
  readonly #lookAt = new Map<string, number>();
  #awaySince: number | null = null;
  #isAlone = false;
  #ended = 0;

  constructor(
    context: () => WithoutLedgerContext,
    zones: readonly Zone[] = [null],
    findFleet: () => Promise<void> = async () => {},
  ) {
    this.#context = context;
    this.#zones = zones;
    this.#findFleet = findFleet;
  }

  /** The ledger takes writes. */
  there(): void {
    this.#awaySince = null;
    if (!this.#isAlone) return;
    this.#isAlone = false;
    const { log, metrics } = this.#context();
    metrics?.withoutLedger.set(0);
    log.info({ ended: this.#ended }, "the ledger is back: the records of leases that ended without it follow");
    this.#ended = 0;
  }

  /** It does not: looks at each due cluster, once the ledger has been away for long enough. */
  away(): void {
    const { config, now, log, metrics, failures } = this.#context();
    const nowMs = now().getTime();
    this.#awaySince ??= nowMs;
    const afterSeconds = config.timing.endWithoutLedgerAfterSeconds;
    if (nowMs - this.#awaySince < afterSeconds * 1000) return;
    if (!this.#isAlone) {
      this.#isAlone = true;
      // Other leases began since the last time.
      this.#lookAt.clear();
      metrics?.withoutLedger.set(1);
      const does = "working without the ledger: only leases that are over by the clusters' own memory end";
      log.warn({ awaySince: new Date(this.#awaySince).toISOString() }, does);
    }
    void failures.during("could not find the fleet without the ledger", {}, this.#findFleet);
    const dueAt = ({ name }: Cluster) => this.#lookAt.get(name) ?? 0;
    const own = [...config.clusters.values()].filter((cluster) => this.#zones.includes(zoneOf(cluster)));
    // What waits longest comes first: clusters that do not answer are soon due again.
    for (const cluster of own.sort((one, other) => dueAt(one) - dueAt(other))) {
      if (this.#running.size >= concurrency || dueAt(cluster) > nowMs) return;
      if (!this.#running.has(cluster.name)) this.#running.set(cluster.name, this.#lookAtCluster(cluster));
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #lookAtCluster(cluster: Cluster): Promise<void> {
    const context = this.#context();
    const { config, log } = context;
    const { name } = cluster;
    const ending = () => endWithoutLedger(context, cluster);
    const { ended, left, nextEnd, failures } = await withinDeadline("longRun", config.timing.deadlines, ending);
    this.#running.delete(name);
    this.#ended += ended.length;
    if (ended.length > 0) log.info({ cluster: name, requests: ended }, "ended leases without the ledger");
    const stays = new AccessError("cluster-unexpected", `${left.join(", ")} is over, and still there`);
    this.#tell(name, left.length > 0 ? [...failures, stays] : failures);
    const laterMs = left.length + failures.length > 0 ? againMs : config.timing.inspectEverySeconds * 1000;
    const later = context.now().getTime() + laterMs;
    this.#lookAt.set(name, Math.min(later, nextEnd === null ? later : Date.parse(nextEnd)));
  }

  #tell(cluster: string, found: readonly unknown[]): void {
    const { failures } = this.#context();
    const what = "could not end leases without the ledger";
    for (const error of found) failures.failed(what, { cluster }, error);
    if (found.length === 0) failures.over(what, { cluster });
  }
}
