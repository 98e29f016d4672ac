import fc from "fast-check";
import { expect, test } from "vitest";
import { verifyChain } from "../../src/access/audit/event.ts";
import { readOwnBindings } from "../../src/access/lease/own-bindings.ts";
import type { AccessRequest } from "../../src/access/request/record.ts";
import { isClosed } from "../../src/access/request/request.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { isRequest } from "../../src/ledger/records.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { rolesSeen } from "../../src/worker/reconcile/roles-seen.ts";
import { keys } from "../builders/keys.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { bound } from "../worker/reconcile/both-ways.ts";
import { type DirectBindings, directBindings, rules } from "./direct-bindings.ts";
import { isLong } from "./form.ts";
import { openOf } from "./open-of.ts";
import {
  type Acts,
  afterwards,
  clusterOf,
  type Part,
  partsOf,
  playAll,
  type Scene,
  settleDown,
  takeAllAway,
  usualActs,
} from "./play.ts";
import { arnOf, fillLedger, sceneConfig, wishes } from "./reconcile-scene.ts";
import { type Turns, turnsOf } from "./turns.ts";

interface BindingScene extends Scene {
  readonly bindings: DirectBindings;
}

const stages = {
  "bindings that are there": sceneConfig({}, bound),
  "bindings that are repaired": sceneConfig({ drift: "repair" }, bound),
};
type StageName = keyof typeof stages;

const mapUsers = ["engineer", "colleague"]
  .map((name) => `- userarn: ${arnOf(name)}\n  username: ${name}\n  groups: []\n`)
  .join("");
const usernameOf = (principal: string) => principal.split("/").at(-1) ?? "";
const deletes = "somebody deletes a binding";

const acts: Acts<BindingScene> = {
  ...usualActs,
  "a lease is over": async (_, { clock, bindings }) => {
    bindings.passTo(clock.ms + 61_000);
    clock.ms += 61_000;
  },
  [deletes]: async (_, { bindings }) => bindings.remove(({ name }) => name.includes(wishes.long.id)),
};
const parts = partsOf(acts, 4);

type Watched = Pick<BindingScene, "bindings" | "ledger" | "clock">;

const partsIn = (bindings: DirectBindings, cluster: string) =>
  readOwnBindings(cluster, bindings.all(), keys.memory).parts;

/**
 * Watches each commit: what is recorded as active is there, and what is recorded as over is gone. A call that was not answered, and
 * was tried again with success, can arrive at the end of a short lease: the next look deletes what it makes.
 */
function watch({ bindings, ledger, clock }: Watched, cluster: string, played: readonly Part[]) {
  const broken: string[] = [];
  const isDeleted = played.some(({ name }) => name === deletes);
  const isLate = played.some(({ outcomes }) => outcomes.includes("late") || outcomes.includes("unanswered"));
  const commit: Ledger["commit"] = async (change) => {
    const result = await ledger.commit(change);
    const { after, event } = change;
    if (result.type !== "committed" || !isRequest(after)) return result;
    const given = partsIn(bindings, cluster).filter(({ share }) => share.id === after.id);
    const missing = after.groups.filter((text) => !given.some((part) => part.text === text));
    // Where its time passes between the proof and this commit, another run may have begun its end.
    const isOver = Date.parse(after.lease?.endsAt ?? "") <= clock.ms;
    if (event?.type === "lease.active" && !isDeleted && !isOver)
      broken.push(...missing.map((text) => `${after.id} lacks ${text}`));
    if (isClosed(after) && !isLate)
      broken.push(...given.map(({ text }) => `${after.id} is over, and ${text} is bound`));
    return result;
  };
  return { broken, ledger: { ...ledger, commit } };
}

/** Holds the bindings against the ledger, when everything has settled. */
async function judge(scene: BindingScene, cluster: string): Promise<void> {
  const found = await Promise.all(Object.values(wishes).map(({ id }) => scene.ledger.get(id)));
  const active = found.filter((each) => each?.lease?.state === "active").filter((each) => each !== null);
  const textsOf = ({ id, groups }: AccessRequest) => groups.map((text) => `${id} ${text}`);
  const given = partsIn(scene.bindings, cluster).map(({ share, text }) => `${share.id} ${text}`);

  expect(scene.bindings.all().length, "forged or foreign").toBe(given.length);
  expect(new Set(given).size, "made twice").toBe(given.length);
  const mayHave = active.flatMap(textsOf);
  expect(given.filter((text) => !mayHave.includes(text))).toEqual([]);
  const promised = active.filter(({ lease }) => !lease?.drift).flatMap(textsOf);
  expect(promised.filter((text) => !given.includes(text))).toEqual([]);
  expect(verifyChain(await scene.ledger.events(1, 10_000))).toMatchObject({ type: "whole" });
}

async function playOnce(stage: StageName, turns: Turns, played: readonly Part[]) {
  const clock = { ms: Date.now() };
  const own = memoryLedger();
  const { cluster, config } = stages[stage];
  const bindings = directBindings(clock, { mapUsers });
  const texts = cluster.levels.flatMap(({ groups }) => groups);
  const roles = await rolesSeen({ roleRules: async () => rules }, texts);
  const baseOf = ({ principal, groups }: AccessRequest) => {
    const seen = groups.map((text) => `${text} ${roles.get(text)?.digest ?? ""}`).sort();
    return { username: usernameOf(principal), groups: seen };
  };
  await fillLedger(own, cluster, new Date(clock.ms), "binding", baseOf);
  const { broken, ledger } = watch({ bindings, ledger: own, clock }, cluster.name, played);
  const scene: BindingScene = { ledger, bindings, clock, turns, config, openFor: bindings.openFor };

  await playAll(scene, acts, played);
  const later = afterwards(scene);
  await settleDown(scene, later, 30, bindings.passTo);
  await judge(scene, cluster.name);
  await takeAllAway(scene, later);
  await settleDown(scene, later, 30, bindings.passTo);
  bindings.passTo(clock.ms + 120_000);
  clock.ms += 120_000;
  await adoptCluster(later, clusterOf(later));

  await judge(scene, cluster.name);
  expect(await openOf(own, cluster.name)).toEqual([]);
  expect(bindings.all()).toEqual([]);
  expect(broken).toEqual([]);
  return (await own.events(1, 10_000)).some(({ event }) => event.type === "lease.active");
}

const names: readonly StageName[] = ["bindings that are there", "bindings that are repaired"];

test.each(names)(
  "workers that die, calls that come late, approvers, the clock and kubectl at once: %s as the ledger says",
  async (stage) => {
    let [runs, active] = [0, 0];

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), parts, async (scheduler, played) => {
        runs += 1;
        if (await playOnce(stage, turnsOf(scheduler), played)) active += 1;
      }),
      { numRuns: isLong ? 5_000 : 100 },
    );

    expect(active, "plays that gave a lease").toBeGreaterThan(runs / 2);
    console.info(`interleavings of bindings, ${stage}: ${runs} runs`);
  },
  1_800_000,
);
