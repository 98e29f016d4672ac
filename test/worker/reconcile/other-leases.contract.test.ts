import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName } from "../../../sandbox/scene.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import {
  approve,
  ask,
  dyingBefore,
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
const viewers = "eks-access:viewers";
const { engineer } = arns;

/** What an approver was shown is what is written, whichever way the cluster takes it (law 4). */
describe.each([
  { way: "aws-auth", name: clusterName },
  { way: "access-entry", name: "analytics" },
] as const)("by $way", ({ way, name }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;

  const inMinutes = (minutes: number) => later(context, minutes * 60);
  const typesOf = async (id: string) => (await context.ledger.eventsOf(id, 100)).map(({ event }) => event.type);

  beforeEach(async () => {
    const config = modesConfig();
    cluster = clusterIn(config, name);
    context = { ...side().context(memoryLedger()), config };
    outside = outsideOf(way, side(), cluster);
    await outside.edit(engineer, null);
  });

  test("the preview names the other leases of the principal", async () => {
    const one = await give(context, cluster, { id: "r-one" });

    const two = await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });

    expect(two.preview).toMatchObject({
      diff: "",
      leases: [{ id: "r-one", groups: [viewers], endsAt: one.lease?.endsAt }],
    });
  });

  test("an extension that waits is closed when its lease is revoked", async () => {
    await give(context, cluster, { id: "r-one" });
    await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });

    await revokeGiven(context, cluster, "r-one");

    expect(await requestOf(context, "r-two")).toMatchObject({ state: "refused", refusal: { code: "lease-over" } });
    expect((await typesOf("r-two")).at(-1)).toBe("request.refused");
  });

  test("an extension that waits is closed when the time of its lease is over", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });

    await reconcileCluster(inMinutes(6), cluster);

    expect(await requestOf(context, "r-two")).toMatchObject({ state: "refused", refusal: { code: "lease-over" } });
  });

  test("an approved extension gives nothing once its lease is revoked", async () => {
    await give(context, cluster, { id: "r-one" });
    await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });
    await approve(context, cluster, "r-two");
    await revokeOnly(context, "r-one");

    await reconcileCluster(context, cluster);

    expect(await outside.given(engineer)).toBeNull();
    expect(await requestOf(context, "r-two")).toMatchObject({ state: "refused", lease: null });
  });

  test("an approval is void where another lease of the principal was revoked since", async () => {
    await give(context, cluster, { id: "r-one" });
    await ask(context, cluster, { id: "r-two", level: "admin" });
    await approve(context, cluster, "r-two");
    await revokeOnly(context, "r-one");

    await reconcileCluster(context, cluster);

    expect(await outside.given(engineer)).toBeNull();
    expect(await requestOf(context, "r-two")).toMatchObject({
      state: "pending",
      lease: null,
      voided: { message: expect.stringContaining("the principal's other leases changed") },
    });
  });

  test("of two that were approved without a look at each other, the second is asked again", async () => {
    await ask(context, cluster, { id: "r-one" });
    await ask(context, cluster, { id: "r-two", level: "admin" });
    await approve(context, cluster, "r-one");
    await approve(context, cluster, "r-two");

    await reconcileCluster(context, cluster);
    await previewCluster(context, cluster);

    expect(await outside.given(engineer)).toEqual([viewers]);
    expect(await requestOf(context, "r-one")).toMatchObject({ lease: { state: "active" } });
    expect(await requestOf(context, "r-two")).toMatchObject({
      state: "pending",
      preview: { leases: [{ id: "r-one" }] },
    });
  });

  test("a waiting request gets another look when another lease of the principal begins", async () => {
    const before = await ask(context, cluster, { id: "r-two", level: "admin" });

    await give(context, cluster, { id: "r-one" });
    await previewCluster(context, cluster);

    const after = await requestOf(context, "r-two");
    expect(after.preview?.leases).toMatchObject([{ id: "r-one" }]);
    expect(after.preview?.digest).not.toBe(before.preview?.digest);
    expect(await typesOf("r-two")).toEqual([
      "request.created",
      "request.previewed",
      "preview.outdated",
      "request.previewed",
    ]);
  });

  test("while the end of another lease is delayed, the preview that names it stays", async () => {
    await give(context, cluster, { id: "r-one" });
    await revokeOnly(context, "r-one");
    const two = await ask(context, cluster, { id: "r-two", level: "admin" });
    const call = way === "aws-auth" ? "kubernetes.dry-run-configmap" : "eks.DeleteAccessEntry";
    const refusal = side().sandbox.faults.plan(call, { type: "answer", status: 500, body: "{}" }, { times: 20 });

    await reconcileCluster(context, cluster, "end");
    await refusal.struck;
    refusal.cancel();

    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
    expect(two.preview?.leases).toMatchObject([{ id: "r-one" }]);
    expect(two.preview?.warnings).toContain('Ending, and still in "After": r-one.');
    expect(await requestOf(context, "r-two")).toEqual(two);

    await reconcileCluster(inMinutes(10), cluster, "end");
    await previewCluster(inMinutes(10), cluster);

    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
    expect((await requestOf(context, "r-two")).preview?.leases).toEqual([]);
  });

  test("an end that the approver saw coming voids nothing", async () => {
    await give(context, cluster, { id: "r-one", durationSeconds: 300 });
    await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });
    await approve(context, cluster, "r-two");

    await reconcileCluster(inMinutes(6), cluster);

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended" });
    expect(await requestOf(context, "r-two")).toMatchObject({ state: "approved", lease: { state: "active" } });
    expect(await outside.given(engineer)).toEqual([viewers]);
  });

  test("an approval is void where a person removed what another lease gives, as the approver saw it", async () => {
    await give(context, cluster, { id: "r-one" });
    await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });
    await approve(context, cluster, "r-two");
    await outside.edit(engineer, null);

    await reconcileCluster(context, cluster);

    expect(await outside.given(engineer)).toBeNull();
    expect(await requestOf(context, "r-two")).toMatchObject({ state: "pending", lease: null });
  });

  test("a lease that was written by a run that died is not removed because another one ended since", async () => {
    await give(context, cluster, { id: "r-one" });
    await ask(context, cluster, { id: "r-two", level: "admin" });
    await approve(context, cluster, "r-two");
    await reconcileCluster(dyingBefore("lease.active", context), cluster);
    await revokeOnly(context, "r-one");

    await reconcileCluster(context, cluster);

    expect(await requestOf(context, "r-two")).toMatchObject({ state: "approved", lease: { state: "active" } });
  });
});
