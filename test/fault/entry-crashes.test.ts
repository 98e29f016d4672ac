import { expect, test } from "vitest";
import { arns } from "../../sandbox/scene.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { AccessEntries } from "../../src/aws/access-entries.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { openCluster } from "../../src/worker/open-cluster.ts";
import { reconcileCluster } from "../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../builders/a-cluster.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import {
  approve,
  ask,
  give,
  modesConfig,
  outsideEntries,
  requestOf,
  revokeOnly,
} from "../worker/reconcile/both-ways.ts";
import { useWorkerSide } from "../worker/worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;
const config = modesConfig((text) =>
  text
    .replace(/^levels:\n/m, "levels:\n  both: { groups: [a, b], policy: AmazonEKSEditPolicy, maxDuration: 8h }\n")
    .replaceAll("levels: [viewer,", "levels: [both, viewer,"),
);
const cluster = clusterIn(config, "analytics");

/** A process that dies at the moment of its n-th change to EKS: before it is sent, or once it has arrived. */
function mortal(
  context: WorkerContext,
  diesAt: number,
  when: "before" | "after",
): WorkerContext & { isDead: () => boolean } {
  let changes = 0;
  let isDead = false;
  const gate = async <T>(act: () => Promise<T>): Promise<T> => {
    changes += 1;
    const isHere = changes === diesAt;
    if (isDead || (isHere && when === "before")) return die();
    const result = await act();
    return isHere ? die() : result;
  };
  const die = (): never => {
    isDead = true;
    throw new Error("the process is dead");
  };
  const opens = async (...args: Parameters<typeof openCluster>) => {
    const open = await openCluster(...args);
    return { ...open, entries: open.entries && dying(open.entries, gate) };
  };
  return { ...context, ledger: silentAfter(context.ledger, () => isDead), openCluster: opens, isDead: () => isDead };
}

function dying(entries: AccessEntries, gate: <T>(act: () => Promise<T>) => Promise<T>): AccessEntries {
  return {
    ...entries,
    create: (entry) => gate(() => entries.create(entry)),
    setGroups: (arn, groups) => gate(() => entries.setGroups(arn, groups)),
    remove: (arn) => gate(() => entries.remove(arn)),
    associate: (arn, policy) => gate(() => entries.associate(arn, policy)),
    disassociate: (arn, name) => gate(() => entries.disassociate(arn, name)),
    tag: (entry, tags) => gate(() => entries.tag(entry, tags)),
    untag: (entry, keys) => gate(() => entries.untag(entry, keys)),
    tagCluster: (tags) => gate(() => entries.tagCluster(tags)),
    untagCluster: (keys) => gate(() => entries.untagCluster(keys)),
  };
}

/** The dead write nothing. */
function silentAfter(ledger: Ledger, isDead: () => boolean): Ledger {
  return { ...ledger, commit: (change) => (isDead() ? Promise.reject(new Error("dead")) : ledger.commit(change)) };
}

/** What others have there before, and what is given and revoked on top of it. */
const plays = [
  { name: "a new entry", theirs: null, first: null, when: "after" },
  { name: "an entry of others", theirs: ["readers"], first: null, when: "before" },
  { name: "a second lease", theirs: null, first: "everywhere", when: "after" },
] as const;

async function run(context: WorkerContext, on: Cluster): Promise<void> {
  await reconcileCluster(context, on).catch(() => {});
}

test.each(plays)(
  "$name: a process that dies $when any of its calls leaves nothing that the next run does not end",
  async (play) => {
    const outside = outsideEntries(side().sandbox, cluster);
    let diedAt = 0;
    for (let diesAt = 1; ; diesAt += 1) {
      await outside.edit(engineer, null);
      if (play.theirs) await outside.edit(engineer, play.theirs);
      const empty = await outside.all();
      const records = new Map<string, AccessRequest>();
      const context = { ...side().context(memoryLedger(records)), config };
      if (play.first) await give(context, cluster, { id: "r-first", level: play.first });
      const before = await outside.given(engineer);
      await ask(context, cluster, { id: "r-one", level: "both" });
      await approve(context, cluster, "r-one");

      const giving = mortal(context, diesAt, play.when);
      await run(giving, cluster);
      expect((await requestOf(context, "r-one")).lease?.state === "active").toBe(!giving.isDead());
      await reconcileCluster(context, cluster);
      const active = await requestOf(context, "r-one");
      expect(active.lease?.state).toBe("active");
      expect(await outside.given(engineer)).toEqual(
        [...(before ?? []), "a", "b", "policy AmazonEKSEditPolicy"].toSorted(),
      );

      await revokeOnly(context, "r-one");
      const taking = mortal(context, diesAt, play.when);
      await run(taking, cluster);
      if (taking.isDead()) expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      await reconcileCluster(context, cluster);
      expect((await outside.given(engineer)) ?? []).toEqual(before ?? []);
      // Calls of dead processes can still arrive. Only after that does a message say that nothing is left.
      const later = { ...context, now: () => new Date(Date.now() + 8 * 60_000) };
      await reconcileCluster(later, cluster);
      const ended = await requestOf(context, "r-one");
      expect(ended.lease?.state).toBe("ended");
      expect(await outside.given(engineer)).toEqual(before);
      // Wherever it died, what was revoked is remembered: the old record gives nothing.
      records.set("r-one", { ...active, version: ended.version + 1 });
      await reconcileCluster(later, cluster, "inspect");
      expect((await requestOf(context, "r-one")).lease?.end?.cause).toBe("replayed");
      expect(await outside.given(engineer)).toEqual(before);
      if (!play.first) expect(await outside.all()).toBe(empty);
      if (!giving.isDead() && !taking.isDead()) break;
      diedAt = diesAt;
    }
    expect(diedAt).toBeGreaterThan(1);
    await outside.edit(engineer, null);
  },
);
