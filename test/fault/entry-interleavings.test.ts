import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChainedEvent, verifyChain } from "../../src/access/audit-event.ts";
import { sealedClusterOf } from "../../src/access/policy/cluster.ts";
import { covers, policyTexts } from "../../src/access/policy/policy-text.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { type AccessEntry, readHoldingTags } from "../../src/access-entry/entry-tags.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { keys } from "../builders/keys.ts";
import { stories } from "../form.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { type DirectEntries, directEntries } from "./direct-entries.ts";
import { openOf } from "./open-of.ts";
import {
  type Act,
  type Acts,
  afterwards,
  type Context,
  clusterOf,
  endAll,
  failOver,
  failsOver,
  type Part,
  partsOf,
  playAll,
  type Scene,
  settleDown,
  usualActs,
} from "./play.ts";
import { fillLedger, sceneConfig, wishes } from "./reconcile-scene.ts";
import { type Turns, turnsOf } from "./turns.ts";

/** The access entries of one cluster. */
interface EntryScene extends Scene {
  readonly eks: DirectEntries;
  readonly product: StageName;
  readonly records: Map<string, AccessRequest>;
  readonly events: ChainedEvent[];
}

/** One of the two leases that overlap gives a group, and the other one a group and an access policy. */
const withPolicy = (text: string) =>
  text.replace("groups: [eks-access:admins]", "groups: [eks-access:admins]\n    policy: AmazonEKSEditPolicy");

const stages = {
  "entries that are there": sceneConfig({}, withPolicy),
  "entries that are repaired": sceneConfig({ drift: "repair" }, withPolicy),
};
type StageName = keyof typeof stages;

const { principal } = wishes.long;
const foreign = "sre";
const isOurs = (group: string) => group.startsWith("eks-access:");

const strips = "takes our tags away";

/** What people do to an entry with the AWS CLI, past all of us. */
const edits: Readonly<Record<string, (entry: AccessEntry | null) => AccessEntry | null>> = {
  "adds a group": (entry) => entry && { ...entry, groups: [...new Set([...entry.groups, foreign])] },
  "makes an entry": (entry) => entry ?? theirEntry,
  "takes our groups out": (entry) => entry && { ...entry, groups: entry.groups.filter((group) => !isOurs(group)) },
  [strips]: (entry) => entry && { ...entry, tags: {} },
  "deletes the entry": () => null,
};

const theirEntry: AccessEntry = {
  ...{ principalArn: principal, arn: "theirs", type: "STANDARD", username: "theirs" },
  ...{ groups: [foreign], policies: [], tags: {} },
};

const acts: Acts<EntryScene> = {
  ...usualActs,
  "a lease is over": async (_, { clock, eks }) => {
    eks.passTo(clock.ms + 61_000);
    clock.ms += 61_000;
  },
  [failsOver]: async (_, { turns, records, events }) => failOver(turns, [records], events),
  ...Object.fromEntries(
    Object.entries(edits).map(([name, edit]): [string, Act<EntryScene>] => [
      `somebody ${name}`,
      async (_, { eks }) => eks.edit(principal, edit),
    ]),
  ),
};

const forgets = [`somebody ${strips}`, "somebody deletes the entry"];

/**
 * Who deletes an entry and makes it again within minutes takes all that we have written into it: what was sent before, and comes
 * then, nothing can tell from theirs (docs/access-entries.md). So no one does both. Who loses the records and the tags, hides our access.
 */
const isPlayed = (names: readonly string[]) =>
  !["somebody makes an entry", "somebody deletes the entry"].every((name) => names.includes(name)) &&
  !(names.includes(failsOver) && names.some((name) => forgets.includes(name)));

const parts = partsOf(acts, 4, isPlayed);

/** Until all has settled; what is late arrives while time passes. */
const settle = (scene: EntryScene, context: Context) => settleDown(scene, context, 30, scene.eks.passTo);

/** Nothing that was sent can arrive any more, and a person looks at all that is there, as happens by the hour and after a failover. */
async function lookLater({ clock, eks }: EntryScene, context: Context): Promise<void> {
  eks.passTo(clock.ms + 10 * 60_000);
  clock.ms += 10 * 60_000;
  await adoptCluster(context, clusterOf(context));
}

const givenBy = (entry: AccessEntry | null) => (entry ? [...entry.groups, ...entry.policies.flatMap(policyTexts)] : []);

/** Holds the entries, their tags and the audit log against the ledger, when everything has settled. */
async function judge({ eks, ledger, product }: EntryScene): Promise<void> {
  const { cluster } = stages[product];
  const found = await Promise.all(Object.values(wishes).map(({ id }) => ledger.get(id)));
  const active = found.filter((each) => each?.lease?.state === "active").filter((each) => each !== null);
  const inForce = active.filter(({ lease }) => !lease?.drift);
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
    const reading = entry && readHoldingTags(sealedClusterOf(cluster), arn, entry, keys.memory);
    const held = reading?.type === "holding" ? reading.holding.shares.map(({ id }) => id) : [];
    expect(
      held.filter((id) => !own(active).some((request) => request.id === id)),
      "claimed by nobody",
    ).toEqual([]);
  }
  expect(verifyChain(await ledger.events(1, 10_000))).toMatchObject({ type: "whole" });
}

/** Plays once, and holds its result against the ledger: when all has settled, and when all is removed. */
async function playOnce(product: StageName, turns: Turns, played: readonly Part[]) {
  const clock = { ms: Date.now() };
  const records = new Map<string, AccessRequest>();
  const events: ChainedEvent[] = [];
  const ledger = memoryLedger(records, events);
  // Only a tag knows that a call to the entry of a proved lease is on its way (docs/access-entries.md).
  const eks = directEntries(
    clock,
    played.some(({ name }) => name === `somebody ${strips}`),
  );
  await fillLedger(ledger, stages[product].cluster, new Date(clock.ms), "access-entry");
  const memory = { ledger, records, events };
  const scene = { ...memory, eks, clock, turns, product, config: stages[product].config, openFor: eks.openFor };

  await playAll(scene, acts, played);
  const later = afterwards(scene);
  await settle(scene, later);
  if (played.some(({ name }) => name === failsOver)) {
    await lookLater(scene, later);
    await settle(scene, later);
  }
  await judge(scene);
  await endAll(scene, later);
  await settle(scene, later);
  await lookLater(scene, later);

  await judge(scene);
  expect(await openOf(ledger, clusterOf(later).name)).toEqual([]);
}

const names: readonly StageName[] = ["entries that are there", "entries that are repaired"];

test.each(names)(
  "workers that die, calls that come late, approvers, the clock and the AWS CLI at once: %s as the ledger says",
  async (product) => {
    let runs = 0;

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), parts, async (scheduler, played) => {
        runs += 1;
        await playOnce(product, turnsOf(scheduler), played);
      }),
      stories({ short: 35, long: 5_000 }),
    );

    console.info(`interleavings of access entries, ${product}: ${runs} runs`);
  },
  1_800_000,
);
