import fc from "fast-check";
import { AccessError } from "../../src/access/access-error.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { SlackContext } from "../../src/slack/app/context.ts";
import { cancelRequest, revokeLease } from "../../src/slack/decide/end-access.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { previewCluster } from "../../src/worker/preview/preview.ts";
import { reconcileCluster } from "../../src/worker/reconcile/reconcile.ts";
import { keys } from "../builders/keys.ts";
import { noGroups } from "../slack/slack-context.ts";
import { click } from "./click.ts";
import { type DirectCluster, type Outcome, outcomes } from "./direct-cluster.ts";
import { openOf } from "./open-of.ts";
import { type sceneConfig, wishes } from "./reconcile-scene.ts";
import { silentContext } from "./silent-context.ts";
import { inTurns, mortal, type Turns } from "./turns.ts";

/** Everything of one play of people and workers who act at once: a clock of its own, a ledger of its own, one cluster. */
export interface Scene {
  readonly ledger: Ledger;
  readonly clock: { ms: number };
  readonly turns: Turns;
  readonly config: ReturnType<typeof sceneConfig>["config"];
  /** The cluster, for one process. */
  readonly openFor: DirectCluster["openFor"];
}

export type Context = WorkerContext & SlackContext;

/** One who acts in a play. */
export interface Part {
  readonly name: string;
  /** How many turns of others come before. */
  readonly waits: number;
  /** At which of its own turns it is killed; null: it lives. */
  readonly diesAt: number | null;
  /** What becomes of its writes. */
  readonly outcomes: readonly Outcome[];
}

export type Act<Of extends Scene> = (context: Context, scene: Of) => Promise<void>;
export type Acts<Of extends Scene> = Readonly<Record<string, Act<Of>>>;

const work: Act<Scene> = async (context) => {
  const cluster = clusterOf(context);
  await reconcileCluster(context, cluster);
  await reconcileCluster(context, cluster, "inspect");
};

/** Ends have runs of their own, beside all others. */
const endsAlone: Act<Scene> = async (context) => {
  const cluster = clusterOf(context);
  await reconcileCluster(context, cluster, "end");
  await reconcileCluster(context, cluster);
};

const decideOn =
  (verdict: "approved" | "denied", user: string): Act<Scene> =>
  async (context) => {
    const request = await context.ledger.get(wishes.undecided.id);
    if (request) await click(context, verdict, request, user);
  };

/** What is done whichever way the leases are given. */
export const usualActs: Acts<Scene> = {
  "a worker": work,
  "another worker": work,
  "a third worker": endsAlone,
  "an approver approves": decideOn("approved", "U0APPROVER"),
  "another approver denies": decideOn("denied", "U0APPROVER2"),
  "the requester cancels": async (context) => void (await cancelRequest(context, "U0ENGINEER", wishes.undecided.id)),
  "an approver revokes": async (context) => void (await revokeLease(context, "U0APPROVER", wishes.long.id, "")),
};

export const failsOver = "Redis fails over, and loses the last changes";

/** @param kept the ledger's records, and what is counted of them @param events its log */
export async function failOver(
  { point }: Turns,
  kept: readonly Map<string, unknown>[],
  events: unknown[],
): Promise<void> {
  const seen = kept.map((map) => [map, new Map(map)] as const);
  const told = events.length;
  for (let turn = 0; turn < 20; turn += 1) await point("Redis waits");
  for (const [map, old] of seen) {
    map.clear();
    for (const [key, value] of old) map.set(key, value);
  }
  events.splice(told);
}

export function clusterOf({ config }: Pick<Context, "config">) {
  const [cluster] = config.clusters.values();
  if (!cluster) throw new Error("The scene has a cluster.");
  return cluster;
}

/**
 * Who acts, in any order: three at least.
 * @param mostFates of one worker's writes
 * @param isPlayed whether these may act in one play
 */
