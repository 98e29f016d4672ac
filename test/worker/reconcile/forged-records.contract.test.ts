import { beforeEach, describe, expect, test } from "vitest";
import { account, arns, clusterName } from "../../../sandbox/scene.ts";
import { unreviewedEmergency } from "../../../src/access/emergency.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { rescueLevel } from "../../../src/access/request.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { anApprovedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { give, later, modesConfig, type Outside, outsideOf, requestOf, revokeGiven } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const viewers = "eks-access:viewers";
const { engineer } = arns;
const endsAt = "2076-01-01T00:00:00Z";
const foreigner = `arn:aws:iam::${account.replace(/^./, "9")}:user/intruder`;

/** An attacker with Redis who also has the cluster's own memory stripped gains nothing: both ways, with drift: repair. */
describe.each([
  {
    way: "aws-auth" as const,
    name: clusterName,
    level: "viewer",
    given: [viewers],
    more: ["system:masters"],
    full: "masters",
    theirs: ["system:masters"],
  },
  {
    way: "access-entry" as const,
    name: "analytics",
    level: "peek",
    given: ["policy AmazonEKSViewPolicy in default"],
    more: ["policy AmazonEKSClusterAdminPolicy"],
    full: "admin",
    theirs: ["eks-access:admins"],
  },
])("by $way, a record that was edited in Redis", ({ way, name, level, given, more, full, theirs }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;

  const inMinutes = (minutes: number) => later(context, minutes * 60);

  const forge = async (change: (request: AccessRequest) => Partial<AccessRequest>) => {
    const request = await requestOf(context, "r-one");
    await context.ledger.commit(aChange(revise(request, change(request))));
  };

  beforeEach(async () => {
    const config = modesConfig((text) => text.replaceAll("    channel:", "    drift: repair\n    channel:"));
    cluster = clusterIn(config, name);
    context = { ...side().context(memoryLedger()), config };
    outside = outsideOf(way, side(), cluster);
    await outside.edit(engineer, null);
  });

  test("is restored if no one edited it, even without the cluster's memory of it", async () => {
    await give(context, cluster, { id: "r-one", level });
    await outside.edit(engineer, null);
    await outside.forget(engineer);

    await reconcileCluster(context, cluster, "inspect");

    expect(await outside.given(engineer)).toEqual(given);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", drift: null });
  });

  test.each(["the entry", "the memory of it", "both"])("gives no other groups where %s is gone", async (gone) => {
    await give(context, cluster, { id: "r-one", level });
    if (gone !== "the memory of it") await outside.edit(engineer, null);
    if (gone !== "the entry") await outside.forget(engineer);
    await forge(() => ({ groups: more }));

    await reconcileCluster(context, cluster, "inspect");

    const now = await outside.given(engineer);
    expect([null, given]).toContainEqual(now);
  });

  test("with other groups is reported, and the approved groups are not restored", async () => {
    await give(context, cluster, { id: "r-one", level });
    await outside.edit(engineer, null);
    await outside.forget(engineer);
    await forge(() => ({ groups: more }));

    await reconcileCluster(context, cluster, "inspect");

    const { lease } = await requestOf(context, "r-one");
    expect(lease?.drift?.message).toContain("the worker does not restore it: what the level gives has changed");
  });

  test("gives another principal nothing, of a foreign account neither", async () => {
    await give(context, cluster, { id: "r-one", level });
    await outside.edit(engineer, null);
    await outside.forget(engineer);
    await forge(() => ({ principal: foreigner }));

    await reconcileCluster(context, cluster, "inspect");

    expect(await outside.given(foreigner)).toBeNull();
    expect((await requestOf(context, "r-one")).lease?.drift?.message).toContain("the worker does not restore it:");
  });

  test("lengthens no lease, also where the cluster's memory of it is stripped", async () => {
    await give(context, cluster, { id: "r-one", level, durationSeconds: 300 });
    await outside.forget(engineer);
    await forge(({ lease }) => ({
      durationSeconds: 28_800,
      lease: lease && { ...lease, endsAt },
    }));

    await reconcileCluster(inMinutes(6), cluster, "inspect");

    expect(await outside.given(engineer)).toBeNull();
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  });

  test("to be a rescue ends at the next look, by the end that the cluster remembers", async () => {
    await give(context, cluster, { id: "r-one", level, durationSeconds: 300 });
    await forge(() => ({ level: rescueLevel, emergency: unreviewedEmergency(context.now()) }));

    await reconcileCluster(inMinutes(6), cluster, "inspect");

    expect(await outside.given(engineer)).toBeNull();
  });

  test("from before its end takes nothing that others gave since", async () => {
    const active = await give(context, cluster, { id: "r-one", level: full, durationSeconds: 300 });
    await reconcileCluster(inMinutes(6), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
    await outside.edit(engineer, theirs);
    await forge(() => active);

    await reconcileCluster(inMinutes(6), cluster);

    expect(await outside.given(engineer)).toEqual(theirs);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  });

  test.each(["", `arn:aws:iam::${account}:user/../${"y".repeat(65)}`, "__proto__"])(
    "with the principal %j delays no other's end",
    async (principal) => {
      await give(context, cluster, { id: "r-one", level });
      const approved = anApprovedRequest({ cluster: cluster.name, groups: [principal] });
      for (const id of ["r-two", `r-${principal}`])
        await context.ledger.commit(aChange({ ...approved, id, principal, requester: principal, version: 1 }));

      const ended = await revokeGiven(context, cluster, "r-one");

      expect(ended.lease).toMatchObject({ state: "ended" });
      expect(await outside.given(engineer)).toBeNull();
    },
  );

  test.each([
    ["garbage", 3600],
    ["+275760-09-13T00:00:00.000Z", 3600],
    [new Date().toISOString(), 1e300],
  ])("approved at %j for %d s delays no other's end", async (at, durationSeconds) => {
    await give(context, cluster, { id: "r-one", level });
    const approved = anApprovedRequest({ cluster: cluster.name, principal: engineer, durationSeconds });
    const approvals = approved.approvals.map((each) => ({ ...each, at }));
    await context.ledger.commit(aChange({ ...approved, approvals, id: "r-two", version: 1 }));

    const ended = await revokeGiven(context, cluster, "r-one");

    expect(ended.lease).toMatchObject({ state: "ended" });
    expect(await outside.given(engineer)).toBeNull();
  });

  test("to be of another cluster delays no end there", async () => {
    const elsewhere = clusterIn(context.config, "checkout");
    const moved = await give(context, elsewhere, { id: "r-two", level: "viewer" });
    await give(context, cluster, { id: "r-one", level });
    await context.ledger.commit(aChange(revise(moved, { cluster: cluster.name })));

    const ended = await revokeGiven(context, cluster, "r-one");

    expect(ended.lease).toMatchObject({ state: "ended" });
    expect(await outside.given(engineer)).toBeNull();
  });

  test("to be a longer lease of someone else keeps nothing beyond the end that the cluster remembers", async () => {
    await give(context, cluster, { id: "r-three", level, durationSeconds: 300 });
    const request = await requestOf(context, "r-three");
    const longer = {
      principal: arns.onCall,
      durationSeconds: 1e9,
      lease: request.lease && { ...request.lease, endsAt },
    };
    await context.ledger.commit(aChange(revise(request, longer)));

    await adoptCluster(inMinutes(6), cluster);

    expect(await outside.given(engineer)).toBeNull();
  });

  test.each(["with", "without"])(
    "to be someone else's, %s what it wrote, ends by a revocation where the cluster remembers it",
    async (kept) => {
      await give(context, cluster, { id: "r-one", level });
      await forge(({ lease }) => ({
        principal: arns.onCall,
        lease: kept === "with" ? lease : lease && { ...lease, written: null },
      }));

      const { lease } = await revokeGiven(context, cluster, "r-one");

      expect(lease?.state).toBe("ended");
      expect(await outside.given(engineer)).toBeNull();
    },
  );

  test("to be someone else's is not called ended while its own access can't be removed", async () => {
    await give(context, cluster, { id: "r-one", level });
    await forge(() => ({ principal: arns.onCall }));
    const call = way === "aws-auth" ? "kubernetes.dry-run-configmap" : "eks.DeleteAccessEntry";
    const refusal = side().sandbox.faults.plan(call, { type: "answer", status: 500, body: "{}" }, { times: 20 });

    const { lease } = await revokeGiven(context, cluster, "r-one");
    refusal.cancel();

    expect([lease?.state, await outside.given(engineer)]).toEqual(["active", given]);
  });

  test("that claims what others gave takes nothing of it", async () => {
    await outside.edit(engineer, theirs);
    await give(context, cluster, { id: "r-one", level, durationSeconds: 300 });
    await outside.forget(engineer);
    await forge(({ lease }) => ({
      groups: theirs,
      lease: lease && { ...lease, written: lease.written && { ...lease.written, entryAdded: true, added: theirs } },
    }));

    await reconcileCluster(inMinutes(6), cluster);

    expect(await outside.given(engineer)).toEqual(expect.arrayContaining(theirs));
  });
});
