import fc from "fast-check";
import { expect, test } from "vitest";
import type { WorkerContext } from "../../src/jobs/context.ts";
import { previewCluster } from "../../src/jobs/preview/preview.ts";
import { adoptCluster } from "../../src/jobs/reconcile/adopt.ts";
import { reconcileCluster } from "../../src/jobs/reconcile/reconcile.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { AccessRequest } from "../../src/request/request.ts";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import type { SlackContext } from "../../src/slack/context.ts";
import { cancelRequest, revokeGrant } from "../../src/slack/handlers/end-access.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { nobodysGroups } from "../slack/slack-context.ts";
import { click } from "./click.ts";
import { type DirectCluster, directCluster, type Fate, fates } from "./direct-cluster.ts";
import { isLong } from "./form.ts";
import { type Document, judgeScene, watchForeignText, watchWhatIsOver } from "./judge-scene.ts";
import { edits } from "./kubectl.ts";
import { openOf } from "./open-of.ts";
import { fillLedger, sceneConfig, sealKeys, wishes } from "./reconcile-scene.ts";
import { silentContext } from "./silent-context.ts";
import { inTurns, mortal, type Turns, turnsOf } from "./turns.ts";

/** Everything of one play: a clock of its own, a ledger of its own, the one cluster. */
interface Scene {
  readonly ledger: Ledger;
  /** Where the ledger's records are, for who writes there past it. */
  readonly records: Map<string, AccessRequest>;
  /** The records before anybody acted. */
  readonly first: ReadonlyMap<string, AccessRequest>;
  readonly aws: DirectCluster;
  readonly clock: { ms: number };
  readonly turns: Turns;
  readonly stage: StageName;
}

type Context = WorkerContext & SlackContext;

const stages = {
  "a document that is there": sceneConfig(),
  "a document that is repaired": sceneConfig({ drift: "repair" }),
  "a document that is made, and deleted": sceneConfig({ createAwsAuth: true }),
};
type StageName = keyof typeof stages;

/** Where the document may be made, it is not there at first. */
const isBare = (stage: StageName) => stages[stage].cluster.createAwsAuth;

/** One who acts in a play. */
interface Part {
  readonly name: string;
  /** How many turns of others go by before. */
  readonly waits: number;
  /** At which of its own turns it is killed; null: it lives. */
  readonly diesAt: number | null;
  /** What becomes of its writes. */
  readonly fates: readonly Fate[];
}

type Act = (context: Context, scene: Scene) => Promise<void>;

const work: Act = async (context) => {
  const cluster = clusterOf(context);
  await reconcileCluster(context, cluster);
  await reconcileCluster(context, cluster, "inspect");
};

const decideOn =
  (verdict: "approved" | "denied", user: string): Act =>
  async (context) => {
    const request = await context.ledger.get(wishes.undecided.id);
    if (request) await click(context, verdict, request, user);
  };

const replays = { first: "somebody puts the first records back", later: "somebody puts back what they saw" };

/**
 * Who can write to Redis puts the records of before in the place of today's. Where the ConfigMap is deleted, what it
 * remembers of revocations is lost with it, and nothing holds against this.
 */
function putBack({ records, stage }: Scene, old: ReadonlyMap<string, AccessRequest>): void {
  if (isBare(stage)) return;
  for (const { id } of [wishes.short, wishes.long]) {
    const [before, today] = [old.get(id), records.get(id)];
    if (before && today) records.set(id, { ...structuredClone(before), version: today.version + 1 });
  }
}

const acts: Readonly<Record<string, Act>> = {
  "a worker": work,
  "another worker": work,
  "a third worker": work,
  "an approver approves": decideOn("approved", "U0APPROVER"),
  "another approver denies": decideOn("denied", "U0APPROVER2"),
  "the requester cancels": async (context) => void (await cancelRequest(context, "U0ENGINEER", wishes.undecided.id)),
  "an approver revokes": async (context) => void (await revokeGrant(context, "U0APPROVER", wishes.long.id, "")),
  "a lease is over": async (_, { clock }) => {
    clock.ms += 61_000;
  },
  ...Object.fromEntries(
    Object.entries(edits).map(([name, edit]): [string, Act] => [
      `somebody ${name}`,
      async (_, { aws }) => aws.editMapUsers(edit),
    ]),
  ),
  [replays.first]: async (_, scene) => putBack(scene, scene.first),
  [replays.later]: async (_, scene) => {
    const seen = new Map(scene.records);
    for (let turn = 0; turn < 20; turn += 1) await scene.turns.point("the attacker waits");
    putBack(scene, seen);
  },
  // Only where it may be made again.
  "somebody deletes it": async (_, { aws, stage }) => {
    if (isBare(stage)) aws.remove();
  },
};

function clusterOf({ config }: Context) {
  const [cluster] = config.clusters.values();
  if (!cluster) throw new Error("The scene has a cluster.");
  return cluster;
}

const parts = fc
  .shuffledSubarray(Object.keys(acts), { minLength: 3 })
  .chain((names) => fc.tuple(...names.map((name) => partOf(name))));

