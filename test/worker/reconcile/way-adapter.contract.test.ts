import { Registry } from "prom-client";
import { beforeEach, describe, expect, test } from "vitest";
import { account, arns, clusterName } from "../../../sandbox/scene.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { createWorkerMetrics } from "../../../src/operations/metrics.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
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
  revokeOnly,
} from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;

const groups = { viewers: "eks-access:viewers", admins: "eks-access:admins" };
const roles = { viewers: "ClusterRole view", admins: "ClusterRole edit in default" };

const ways = [
  { way: "aws-auth", name: clusterName, gives: groups, conflictCode: "cluster-conflict" },
  { way: "access-entry", name: "analytics", gives: groups, conflictCode: "access-entry-conflict" },
  { way: "binding", name: clusterName, gives: roles, conflictCode: "cluster-conflict" },
] as const;

/** Each way in which a cluster takes a lease must do all of this. */
describe.each(ways)("by $way", ({ way, name, gives: { viewers, admins }, conflictCode }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;
  let before: string;

  const contextWith = (drift: "report" | "repair" = "report") => {
    const config = modesConfig((text) => {
      const drifting = text.replaceAll("    channel:", `    drift: ${drift}\n    channel:`);
      return way === "binding" ? bound(drifting) : drifting;
    });
    cluster = clusterIn(config, name);
    return { ...side().context(memoryLedger()), config };
  };

  const inMinutes = (minutes: number) => later(context, minutes * 60);

  /** A run during which a person acts when it has read what is there, once or each time. */
  const runBeside = async (act: () => Promise<void>, times: "once" | "each time") => {
    let isDone = false;
    const opens = outside.afterReading(engineer, async () => {
      if (isDone && times === "once") return;
      isDone = true;
      await act();
    });
    const metrics = createWorkerMetrics(new Registry());
    await reconcileCluster({ ...context, openCluster: opens, metrics, pause: async () => {} }, cluster);
    const [conflicts] = (await metrics.conflicts.get()).values;
    if (conflicts) expect(conflicts.labels).toEqual({ cluster: cluster.name, way });
    return { conflicts: conflicts?.value ?? 0 };
  };

  beforeEach(async () => {
    context = contextWith();
    outside = outsideOf(way, side(), cluster);
    await outside.edit(engineer, null);
    before = await outside.all();
  });

  test("a lease is given, proved, and removed without a trace", async () => {
    const given = await give(context, cluster, { id: "r-one" });

    expect(given.preview?.way).toBe(way);
    expect(given.lease).toMatchObject({ state: "active", proof: { mapped: { result: "yes" } } });
    expect(await outside.given(engineer)).toEqual([viewers]);
    const ended = await revokeGiven(context, cluster, "r-one");
    const signsInStill = way === "binding" ? { username: "engineer", groups: [] } : null;
    expect(ended.lease).toMatchObject({ state: "ended", remains: signsInStill });
    expect(await outside.all()).toBe(before);
  });

  test("of two leases that overlap, the end of one takes only its own part", async () => {
    await give(context, cluster, { id: "r-one" });
    await give(context, cluster, { id: "r-two", level: "admin" });
    expect(await outside.given(engineer)).toEqual([admins, viewers]);

    await revokeGiven(context, cluster, "r-two");
    expect(await outside.given(engineer)).toEqual([viewers]);
    await revokeGiven(context, cluster, "r-one");
    expect(await outside.all()).toBe(before);
  });

  test("an extension keeps what both give until both are over", async () => {
    await give(context, cluster, { id: "r-one" });
    await give(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });

    await revokeGiven(context, cluster, "r-one");
    expect(await outside.given(engineer)).toEqual([viewers]);
    await revokeGiven(context, cluster, "r-two");
    expect(await outside.all()).toBe(before);
  });

  test("a lease ends without a person when its time is over", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    await give(context, cluster, { id: "r-two", level: "admin" });

    await reconcileCluster(inMinutes(6), cluster);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", end: null });
    expect(await outside.given(engineer)).toEqual([admins]);
    await revokeGiven(context, cluster, "r-two");
    expect(await outside.all()).toBe(before);
  });

  test("a part that a person removed is reported, and left away", async () => {
    await give(context, cluster, { id: "r-one" });
    await outside.edit(engineer, null);

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift?.message).toMatch(/(?:is|are) gone/);
    expect(await outside.given(engineer)).toBeNull();
    await revokeGiven(context, cluster, "r-one");
    expect(await outside.all()).toBe(before);
  });

  test("the worker restores a removed part if the configuration says drift: repair", async () => {
    context = contextWith("repair");
    await give(context, cluster, { id: "r-one" });
    await outside.edit(engineer, null);

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();
    expect(await outside.given(engineer)).toEqual([viewers]);
    await revokeGiven(context, cluster, "r-one");
    expect((await outside.given(engineer)) ?? []).toEqual([]);
    await reconcileCluster(inMinutes(8), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
    expect(await outside.all()).toBe(before);
  });

  test("after the ledger was lost the cluster shows its leases, and their ends are kept", async () => {
    await give(context, cluster, { id: "r-one", askedBy: "U0ONCALL" });
    const fresh = { ...contextWith(), ledger: memoryLedger() };

    expect(await adoptCluster(fresh, cluster)).toEqual({ recovered: ["r-one"], ended: [] });
    expect(await requestOf(fresh, "r-one")).toMatchObject({
      requester: "U0ENGINEER",
      askedBy: "U0ONCALL",
      lease: { state: "active", written: { seal: expect.stringMatching(/./) } },
    });
    await revokeGiven(fresh, cluster, "r-one");
    expect(await outside.all()).toBe(before);
  });

  test("what was over while the ledger was lost is removed", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    const fresh = { ...inMinutes(6), ledger: memoryLedger() };

    expect(await adoptCluster(fresh, cluster)).toEqual({ recovered: [], ended: ["r-one"] });
    expect(await outside.all()).toBe(before);
  });

  test("a lease that was taken back before it was written is never given", async () => {
    await ask(context, cluster, { id: "r-one" });
    await approve(context, cluster, "r-one");
    await revokeOnly(context, "r-one");

    await reconcileCluster(context, cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
    expect(await outside.all()).toBe(before);
  });

  test("a failure for one principal delays no other", async () => {
    await ask(context, cluster, { id: "r-nobody", principal: `arn:aws:iam::${account}:user/nobody-there` });
    await approve(context, cluster, "r-nobody");
    const given = await give(context, cluster, { id: "r-one" });

    expect(given.lease?.state).toBe("active");
    await revokeGiven(context, cluster, "r-one");
    if (way !== "access-entry") await revokeGiven(context, cluster, "r-nobody");
    if (way === "access-entry") {
      expect((await requestOf(context, "r-nobody")).lease?.failure?.code).toBe("access-entry-refused");
    }
    expect(await outside.all()).toBe(before);
  });

  // A binding is an object of its own: no one else writes there what is theirs.
  if (way !== "binding") {
    describe("where others write into the same entry", () => {
      test("the preview of a role warns that two sessions can get one username, and the event of the lease says who gets in", async () => {
        const given = await give(context, cluster, { id: "r-one", principal: arns.developers });
        const events = (await context.ledger.events(1, 1000)).map(({ event }) => event);

        expect(given.preview?.warnings.join()).toContain("Shared username: {{SessionName}} turns @");
        expect(events.find(({ type }) => type === "lease.active")?.detail.admits).toBe(
          "everyone who can assume developers",
        );
      });
      test("what others gave stays, whatever they add meanwhile", async () => {
        await outside.edit(engineer, ["readers"]);
        await give(context, cluster, { id: "r-one" });
        expect(await outside.given(engineer)).toEqual([viewers, "readers"].toSorted());

        await outside.edit(engineer, ["readers", viewers, "writers"]);
        const ended = await revokeGiven(context, cluster, "r-one");
        expect(ended.lease?.remains?.groups).toEqual(["readers", "writers"]);
        expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
      });
      test("what is different from what was approved is not given", async () => {
        await ask(context, cluster, { id: "r-one" });
        await approve(context, cluster, "r-one");
        await outside.edit(engineer, ["readers"]);

        await reconcileCluster(context, cluster);
        expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
        expect(await outside.given(engineer)).toEqual(["readers"]);
      });
      test("another person's write between reading and writing is a conflict: everything is read again, and given", async () => {
        await outside.edit(engineer, ["readers"]);
        await ask(context, cluster, { id: "r-one" });
        await approve(context, cluster, "r-one");

        expect(await runBeside(() => outside.touch(engineer), "once")).toEqual({ conflicts: 1 });
        expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
        expect(await outside.given(engineer)).toEqual([viewers, "readers"].toSorted());
      });
      test("what a person gives between reading and writing is theirs, and nothing is given that was approved without it", async () => {
        await outside.edit(engineer, ["readers"]);
        await ask(context, cluster, { id: "r-one" });
        await approve(context, cluster, "r-one");

        const meanwhile = await runBeside(() => outside.edit(engineer, ["readers", "writers"]), "once");
        expect(meanwhile).toEqual({ conflicts: 1 });
        expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
        expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
      });
      test("what a person gives between reading and writing of an end stays", async () => {
        await outside.edit(engineer, ["readers"]);
        await give(context, cluster, { id: "r-one" });
        await revokeOnly(context, "r-one");

        const meanwhile = await runBeside(() => outside.edit(engineer, ["readers", viewers, "writers"]), "once");
        expect(meanwhile).toEqual({ conflicts: 1 });
        expect((await requestOf(context, "r-one")).lease?.remains?.groups).toEqual(["readers", "writers"]);
        expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
      });
      test("what a person makes where nothing stood when it was read is theirs", async () => {
        await ask(context, cluster, { id: "r-one" });
        await approve(context, cluster, "r-one");

        expect(await runBeside(() => outside.edit(engineer, ["writers"]), "once")).toEqual({ conflicts: 1 });
        expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
        expect(await outside.given(engineer)).toEqual(["writers"]);
      });
      test("where a person does not stop to write, the run does, and a later one gives it", async () => {
        await outside.edit(engineer, ["readers"]);
        await ask(context, cluster, { id: "r-one" });
        await approve(context, cluster, "r-one");

        expect(await runBeside(() => outside.touch(engineer), "each time")).toEqual({ conflicts: 4 });
        const postponed = await requestOf(context, "r-one");
        expect(postponed.lease?.state).toBe("scheduled");
        expect(postponed.trouble?.code).toBe(conflictCode);
        expect(await outside.given(engineer)).toEqual(["readers"]);
        await reconcileCluster(context, cluster, "inspect");
        expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      });
    });
  }
});
