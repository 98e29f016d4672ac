import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { account, initialAwsAuth } from "../../sandbox/scene.ts";
import { type ChainedEvent, verifyChain } from "../../src/access/audit-event.ts";
import { leasesAnnotation, readAnnotation } from "../../src/access/lease/annotation.ts";
import type { Share } from "../../src/access/lease/lease-record.ts";
import { readOwnBindings } from "../../src/access/lease/own-bindings.ts";
import { isRequest } from "../../src/access/lists.ts";
import { sealedClusterOf } from "../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { isClosed } from "../../src/access/request.ts";
import { readHoldingTags } from "../../src/access-entry/entry-tags.ts";
import { parseDocument, resolve } from "../../src/aws-auth/index.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { ownEntry } from "../../src/worker/reconcile/binding-state.ts";
import { rolesSeen } from "../../src/worker/reconcile/review-questions.ts";
import { keys } from "../builders/keys.ts";
import { stories } from "../form.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { bound } from "../worker/reconcile/both-ways.ts";
import { type DirectBindings, directBindings, rules } from "./direct-bindings.ts";
import { type DirectCluster, directCluster } from "./direct-cluster.ts";
import { type DirectEntries, directEntries } from "./direct-entries.ts";
import { openOf } from "./open-of.ts";
import {
  type Acts,
  afterwards,
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
import { arnOf, fillLedger, sceneConfig, wishes } from "./reconcile-scene.ts";
import { type Turns, turnsOf } from "./turns.ts";

interface BindingScene extends Scene {
  readonly bindings: DirectBindings;
  readonly mapping: Mapping;
  readonly people: People;
  readonly records: Map<string, AccessRequest>;
  readonly events: ChainedEvent[];
}

/** Of two namespaces one level binds both. */
const inTwo = (text: string) => bound(text).replace("in: [default]", "in: [default, payments]");

/** Who the people of the scene are, and as whom they sign in. */
interface People {
  /** By the user of the usual scene. */
  readonly principalOf: (user: string) => string;
  readonly usernameOf: (principal: string) => string;
  /** Whether others let them in; otherwise the leases do. */
  readonly areAccepted: boolean;
  /** Whether the cluster reads access entries alone. */
  readonly isInEntries?: boolean;
  readonly document: Readonly<Record<string, string>>;
}

/** Where the cluster names the people of the scene. */
interface Mapping {
  /** As whom a principal signs in. */
  readonly usernameOf: (principal: string) => string | undefined;
  /** What it remembers of the leases for which it has an entry: their ids. */
  readonly sharesOf: (cluster: string) => readonly string[];
  /** A person's own edits. */
  readonly remove: () => void;
  readonly replace: () => void;
  readonly forget: () => void;
  /** Whether nothing but what others made is there. */
  readonly isClean: (mayBeReplaced: boolean) => boolean;
  readonly openFor: (bindings: DirectBindings) => Scene["openFor"];
  readonly passTo: (ms: number) => void;
  /** After this time nothing that was sent can arrive. Milliseconds. */
  readonly lateMs: number;
}

const nameOf = (principal: string) => principal.split("/").at(-1) ?? "";
const mapUsers = ["engineer", "colleague"]
  .map((name) => `- userarn: ${arnOf(name)}\n  username: ${name}\n  groups: []\n`)
  .join("");
const users: People = {
  principalOf: (user) => user,
  usernameOf: nameOf,
  areAccepted: true,
  document: { ...initialAwsAuth, mapUsers },
};

const permissionSet = "AWSReservedSSO_Developer_0123456789abcdef";
/** Two people with one permission set: one entry is for both. */
const colleagues: People = {
  principalOf: (user) => `arn:aws:sts::${account}:assumed-role/${permissionSet}/${nameOf(user)}@example.com`,
  usernameOf: (principal) => `eks-access:${account}:${permissionSet}:${nameOf(principal)}`,
  areAccepted: false,
  document: initialAwsAuth,
};

const inEntries: People = { ...colleagues, isInEntries: true };

const stages = {
  "bindings that are there": { ...sceneConfig({}, inTwo), people: users },
  "bindings that are repaired": { ...sceneConfig({ drift: "repair" }, inTwo), people: users },
  "bindings with an entry": { ...sceneConfig({}, inTwo), people: colleagues },
  "bindings with an entry that is repaired": { ...sceneConfig({ drift: "repair" }, inTwo), people: colleagues },
  "bindings with an access entry": { ...sceneConfig({}, inTwo), people: inEntries },
  "bindings with an access entry that is repaired": { ...sceneConfig({ drift: "repair" }, inTwo), people: inEntries },
};
type StageName = keyof typeof stages;

const deletes = "somebody deletes a binding";
const removesEntry = "somebody removes the entry";
const replacesEntry = "somebody replaces the entry by their own";
const grows = "somebody lets the roles allow more";
const strips = "somebody strips its memory of the leases";
const theirs = `- rolearn: arn:aws:iam::${account}:role/${permissionSet}\n  username: sso:{{SessionNameRaw}}\n  groups: []\n`;

const acts: Acts<BindingScene> = {
  ...usualActs,
  "a lease is over": async (_, scene) => pass(scene, 61_000),
  [failsOver]: async (_, { turns, records, events }) => failOver(turns, [records], events),
  [deletes]: async (_, { bindings }) => bindings.remove(({ name }) => name.includes(wishes.long.id)),
  [grows]: async (_, { bindings }) => bindings.growRoles(),
  // Only of an entry that a lease made.
  [removesEntry]: async (_, { mapping, people }) => {
    if (!people.areAccepted) mapping.remove();
  },
  [replacesEntry]: async (_, { mapping, people }) => {
    if (!people.areAccepted) mapping.replace();
  },
  [strips]: async (_, { mapping }) => mapping.forget(),
};

/** Who loses the records, and what the cluster remembers, hides our access from us. */
const remembers = (names: readonly string[]) =>
  !names.includes(failsOver) || ![strips, removesEntry, replacesEntry].some((name) => names.includes(name));
const parts = partsOf(acts, 4, remembers);
/** A person who deletes an access entry and makes it again within minutes removes all that we wrote into it (docs/access-entries.md). */
const partsByEntry = partsOf(
  acts,
  4,
  (names) => remembers(names) && ![removesEntry, replacesEntry].every((name) => names.includes(name)),
);

function pass({ clock, bindings, mapping }: Pick<BindingScene, "clock" | "bindings" | "mapping">, ms: number): void {
  bindings.passTo(clock.ms + ms);
  mapping.passTo(clock.ms + ms);
  clock.ms += ms;
}

type Watched = Pick<BindingScene, "bindings" | "ledger" | "clock" | "mapping" | "people">;

const partsIn = (bindings: DirectBindings, cluster: string) =>
  readOwnBindings(cluster, bindings.all(), keys.memory).parts;

function idsIn(reading: { readonly type: string; readonly message?: string }, shares: readonly Share[]) {
  if (reading.type === "untrusted") throw new Error(reading.message);
  return shares.map(({ id }) => id);
}

function mappingByDocument(map: DirectCluster, { document }: People): Mapping {
  const rolesNow = () => map.awsAuth()?.data?.mapRoles ?? "";
  return {
    usernameOf: (principal) => resolve(parseDocument(map.awsAuth()?.data ?? {}), principal)?.username,
    sharesOf: (cluster) => {
      const reading = readAnnotation(cluster, map.awsAuth()?.metadata.annotations?.[leasesAnnotation], keys.memory);
      return idsIn(reading, reading.type === "holdings" ? reading.holdings.flatMap(({ shares }) => shares) : []);
    },
    remove: () => map.editMapRoles(() => initialAwsAuth.mapRoles ?? ""),
    replace: () => {
      if (rolesNow().includes(permissionSet)) map.editMapRoles(() => `${initialAwsAuth.mapRoles}${theirs}`);
    },
    forget: () => map.forget(),
    isClean: (mayBeReplaced) => {
      const left = map.awsAuth()?.data ?? {};
      if (left.mapRoles?.includes(theirs) && !mayBeReplaced) return false;
      const others = { ...left, mapRoles: left.mapRoles?.replace(theirs, "") };
      return isDeepStrictEqual(others, { ...document });
    },
    openFor: (bindings) => bindings.openFor,
    passTo: () => {},
    lateMs: 120_000,
  };
}

const roleArn = `arn:aws:iam::${account}:role/${permissionSet}`;
const theirEntry = {
  ...{ principalArn: roleArn, arn: "theirs", type: "STANDARD", username: "sso:{{SessionNameRaw}}" },
  ...{ groups: [], policies: [], tags: {} },
};

function mappingByEntries(eks: DirectEntries): Mapping {
  const found = () => eks.entryOf(roleArn);
  return {
    usernameOf: (principal) => found()?.username.replace("{{SessionNameRaw}}", nameOf(principal)),
    sharesOf: (cluster) => {
      const entry = found();
      const reading = entry ? readHoldingTags(cluster, roleArn, entry, keys.memory) : ({ type: "absent" } as const);
      return idsIn(reading, reading.type === "holding" ? reading.holding.shares : []);
    },
    remove: () => eks.edit(roleArn, () => null),
    replace: () => eks.edit(roleArn, (entry) => entry && theirEntry),
    forget: () => eks.edit(roleArn, (entry) => entry && { ...entry, tags: {} }),
    isClean: (mayBeReplaced) => found() === null || (mayBeReplaced && found()?.arn === theirEntry.arn),
    openFor:
      (bindings) =>
      (...about) => {
        const [ofBindings, ofEntries] = [bindings.openFor(...about), eks.openFor(...about)];
        return async (...asked) => {
          const { entries, tags, mode } = await ofEntries(...asked);
          return { ...(await ofBindings(...asked)), entries, tags, mode };
        };
      },
    passTo: eks.passTo,
    lateMs: 10 * 60_000,
  };
}

const signsIn = ({ mapping, people }: Pick<Watched, "mapping" | "people">, principal: string) =>
  mapping.usernameOf(principal) === people.usernameOf(principal);

/**
 * Watches each commit: what is recorded as active is there, and what is recorded as over is gone.
 */
function watch(scene: Watched, cluster: string, played: readonly Part[]) {
  const { bindings, ledger, clock, mapping } = scene;
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
      if (mapping.sharesOf(cluster).includes(after.id)) broken.push(`${after.id} is over, and holds the entry`);
    }
    return result;
  };
  return { broken, ledger: { ...ledger, commit } };
}

