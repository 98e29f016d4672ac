import { hash } from "node:crypto";
import { AccessError } from "../../access/access-error.ts";
import type { Labels } from "../../access/policy/cluster.ts";
import {
  type FleetChange,
  type FleetList,
  type FleetPlace,
  nextFleet,
  placeOf,
  sealFleetList,
} from "../../access/policy/fleet-list.ts";
import { type Notice, sealNotice } from "../../access/shared-lists.ts";
import type { Fleet } from "../../config/fleet-file.ts";
import type { FleetFollower } from "../../config/follow-fleet.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { inTurn } from "../../ledger/turns.ts";
import { recordedEvents } from "../../operations/announcements.ts";
import { withDeadlines } from "../../operations/deadlines.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import type { WorkerContext } from "../context.ts";
import { type FailedPlace, failedAccounts, lookAtFleet } from "./look-at-fleet.ts";

export interface FleetContext extends Pick<WorkerContext, "config" | "failures" | "keys" | "log" | "now"> {
  readonly ledger: Pick<
    Ledger,
    "takeTurn" | "claimTurn" | "keepTurn" | "addNotice" | "publishFleet" | "leasedOf" | "migrations" | "append"
  >;
  readonly follower: FleetFollower;
}

/** At most this long, a listed cluster keeps its known tags. */
const tagsKnownForMs = 10 * 60_000;

/** Keeps the list of the fleet: one worker at a time asks AWS, and publishes the answer for all processes. */
export class FleetKeeper {
  /** A new process asks about each cluster. */
  readonly #tags = new Map<string, Labels>();
  #tagsSinceMs = 0;

