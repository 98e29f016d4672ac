import fc from "fast-check";
import { expect, test } from "vitest";
import type { AccessEntry } from "../../src/access-entry/entry.ts";
import { readHoldingTags } from "../../src/access-entry/entry-tags.ts";
import { covers, policyTexts } from "../../src/access-entry/policy-text.ts";
import { verifyChain } from "../../src/audit/event.ts";
import type { WorkerContext } from "../../src/jobs/context.ts";
import { previewCluster } from "../../src/jobs/preview/preview.ts";
import { adoptCluster } from "../../src/jobs/reconcile/adopt.ts";
import { reconcileCluster } from "../../src/jobs/reconcile/reconcile.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { SlackContext } from "../../src/slack/context.ts";
import { cancelRequest, revokeGrant } from "../../src/slack/handlers/end-access.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { nobodysGroups } from "../slack/slack-context.ts";
import { click } from "./click.ts";
import { type Fate, fates } from "./direct-cluster.ts";
import { type DirectEntries, directEntries } from "./direct-entries.ts";
import { isLong } from "./form.ts";
import { openOf } from "./open-of.ts";
import { fillLedger, sceneConfig, sealKeys, wishes } from "./reconcile-scene.ts";
import { silentContext } from "./silent-context.ts";
import { inTurns, mortal, type Turns, turnsOf } from "./turns.ts";

/** Everything of one play: a clock of its own, a ledger of its own, the access entries of one cluster. */
interface Scene {
  readonly ledger: Ledger;
  readonly eks: DirectEntries;
  readonly clock: { ms: number };
  readonly turns: Turns;
  readonly stage: StageName;
}

type Context = WorkerContext & SlackContext;

/** One of the two leases that overlap gives a group, and the other one a group and an access policy. */
const withPolicy = (text: string) =>
  text.replace("groups: [eks-access:admins]", "groups: [eks-access:admins]\n    policy: AmazonEKSEditPolicy");

const stages = {
  "entries that are there": sceneConfig({}, withPolicy),
  "entries that are repaired": sceneConfig({ drift: "repair" }, withPolicy),
};
type StageName = keyof typeof stages;

/** One who acts in a play. */
interface Part {
  readonly name: string;
  /** How many turns of others go by before. */
  readonly waits: number;
  /** At which of its own turns it is killed; null: it lives. */
  readonly diesAt: number | null;
  /** What becomes of its calls. */
  readonly fates: readonly Fate[];
}

type Act = (context: Context, scene: Scene) => Promise<void>;

const { principal } = wishes.long;
const foreign = "sre";
const isOurs = (group: string) => group.startsWith("eks-access:");

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

/** What people do to an entry with the AWS CLI, past all of us. */
const edits: Readonly<Record<string, (entry: AccessEntry | null) => AccessEntry | null>> = {
  "adds a group": (entry) => entry && { ...entry, groups: [...new Set([...entry.groups, foreign])] },
  "makes an entry": (entry) => entry ?? theirEntry,
  "takes our groups out": (entry) => entry && { ...entry, groups: entry.groups.filter((group) => !isOurs(group)) },
  "deletes the entry": () => null,
};

const theirEntry: AccessEntry = {
  ...{ principalArn: principal, arn: "theirs", type: "STANDARD", username: "theirs" },
  ...{ groups: [foreign], policies: [], tags: {} },
};

const acts: Readonly<Record<string, Act>> = {
  "a worker": work,
  "another worker": work,
  "a third worker": work,
  "an approver approves": decideOn("approved", "U0APPROVER"),
  "another approver denies": decideOn("denied", "U0APPROVER2"),
  "the requester cancels": async (context) => void (await cancelRequest(context, "U0ENGINEER", wishes.undecided.id)),
  "an approver revokes": async (context) => void (await revokeGrant(context, "U0APPROVER", wishes.long.id, "")),
  "a lease is over": async (_, { clock, eks }) => {
    eks.passTo(clock.ms + 61_000);
    clock.ms += 61_000;
  },
  ...Object.fromEntries(
    Object.entries(edits).map(([name, edit]): [string, Act] => [
      `somebody ${name}`,
      async (_, { eks }) => eks.edit(principal, edit),
    ]),
  ),
};

function clusterOf({ config }: Pick<Context, "config">) {
  const [cluster] = config.clusters.values();
  if (!cluster) throw new Error("The scene has a cluster.");
  return cluster;
}

/**
 * Who deletes an entry and makes it again within minutes takes all that we have written into it: what was sent before, and comes
 * then, nothing can tell from theirs (docs/access-entries.md). So nobody does both.
 */
const isPlayed = (names: readonly string[]) =>
  !["somebody makes an entry", "somebody deletes the entry"].every((name) => names.includes(name));

const parts = fc
  .shuffledSubarray(Object.keys(acts), { minLength: 3 })
  .filter(isPlayed)
  .chain((names) => fc.tuple(...names.map((name) => partOf(name))));