function partOf(name: string): fc.Arbitrary<Part> {
  const isWorker = work === acts[name];
  return fc.record({
    name: fc.constant(name),
    waits: fc.nat(isWorker ? 40 : 60),
    diesAt: isWorker ? fc.option(fc.nat(40), { freq: 2 }) : fc.constant(null),
    fates: isWorker ? fc.array(fc.constantFrom(...fates), { maxLength: 3 }) : fc.constant([]),
  });
}

function contextOf(scene: Scene, ledger: Ledger, process: Pick<Turns, "point">, openCluster: Context["openCluster"]) {
  const { clock, stage } = scene;
  const now = () => {
    clock.ms += 1;
    return new Date(clock.ms);
  };
  const workers = { ask: async () => null, close: async () => {} };
  const pause = () => process.point("waits");
  const people = { workers, directory: nobodysGroups, newRequestId: () => "r-new" };
  const rest = { config: stages[stage].config, sealKeys, now, pause, ...people };
  return { ...silentContext(ledger), ...rest, ...(openCluster && { openCluster }) };
}

async function play(scene: Scene, part: Part): Promise<void> {
  const { turns, ledger, aws } = scene;
  for (let turn = 0; turn < part.waits; turn += 1) await turns.point(`${part.name} waits`);
  const process = mortal(turns, part.diesAt);
  const context = contextOf(scene, inTurns(ledger, process), process, aws.openFor(process, turns, part.fates));
  await process.untilDeath(acts[part.name]?.(context, scene) ?? Promise.resolve());
}

/** Nobody else acts any more, and every call is answered at once. */
function afterwards(scene: Scene): Context {
  const free = { point: async () => {} };
  const network = { ...free, join: (act: () => Promise<void>) => void act() };
  return contextOf(scene, scene.ledger, free, scene.aws.openFor(free, network, []));
}

/** Everything that is put off comes to its turn. @throws Error where it does not settle */
async function settleDown({ ledger, clock }: Scene, context: Context): Promise<void> {
  const cluster = clusterOf(context);
  for (let round = 0; round < 10; round += 1) {
    await previewCluster(context, cluster);
    await reconcileCluster(context, cluster);
    await reconcileCluster(context, cluster, "inspect");
    const open = await openOf(ledger, cluster.name);
    if (open.every(({ grant, trouble }) => !trouble && (!grant || (grant.state === "active" && !grant.end)))) {
      // As after a job whose worker died, and after a fence that came to no end.
      return void (await adoptCluster(context, cluster));
    }
    clock.ms = Math.max(clock.ms, ...open.map(({ trouble }) => Date.parse(trouble?.retryAt ?? "") || 0));
  }
  const left = (await openOf(ledger, cluster.name)).map(({ id, grant, trouble }) => ({ id, grant, trouble }));
  throw new Error(`It does not settle: ${JSON.stringify(left)}`);
}

async function takeAllAway(scene: Scene, context: Context): Promise<void> {
  for (const { id } of await openOf(scene.ledger, clusterOf(context).name)) {
    await cancelRequest(context, "U0ENGINEER", id);
    await revokeGrant(context, "U0APPROVER", id, "");
  }
  await settleDown(scene, context);
}

/** Plays once, and holds what came of it against the ledger: when all has settled, and when all is taken away. */
async function playOnce(stage: StageName, turns: Turns, played: readonly Part[], isLateAtTheEnd: boolean) {
  const document: Document = {
    initial: isBare(stage) ? {} : initialAwsAuth,
    isDeleted: () => isBare(stage) && played.some(({ name }) => name === "somebody deletes it"),
    isTampered: () => !isBare(stage) && played.some(({ name }) => Object.values(replays).includes(name)),
  };
  const aws = directCluster(isBare(stage) ? null : initialAwsAuth);
  const records = new Map<string, AccessRequest>();
  const own = memoryLedger(records);
  const foreign = watchForeignText(aws, document);
  const over = watchWhatIsOver(aws, own);
  const clock = { ms: Date.now() };
  await fillLedger(own, stages[stage].cluster, new Date(clock.ms));
  const scene = { ledger: over.ledger, records, first: new Map(records), aws, clock, turns, stage };

  await turns.play(played.map((part) => () => play(scene, part)));
  const later = afterwards(scene);
  if (!isLateAtTheEnd) aws.deliver();
  await settleDown(scene, later);
  await judgeScene(aws, own, document);
  await takeAllAway(scene, later);
  aws.deliver();
  await settleDown(scene, later);

  await judgeScene(aws, own, document);
  expect(await openOf(own, clusterOf(later).name)).toEqual([]);
  expect(foreign.broken).toEqual([]);
  expect(over.broken).toEqual([]);
}

const names: readonly StageName[] = [
  "a document that is there",
  "a document that is repaired",
  "a document that is made, and deleted",
];

test.each(names)(
  "workers that die, writes that come late, approvers, the clock, kubectl and old records at once: %s is what the ledger says",
  async (stage) => {
    let runs = 0;

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), parts, fc.boolean(), async (scheduler, played, isLateAtTheEnd) => {
        runs += 1;
        await playOnce(stage, turnsOf(scheduler), played, isLateAtTheEnd);
      }),
      { numRuns: isLong ? 5_000 : 150 },
    );

    console.info(`interleavings of the reconciler, ${stage}: ${runs} runs`);
  },
  1_800_000,
);
