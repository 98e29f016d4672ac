import fc from "fast-check";
import { expect, test } from "vitest";
import { account, initialAwsAuth } from "../../sandbox/scene.ts";
import { verifyChain } from "../../src/access/audit/event.ts";
import { leasesAnnotation, readAnnotation } from "../../src/access/lease/annotation.ts";
import { readOwnBindings } from "../../src/access/lease/own-bindings.ts";
import type { AccessRequest } from "../../src/access/request/record.ts";
import { isClosed } from "../../src/access/request/request.ts";
import { parseDocument, resolve } from "../../src/aws-auth/index.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { isRequest } from "../../src/ledger/records.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { ownEntry } from "../../src/worker/reconcile/binding-state.ts";
import { rolesSeen } from "../../src/worker/reconcile/roles-seen.ts";
import { keys } from "../builders/keys.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { bound } from "../worker/reconcile/both-ways.ts";
import { type DirectBindings, directBindings, rules } from "./direct-bindings.ts";
import { type DirectCluster, directCluster } from "./direct-cluster.ts";
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
  readonly map: DirectCluster;
  readonly people: People;
}

/** Of two namespaces one level binds both. */
const inTwo = (text: string) => bound(text).replace("in: [default]", "in: [default, payments]");

/** Who the people of the scene are, and as whom they sign in. */
interface People {
  /** By the user of the usual scene. */
  readonly principalOf: (user: string) => string;
  readonly usernameOf: (principal: string) => string;
  /** Whether others let them in; otherwise the leases do. */
  readonly areLetIn: boolean;
  readonly document: Readonly<Record<string, string>>;
}

const nameOf = (principal: string) => principal.split("/").at(-1) ?? "";
const mapUsers = ["engineer", "colleague"]
  .map((name) => `- userarn: ${arnOf(name)}\n  username: ${name}\n  groups: []\n`)
  .join("");
const users: People = {
  principalOf: (user) => user,
  usernameOf: nameOf,
  areLetIn: true,
  document: { ...initialAwsAuth, mapUsers },
};

const permissionSet = "AWSReservedSSO_Developer_0123456789abcdef";
/** Two people with one permission set: one entry is for both. */
const colleagues: People = {
  principalOf: (user) => `arn:aws:sts::${account}:assumed-role/${permissionSet}/${nameOf(user)}@example.com`,
  usernameOf: (principal) => `eks-access:${account}:${permissionSet}:${nameOf(principal)}`,
  areLetIn: false,
  document: initialAwsAuth,
};

const stages = {
  "bindings that are there": { ...sceneConfig({}, inTwo), people: users },
  "bindings that are repaired": { ...sceneConfig({ drift: "repair" }, inTwo), people: users },
  "bindings with an entry": { ...sceneConfig({}, inTwo), people: colleagues },
  "bindings with an entry that is repaired": { ...sceneConfig({ drift: "repair" }, inTwo), people: colleagues },
};
type StageName = keyof typeof stages;

const deletes = "somebody deletes a binding";
const removesEntry = "somebody removes the entry";
const replacesEntry = "somebody replaces the entry by their own";
const grows = "somebody lets the roles allow more";
const theirs = `- rolearn: arn:aws:iam::${account}:role/${permissionSet}\n  username: sso:{{SessionNameRaw}}\n  groups: []\n`;

const acts: Acts<BindingScene> = {
  ...usualActs,
  "a lease is over": async (_, { clock, bindings }) => {
    bindings.passTo(clock.ms + 61_000);
    clock.ms += 61_000;
  },
  [deletes]: async (_, { bindings }) => bindings.remove(({ name }) => name.includes(wishes.long.id)),
  [grows]: async (_, { bindings }) => bindings.growRoles(),
  // Only of an entry that a lease made.
  [removesEntry]: async (_, { map, people }) => {
    if (!people.areLetIn) map.editMapRoles(() => initialAwsAuth.mapRoles ?? "");
  },
  [replacesEntry]: async (_, { map, people }) => {
    const isThere = map.awsAuth()?.data?.mapRoles?.includes(permissionSet);
    if (!people.areLetIn && isThere) map.editMapRoles(() => `${initialAwsAuth.mapRoles}${theirs}`);
  },
};
const parts = partsOf(acts, 4);

type Watched = Pick<BindingScene, "bindings" | "ledger" | "clock" | "map" | "people">;

const partsIn = (bindings: DirectBindings, cluster: string) =>
  readOwnBindings(cluster, bindings.all(), keys.memory).parts;

/** What the document remembers of the leases for which it has an entry. */
function sharesIn(map: DirectCluster, cluster: string) {
  const text = map.awsAuth()?.metadata.annotations?.[leasesAnnotation];
  const reading = readAnnotation(cluster, text, keys.memory);
  if (reading.type === "untrusted") throw new Error(reading.message);
  return reading.type === "holdings" ? reading.holdings.flatMap(({ shares }) => shares.map(({ id }) => id)) : [];
}

const signsIn = ({ map, people }: Pick<Watched, "map" | "people">, principal: string) =>
  resolve(parseDocument(map.awsAuth()?.data ?? {}), principal)?.username === people.usernameOf(principal);