/** Holds the bindings, and what lets people sign in, against the ledger, when everything has settled. */
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
  expect(scene.mapping.sharesOf(cluster).filter((id) => !ids.includes(id))).toEqual([]);
  expect(verifyChain(await scene.ledger.events(1, 10_000))).toMatchObject({ type: "whole" });
}

async function playOnce(product: StageName, turns: Turns, played: readonly Part[]) {
  const clock = { ms: Date.now() };
  const records = new Map<string, AccessRequest>();
  const events: ChainedEvent[] = [];
  const own = memoryLedger(records, events);
  const { cluster, config, people } = stages[product];
  const map = directCluster(people.document);
  let newestRun = "";
  const bindings = directBindings(clock, map, () => newestRun);
  const mapping = people.isInEntries ? mappingByEntries(directEntries(clock)) : mappingByDocument(map, people);
  const texts = cluster.levels.flatMap(({ groups }) => groups);
  const roles = await rolesSeen({ roleRules: async () => rules }, texts);
  const baseOf = ({ principal, groups }: AccessRequest) => {
    const seen = groups.map((text) => `${text} ${roles.get(text)?.digest ?? ""}`).sort();
    return { username: people.usernameOf(principal), groups: people.areAccepted ? seen : [...seen, ownEntry] };
  };
  await fillLedger(own, cluster, new Date(clock.ms), "binding", baseOf, people.principalOf);
  const beginRun: Ledger["beginRun"] = async (place) => {
    const run = await own.beginRun(place);
    if (place === `${cluster.name}/bindings`) newestRun = run;
    return run;
  };
  const watched = { bindings, ledger: { ...own, beginRun }, clock, mapping, people };
  const { broken, ledger } = watch(watched, sealedClusterOf(cluster), played);
  const memory = { ledger, records, events };
  const scene = { ...memory, bindings, mapping, people, clock, turns, config, openFor: mapping.openFor(bindings) };
  const arrive = (ms: number) => {
    bindings.passTo(ms);
    mapping.passTo(ms);
  };
  const isOver = played.some(({ name }) => name === failsOver);

  await playAll(scene, acts, played);
  const later = afterwards(scene);
  const lookLater = () => {
    pass(scene, mapping.lateMs);
    return adoptCluster(later, clusterOf(later));
  };
  await settleDown(scene, later, 30, arrive);
  if (isOver) {
    // As after each failover.
    await lookLater();
    await settleDown(scene, later, 30, arrive);
  }
  await judge(scene, sealedClusterOf(cluster));
  await endAll(scene, later);
  await settleDown(scene, later, 30, arrive);
  await lookLater();

  await judge(scene, sealedClusterOf(cluster));
  expect(await openOf(own, cluster.name)).toEqual([]);
  expect(bindings.all()).toEqual([]);
  expect(mapping.isClean(played.some(({ name }) => name === replacesEntry))).toBe(true);
  // Where Redis lost that a write began, no run waits for it: the look above removes what it gave.
  const isUnknown = (text: string) => isOver && text.includes(" is over, and ");
  expect([...broken.filter((text) => !isUnknown(text)), ...bindings.overtaken()]).toEqual([]);
  return (await own.events(1, 10_000)).some(({ event }) => event.type === "lease.active");
}

const names: readonly StageName[] = [
  "bindings that are there",
  "bindings that are repaired",
  "bindings with an entry",
  "bindings with an entry that is repaired",
  "bindings with an access entry",
  "bindings with an access entry that is repaired",
];

test.each(names)(
  "workers that die, calls that come late, approvers, the clock and kubectl at once: %s as the ledger says",
  async (product) => {
    let [runs, active] = [0, 0];

    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        stages[product].people.isInEntries ? partsByEntry : parts,
        async (scheduler, played) => {
          runs += 1;
          if (await playOnce(product, turnsOf(scheduler), played)) active += 1;
        },
      ),
      stories({ short: 25, long: 5_000 }),
    );

    expect(active, "plays that gave a lease").toBeGreaterThan(runs < 100 ? 0 : runs / 10);
    console.info(`interleavings of bindings, ${product}: ${runs} runs, ${active} gave a lease`);
  },
  1_800_000,
);