function partOf(name: string): fc.Arbitrary<Part> {
  const isWorker = work === acts[name];
  return fc.record({
    name: fc.constant(name),
    waits: fc.nat(isWorker ? 40 : 60),
    diesAt: isWorker ? fc.option(fc.nat(40), { freq: 2 }) : fc.constant(null),
    fates: isWorker ? fc.array(fc.constantFrom(...fates), { maxLength: 4 }) : fc.constant([]),
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
  const { turns, ledger, eks } = scene;
  for (let turn = 0; turn < part.waits; turn += 1) await turns.point(`${part.name} waits`);
  const process = mortal(turns, part.diesAt);
  const context = contextOf(scene, inTurns(ledger, process), process, eks.openFor(process, turns, part.fates));
  await process.untilDeath(acts[part.name]?.(context, scene) ?? Promise.resolve());
}

/** Nobody else acts any more, and every call is answered at once. */
function afterwards(scene: Scene): Context {
  const free = { point: async () => {} };
  const network = { ...free, join: (act: () => Promise<void>) => void act() };
  return contextOf(scene, scene.ledger, free, scene.eks.openFor(free, network, []));
}

/** Everything that is put off comes to its turn, and what is late arrives while time goes by. @throws Error where it does not settle */
async function settleDown({ ledger, clock, eks }: Scene, context: Context): Promise<void> {
  const cluster = clusterOf(context);
  for (let round = 0; round < 30; round += 1) {
    await previewCluster(context, cluster);
    await reconcileCluster(context, cluster);
    await reconcileCluster(context, cluster, "inspect");
    const open = await openOf(ledger, cluster.name);
    if (open.every(({ grant, trouble }) => !trouble && (!grant || (grant.state === "active" && !grant.end)))) return;
    const next = Math.max(clock.ms, ...open.map(({ trouble }) => Date.parse(trouble?.retryAt ?? "") || 0));
    eks.passTo(next);
    clock.ms = next;
  }
  const left = (await openOf(ledger, cluster.name)).map(({ id, grant, trouble }) => ({ id, grant, trouble }));
  throw new Error(`It does not settle: ${JSON.stringify(left)}`);
}

/** Nothing that was sent can arrive any more, and somebody looks at all that stands there, as happens by the hour. */
async function lookLater({ clock, eks }: Scene, context: Context): Promise<void> {
  eks.passTo(clock.ms + 10 * 60_000);
  clock.ms += 10 * 60_000;
  await adoptCluster(context, clusterOf(context));
}

async function takeAllAway(scene: Scene, context: Context): Promise<void> {
  for (const { id } of await openOf(scene.ledger, clusterOf(context).name)) {
    await cancelRequest(context, "U0ENGINEER", id);
    await revokeGrant(context, "U0APPROVER", id, "");
  }
  await settleDown(scene, context);
}

const givenBy = (entry: AccessEntry | null) => (entry ? [...entry.groups, ...entry.policies.flatMap(policyTexts)] : []);

/** Holds the entries, their tags and the audit log against the ledger, when everything has settled. */
async function judge({ eks, ledger, stage }: Scene): Promise<void> {
  const { cluster } = stages[stage];
  const found = await Promise.all(Object.values(wishes).map(({ id }) => ledger.get(id)));
  const active = found.filter((each) => each?.grant?.state === "active").filter((each) => each !== null);
  const inForce = active.filter(({ grant }) => !grant?.drift);
  for (const arn of new Set(Object.values(wishes).map((wish) => wish.principal))) {
    const entry = eks.entryOf(arn);
    const own = <T extends { principal: string }>(requests: readonly T[]) =>
      requests.filter((request) => request.principal === arn);
    const promised = own(inForce).flatMap(({ groups }) => groups);
    const given = givenBy(entry).filter((each) => each !== foreign);

    expect(
      promised.filter((each) => !covers(given, each)),
      `what ${arn} lacks`,
    ).toEqual([]);
    const mayHave = own(active).flatMap(({ groups }) => groups);
    expect(
      given.filter((each) => !covers(mayHave, each)),
      `what ${arn} has too much`,
    ).toEqual([]);
    const reading = entry && readHoldingTags(cluster.name, arn, entry, sealKeys);
    const held = reading?.type === "holding" ? reading.holding.shares.map(({ id }) => id) : [];
    expect(
      held.filter((id) => !own(active).some((request) => request.id === id)),
      "claimed by nobody",
    ).toEqual([]);
  }
  expect(verifyChain(await ledger.events(1, 10_000))).toMatchObject({ type: "whole" });
}

/** Plays once, and holds what came of it against the ledger: when all has settled, and when all is taken away. */
async function playOnce(stage: StageName, turns: Turns, played: readonly Part[]) {
  const clock = { ms: Date.now() };
  const ledger = memoryLedger();
  const eks = directEntries(clock);
  await fillLedger(ledger, stages[stage].cluster, new Date(clock.ms), "access-entry");
  const scene = { ledger, eks, clock, turns, stage };

  await turns.play(played.map((part) => () => play(scene, part)));
  const later = afterwards(scene);
  await settleDown(scene, later);
  await judge(scene);
  await takeAllAway(scene, later);
  await lookLater(scene, later);

  await judge(scene);
  expect(await openOf(ledger, clusterOf(later).name)).toEqual([]);
}

const names: readonly StageName[] = ["entries that are there", "entries that are repaired"];

test.each(names)(
  "workers that die, calls that come late, approvers, the clock and the AWS CLI at once: %s as the ledger says",
  async (stage) => {
    let runs = 0;

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), parts, async (scheduler, played) => {
        runs += 1;
        await playOnce(stage, turnsOf(scheduler), played);
      }),
      { numRuns: isLong ? 5_000 : 100 },
    );

    console.info(`interleavings of access entries, ${stage}: ${runs} runs`);
  },
  1_800_000,
);