/**
 * Watches each commit: what is recorded as active is there, and what is recorded as over is gone.
 */
function watch(scene: Watched, cluster: string, played: readonly Part[]) {
  const { bindings, ledger, clock, map } = scene;
  const broken: string[] = [];
  const has = (...names: readonly string[]) => played.some(({ name }) => names.includes(name));
  const commit: Ledger["commit"] = async (change) => {
    const result = await ledger.commit(change);
    const { after, event } = change;
    if (result.type !== "committed" || !isRequest(after)) return result;
    const given = partsIn(bindings, cluster).filter(({ share }) => share.id === after.id);
    const missing = after.groups.filter((text) => !given.some((part) => part.text === text));
    // Where its time passes between the proof and this commit, another run may have begun its end.
    const isOver = Date.parse(after.lease?.endsAt ?? "") <= clock.ms;
    if (event?.type === "lease.active" && !isOver) {
      if (!has(deletes)) broken.push(...missing.map((text) => `${after.id} lacks ${text}`));
      if (!has(removesEntry, replacesEntry) && !signsIn(scene, after.principal))
        broken.push(`${after.id} is active, and its person can't sign in`);
    }
    if (isClosed(after)) {
      broken.push(...given.map(({ text }) => `${after.id} is over, and ${text} is bound`));
      if (sharesIn(map, cluster).includes(after.id)) broken.push(`${after.id} is over, and holds the entry`);
    }
    return result;
  };
  return { broken, ledger: { ...ledger, commit } };
}

/** Holds the bindings, and the document, against the ledger, when everything has settled. */
async function judge(scene: BindingScene, cluster: string): Promise<void> {
  const found = await Promise.all(Object.values(wishes).map(({ id }) => scene.ledger.get(id)));
  const active = found.filter((each) => each?.lease?.state === "active").filter((each) => each !== null);
  const textsOf = ({ id, groups }: AccessRequest) => groups.map((text) => `${id} ${text}`);
  const given = partsIn(scene.bindings, cluster).map(({ share, text }) => `${share.id} ${text}`);

  expect(scene.bindings.all().length, "forged or foreign").toBe(given.length);
  expect(new Set(given).size, "made twice").toBe(given.length);
  const mayHave = active.flatMap(textsOf);
  expect(given.filter((text) => !mayHave.includes(text))).toEqual([]);
  const undisturbed = active.filter(({ lease }) => !lease?.drift);
  expect(undisturbed.flatMap(textsOf).filter((text) => !given.includes(text))).toEqual([]);
  expect(undisturbed.filter(({ principal }) => !signsIn(scene, principal)).map(({ id }) => id)).toEqual([]);
  const ids = active.map(({ id }) => id);
  expect(sharesIn(scene.map, cluster).filter((id) => !ids.includes(id))).toEqual([]);
  expect(verifyChain(await scene.ledger.events(1, 10_000))).toMatchObject({ type: "whole" });
}

async function playOnce(stage: StageName, turns: Turns, played: readonly Part[]) {
  const clock = { ms: Date.now() };
  const own = memoryLedger();
  const { cluster, config, people } = stages[stage];
  const map = directCluster(people.document);
  const bindings = directBindings(clock, map);
  const texts = cluster.levels.flatMap(({ groups }) => groups);
  const roles = await rolesSeen({ roleRules: async () => rules }, texts);
  const baseOf = ({ principal, groups }: AccessRequest) => {
    const seen = groups.map((text) => `${text} ${roles.get(text)?.digest ?? ""}`).sort();
    return { username: people.usernameOf(principal), groups: people.areLetIn ? seen : [...seen, ownEntry] };
  };
  await fillLedger(own, cluster, new Date(clock.ms), "binding", baseOf, people.principalOf);
  const { broken, ledger } = watch({ bindings, ledger: own, clock, map, people }, cluster.name, played);
  const scene: BindingScene = { ledger, bindings, map, people, clock, turns, config, openFor: bindings.openFor };

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
  const left = map.awsAuth()?.data ?? {};
  const isReplaced = left.mapRoles?.includes(theirs);
  expect({ ...left, mapRoles: left.mapRoles?.replace(theirs, "") }).toEqual(people.document);
  if (isReplaced) expect(played.map(({ name }) => name)).toContain(replacesEntry);
  expect(broken).toEqual([]);
  return (await own.events(1, 10_000)).some(({ event }) => event.type === "lease.active");
}

const names: readonly StageName[] = [
  "bindings that are there",
  "bindings that are repaired",
  "bindings with an entry",
  "bindings with an entry that is repaired",
];

test.each(names)(
  "workers that die, calls that come late, approvers, the clock and kubectl at once: %s as the ledger says",
  async (stage) => {
    let [runs, active] = [0, 0];

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), parts, async (scheduler, played) => {
        runs += 1;
        if (await playOnce(stage, turnsOf(scheduler), played)) active += 1;
      }),
      { numRuns: isLong ? 5_000 : 60 },
    );

    expect(active, "plays that gave a lease").toBeGreaterThan(runs / 10);
    console.info(`interleavings of bindings, ${stage}: ${runs} runs, ${active} gave a lease`);
  },
  1_800_000,
);
