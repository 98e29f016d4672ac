import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName } from "../../sandbox/scene.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { reconcileCluster } from "../../src/worker/reconcile/reconcile.ts";
import { endWithoutLedger } from "../../src/worker/upkeep/end-without-ledger.ts";
import { clusterIn } from "../builders/a-cluster.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import {
  approve,
  ask,
  bound,
  give,
  later,
  modesConfig,
  type Outside,
  outsideOf,
  requestOf,
  revokeGiven,
} from "./reconcile/both-ways.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;
const groups = { viewers: "eks-access:viewers", admins: "eks-access:admins" };
const roles = { viewers: "ClusterRole view", admins: "ClusterRole edit in default" };
const ways = [
  { way: "aws-auth", name: clusterName, gives: groups },
  { way: "access-entry", name: "analytics", gives: groups },
  { way: "binding", name: clusterName, gives: roles },
] as const;

describe.each(ways)("without a ledger, by $way", ({ way, name, gives: { viewers, admins } }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;
  let before: string;

  const inMinutes = (minutes: number) => later(context, minutes * 60);
  /** A worker that has lost its ledger, so many minutes from now. */
  const alone = (minutes: number) => {
    const { ledger: _, queues: __, ...rest } = inMinutes(minutes);
    return endWithoutLedger(rest, cluster);
  };
  const recordedEnd = async (id: string) =>
    (await context.ledger.eventsOf(id, 100)).map(({ event }) => event).filter(({ type }) => type === "lease.ended");

  beforeEach(async () => {
    const config = modesConfig(way === "binding" ? bound : undefined);
    cluster = clusterIn(config, name);
    context = { ...side().context(memoryLedger()), config };
    outside = outsideOf(way, side(), cluster);
    await outside.edit(engineer, null);
    before = await outside.all();
  });

  test("only what is over ends, and its record gets the time when it was removed", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    const long = await give(context, cluster, { id: "r-two", level: "admin" });

    const early = await alone(1);
    const removed = await alone(6);

    expect(early).toMatchObject({ ended: [], left: [], failures: [] });
    expect(removed).toEqual({ ended: ["r-one"], left: [], failures: [], nextEnd: long.lease?.endsAt });
    expect(await outside.given(engineer)).toEqual([admins]);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");

    await reconcileCluster(inMinutes(30), cluster, "end");

    const { lease } = await requestOf(context, "r-one");
    const minutes = (Date.parse(lease?.endedAt ?? "") - Date.now()) / 60_000;
    expect(lease).toMatchObject({ state: "ended", end: null, endProof: { mapped: expect.anything() } });
    expect(minutes).toBeGreaterThan(4);
    expect(minutes).toBeLessThan(7);
    expect(await recordedEnd("r-one")).toMatchObject([{ detail: { withoutLedger: true, removedAt: lease?.endedAt } }]);
    expect((await requestOf(context, "r-two")).lease).toMatchObject({ state: "active", drift: null });
    await revokeGiven(context, cluster, "r-two");
    expect(await outside.all()).toBe(before);
  });

  test("two workers at once end each lease once, and a third finds nothing to do", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    await give(context, cluster, { id: "r-two", level: "admin", durationSeconds: 300 });

    const both = await Promise.all([alone(6), alone(6)]);
    const third = await alone(7);

    expect(both.flatMap(({ left }) => left)).toEqual([]);
    expect(third).toEqual({ ended: [], left: [], failures: [], nextEnd: null });
    expect(await outside.all()).toBe(before);
  });

  test("an extension that was approved in time begins afterwards, although the first lease is over", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    await ask(context, cluster, { id: "r-more", durationSeconds: 3600, extends: "r-one" });
    await approve(context, cluster, "r-more");

    await alone(6);
    expect(await outside.all()).toBe(before);
    await reconcileCluster(inMinutes(10), cluster);
    // EKS may still get calls about an entry that is gone.
    await reconcileCluster(inMinutes(20), cluster);

    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
    expect((await requestOf(context, "r-more")).lease).toMatchObject({ state: "active" });
    expect(await outside.given(engineer)).toEqual([viewers]);
  });

  test("what others took away stays away", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    await give(context, cluster, { id: "r-two", level: "admin" });
    await outside.edit(engineer, way === "binding" ? null : [viewers]);

    await alone(6);

    expect((await outside.given(engineer)) ?? []).not.toContain(admins);
  });
});