  async look(context: FleetContext): Promise<void> {
    const { fleet } = context.config;
    if (!fleet || !(await context.ledger.takeTurn(`fleet-${digestOf(fleet)}`, fleet.everySeconds * 900))) return;
    // Another worker can have published since.
    await context.follower.look();
    const before = context.follower.list();
    const nowMs = context.now().getTime();
    if (nowMs - this.#tagsSinceMs >= tagsKnownForMs) {
      this.#tags.clear();
      this.#tagsSinceMs = nowMs;
    }
    const seen = await lookAtFleet(fleet, this.#tags);
    reportFailed(context, seen.failed, fleet);
    const rules = {
      deciding: fleet.deciding,
      holdMs: fleet.tagsCountAfterSeconds * 1000,
      isHeld: await heldPlaces(context, fleet, before),
    };
    const { list, changes } = nextFleet(before, { ...seen, at: context.now() }, rules);
    const left = changes.length > 0 ? context.follower.wouldLeave(list.clusters) : [];
    const notice = changes.length > 0 ? fleetNotice(before?.at ?? "", sentencesOf(changes, left), list.at) : null;
    // The event first: a worker that dies in between repeats it, so no change goes unreported.
    if (notice) await reportChanges(context, changes, notice);
    const { preview } = context.keys;
    await context.ledger.publishFleet(sealFleetList(list, preview), notice && sealNotice(notice, preview));
    await context.follower.look();
    await announceRefused(context, seen.failed);
  }
}

function digestOf({ accounts, regions, clusters, rolesFor }: Fleet): string {
  const [first = ""] = accounts;
  return hash("sha256", JSON.stringify([accounts, regions, clusters, rolesFor(first)]), "base64url").slice(0, 16);
}

function reportFailed({ failures }: FleetContext, failed: readonly FailedPlace[], { accounts, regions }: Fleet): void {
  const what = "could not list the clusters of an account";
  const isFailed = new Set(failed.map(({ account, region }) => `${account}/${region}`));
  for (const { account, region, error } of failed) failures.failed(what, { account, region }, error);
  for (const account of accounts) {
    for (const region of regions) {
      if (!isFailed.has(`${account}/${region}`)) failures.over(what, { account, region });
    }
  }
}

const refusedOnceMs = 24 * 3_600_000;

/** What passes by itself is only in the log. Once a day: to let the worker in can take its people as long. */
async function announceRefused({ ledger, now, keys }: FleetContext, failed: readonly FailedPlace[]): Promise<void> {
  const refused = failedAccounts(failed.filter(({ error }) => !(error instanceof AccessError && error.retryable)));
  if (refused.length === 0) return;
  const at = now().toISOString();
  const turn = `fleet-refused-${hash("sha256", refused.map(({ what }) => what).join()).slice(0, 16)}`;
  const lines = refused.map(({ what, why }) => `${what}. ${why}`).slice(0, maxLines);
  const notice = { id: `${turn}-${at}`, at, title: "Fleet: access refused", lines };
  await inTurn(ledger, turn, refusedOnceMs, () => ledger.addNotice(sealNotice(notice, keys.preview)));
}

/** The places of open leases and migrations in clusters that are gone. */
async function heldPlaces(
  { ledger }: FleetContext,
  { names }: Fleet,
  before: FleetList | null,
): Promise<(place: FleetPlace) => boolean> {
  const gone = (before?.clusters ?? []).filter(({ goneSince }) => goneSince !== null);
  if (gone.length === 0) return () => false;
  const migrating = new Set((await ledger.migrations.open()).map(({ cluster }) => cluster));
  const held = new Set<string>();
  for (const cluster of gone) {
    const name = names.get(placeOf(cluster));
    const isOpen = name !== undefined && (migrating.has(name) || (await ledger.leasedOf(name)).length > 0);
    if (isOpen) held.add(placeOf(cluster));
  }
  return (place) => held.has(placeOf(place));
}

async function reportChanges(
  context: FleetContext,
  changes: readonly FleetChange[],
  { at, lines }: Notice,
): Promise<void> {
  for (const change of changes) context.log.info({ ...change }, "the fleet changed");
  const detail = { changes: lines };
  const event = { type: "fleet.changed", at, actor: "worker", request: "", cluster: "", detail } as const;
  await context.ledger.append(event);
  recordedEvents.publish(event);
}

const lookEveryMs = 5_000;

/** Looks when it is time, or when the settings of the fleet change. */
export function startFleetKeeper(context: () => FleetContext): Ticking {
  const keeper = new FleetKeeper();
  return startTicking(lookEveryMs, () => {
    const now = context();
    const look = () => withDeadlines(now.config.timing.deadlines, () => keeper.look(now));
    return now.failures.during("could not look at the fleet", {}, look);
  });
}

/** The rest is in the worker's log. */
const maxLines = 30;

function fleetNotice(before: string, all: readonly string[], at: string): Notice {
  const more = all.length > maxLines ? [`… and ${all.length - maxLines} more, in the log.`] : [];
  const digest = hash("sha256", JSON.stringify([before, all])).slice(0, 32);
  return { id: `fleet-${digest}`, at, title: "The fleet changed", lines: [...all.slice(0, maxLines), ...more] };
}

/** @param left why clusters are left out: such a cluster is not new */
function sentencesOf(changes: readonly FleetChange[], left: readonly string[]): readonly string[] {
  const isLeft = (change: FleetChange) => left.some((each) => each.includes(` ${clusterText(change)} `));
  return [...changes.filter((each) => each.type !== "added" || !isLeft(each)).map(sentenceOf), ...left];
}

function clusterText({ eksName, region, account }: FleetPlace): string {
  return `${eksName} in ${region} of account ${account}`;
}

function sentenceOf(change: FleetChange): string {
  const { tags } = change;
  const cluster = clusterText(change);
  if (change.type === "added") return `New: ${cluster}, with ${tagText(tags)}.`;
  if (change.type === "gone") return `Gone: ${cluster}. No more requests; leases end as planned.`;
  if (change.type === "removed") return `Removed: ${cluster}. No lease is open there.`;
  if (change.type !== "changed") return `Restored: ${cluster} has ${tagText(tags)} again.`;
  const what = `${cluster} has ${tagText(tags)} instead of ${tagText(change.from)}.`;
  if (change.countsAt === null) return `Changed: ${what} This counts now.`;
  return `Changed: ${what} This counts from ${change.countsAt.slice(0, 16).replace("T", " ")} UTC. To prevent it, restore the tags or use eks-access.yml.`;
}

function tagText(tags: Labels): string {
  const texts = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
  return texts.length > 0 ? texts.join(", ") : "no tag that decides";
}