export function partsOf<Of extends Scene>(
  acts: Acts<Of>,
  maxOutcomes: number,
  isPlayed: (names: readonly string[]) => boolean = () => true,
): fc.Arbitrary<readonly Part[]> {
  const partOf = (name: string): fc.Arbitrary<Part> => {
    const isWorker = acts[name] === work;
    return fc.record({
      name: fc.constant(name),
      waits: fc.nat(isWorker ? 40 : 60),
      diesAt: isWorker ? fc.option(fc.nat(40), { freq: 2 }) : fc.constant(null),
      outcomes: isWorker ? fc.array(fc.constantFrom(...outcomes), { maxLength: maxOutcomes }) : fc.constant([]),
    });
  };
  return fc
    .shuffledSubarray(Object.keys(acts), { minLength: 3 })
    .filter(isPlayed)
    .chain((names) => fc.tuple(...names.map(partOf)));
}

function contextOf(scene: Scene, ledger: Ledger, process: Pick<Turns, "point">, openCluster: Context["openCluster"]) {
  const { clock, config } = scene;
  const now = () => {
    clock.ms += 1;
    return new Date(clock.ms);
  };
  const workers = { ask: async () => null, close: async () => {} };
  const pause = () => process.point("waits");
  const people = { workers, directory: noGroups, newRequestId: () => "r-new", opensTooMany: () => false };
  const rest = { config, keys, now, pause, openRescuer: noRescuer, ...people };
  return { ...silentContext(ledger), ...rest, ...(openCluster && { openCluster }) };
}

/** No cluster of a play was ever rescued: its worker has no identity of its own. */
const noRescuer: NonNullable<Context["openRescuer"]> = () =>
  Promise.reject(new AccessError("aws-credentials-missing", "The worker has no AWS credentials"));

/** All act at once, each as its part says. */
export function playAll<Of extends Scene>(scene: Of, acts: Acts<Of>, parts: readonly Part[]): Promise<void> {
  return scene.turns.play(parts.map((part) => () => play(scene, acts, part)));
}

async function play<Of extends Scene>(scene: Of, acts: Acts<Of>, part: Part): Promise<void> {
  const { turns, ledger, openFor } = scene;
  for (let turn = 0; turn < part.waits; turn += 1) await turns.point(`${part.name} waits`);
  const process = mortal(turns, part.diesAt);
  const context = contextOf(scene, inTurns(ledger, process), process, openFor(process, turns, part.outcomes));
  await process.untilDeath(acts[part.name]?.(context, scene) ?? Promise.resolve());
}

/** No one else acts any more, and every call is answered at once. */
export function afterwards(scene: Scene): Context {
  const free = { point: async () => {} };
  const network = { ...free, join: (act: () => Promise<void>) => void act() };
  return contextOf(scene, scene.ledger, free, scene.openFor(free, network, []));
}

/**
 * Everything that is postponed comes to its turn, for so many rounds.
 * @param passTo called with each time to which the clock moves
 * @throws Error where it does not settle
 */
export async function settleDown(
  { ledger, clock }: Scene,
  context: Context,
  rounds: number,
  passTo: (ms: number) => void = () => {},
): Promise<void> {
  const cluster = clusterOf(context);
  for (let round = 0; round < rounds; round += 1) {
    await previewCluster(context, cluster);
    await reconcileCluster(context, cluster);
    await reconcileCluster(context, cluster, "inspect");
    const open = await openOf(ledger, cluster.name);
    if (open.every(({ lease, trouble }) => !trouble && (!lease || (lease.state === "active" && !lease.end)))) return;
    const next = Math.max(clock.ms, ...open.map(({ trouble }) => Date.parse(trouble?.retryAt ?? "") || 0));
    passTo(next);
    clock.ms = next;
  }
  const left = (await openOf(ledger, cluster.name)).map(({ id, lease, trouble }) => ({ id, lease, trouble }));
  throw new Error(`It does not settle: ${JSON.stringify(left)}`);
}

/** Whatever is open is cancelled or revoked. */
export async function endAll({ ledger }: Scene, context: Context): Promise<void> {
  for (const { id } of await openOf(ledger, clusterOf(context).name)) {
    await cancelRequest(context, "U0ENGINEER", id);
    await revokeLease(context, "U0APPROVER", id, "");
  }
}
