import { expect, onTestFinished, test } from "vitest";
import { arns, clusterName } from "../../../sandbox/scene.ts";
import { readKept, writeRescueTags } from "../../../src/access/lease/kept-documents.ts";
import { clusterArnOf, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import { memoryKeys } from "../../../src/access/seal.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { keysOfMemory, sealingClusters } from "../../../src/worker/upkeep/seal-clusters.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { aSecret, keys as ours } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { bound, give, modesConfig, outsideOf, requestOf, revokeGiven } from "../reconcile/both-ways.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer, onCall } = arns;
const [next, older] = [aSecret("next: memory"), aSecret("ours: memory")];

test.each([
  ["aws-auth", clusterName],
  ["access-entry", "checkout"],
  ["access-entry", "analytics"],
] as const)(
  "a lease by %s on %s, and the memory of a revoked one, outlive a rotation of the memory key",
  async (way, name) => {
    const config = modesConfig();
    const cluster = clusterIn(config, name);
    const context = { ...side().context(memoryLedger()), config };
    const withKeys = (memory: typeof ours.memory) => ({ ...context, keys: { ...ours, memory } });
    const rotated = withKeys(memoryKeys([next, older]));
    const alone = withKeys(memoryKeys([next]));
    const outside = outsideOf(way, side(), cluster);
    await give(context, cluster, { id: "r-quiet" });
    await give(context, cluster, { id: "r-gone", principal: onCall });
    await revokeGiven(context, cluster, "r-gone");
    const given = await outside.given(engineer);

    const needed = await keysOfMemory(rotated, cluster);
    const sealing = sealingClusters(
      () => ({ ...rotated, config: { ...config, clusters: new Map([[name, cluster]]) } }),
      [null],
    );
    const written = [await sealing.others(), await sealing.others()];
    const again = sealing.record(await requestOf(context, "r-quiet"));
    await context.ledger.commit(aChange(revise(again, {})));

    expect(needed).toEqual(new Set(ours.memory.ids));
    expect(written).toEqual([1, 0]);
    expect(await keysOfMemory(rotated, cluster)).toEqual(new Set());
    expect(await outside.given(engineer)).toEqual(given);
    // Only the record says now what to remove.
    await outside.forget(engineer);
    const ended = await revokeGiven(alone, cluster, "r-quiet");
    expect([ended.lease?.state, await outside.given(engineer)]).toEqual(["ended", null]);
    const events = await context.ledger.eventsOf("r-quiet", 100);
    expect(events.map(({ event }) => event.type)).not.toContain("annotation.refused");
  },
);

test("a lease by bindings keeps its key until it ends: its record does not move on without it, and then nothing needs the key", async () => {
  const config = modesConfig(bound);
  const cluster = clusterIn(config, clusterName);
  const context = { ...side().context(memoryLedger()), config };
  const rotated = { ...context, keys: { ...ours, memory: memoryKeys([next, older]) } };
  const only = { ...config, clusters: new Map([[clusterName, cluster]]) };
  const outside = outsideOf("binding", side(), cluster);
  await outside.edit(engineer, null);
  await give(context, cluster, { id: "r-bound" });
  const given = await outside.given(engineer);

  const sealing = sealingClusters(() => ({ ...rotated, config: only }), [null]);
  await sealing.others();
  const record = await requestOf(context, "r-bound");

  expect(await keysOfMemory(rotated, cluster)).toEqual(new Set(ours.memory.ids));
  expect(sealing.record(record)).toEqual(record);
  expect([await outside.given(engineer), given === null]).toEqual([given, false]);
  await revokeGiven(rotated, cluster, "r-bound");
  expect([await outside.given(engineer), await keysOfMemory(rotated, cluster)]).toEqual([null, new Set()]);
});

test.each([
  ["is under the newest key", true],
  ["keeps its key while aws-auth is broken", false],
])("the last good document that a cluster keeps for a rescue %s", async (_, isWhole) => {
  const config = modesConfig();
  const cluster = clusterIn(config, clusterName);
  const context = { ...side().context(memoryLedger()), config };
  const rotated = { ...context, keys: { ...ours, memory: memoryKeys([next, older]) } };
  const only = { ...config, clusters: new Map([[clusterName, cluster]]) };
  await adoptCluster(context, cluster);
  const broken = { mapRoles: "\tbroken" };
  if (!isWhole) await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: broken }));

  const needed = await keysOfMemory(rotated, cluster);
  await sealingClusters(() => ({ ...rotated, config: only }), [null]).others();
  const texts = await side().asCreator(cluster, (client) => client.readKept());

  expect(needed).toEqual(new Set(ours.memory.ids));
  expect(await keysOfMemory(rotated, cluster)).toEqual(isWhole ? new Set() : needed);
  expect(readKept(sealedClusterOf(cluster), texts, "last", memoryKeys([next])) !== null).toBe(isWhole);
});

test("a rescue keeps its key until its end: a worker without it would find no lease in the tags, and leave the entry", async () => {
  const config = modesConfig();
  const cluster = clusterIn(config, "checkout");
  const context = { ...side().context(memoryLedger()), config };
  const rotated = { ...context, keys: { ...ours, memory: memoryKeys([next, older]) } };
  const { aws } = side().sandbox;
  const [clusterArn, principalArn] = [clusterArnOf(cluster), engineer];
  const restore = aws.keepClusters();
  onTestFinished(restore);
  const lease = { id: "r-rescue", by: "U0ONCALL", as: arns.worker, endsAt: "2030-01-01T00:00:00.000Z" };
  const tags = writeRescueTags(clusterArn, principalArn, lease, ours.memory);
  const entry = { principalArn, username: "eks-access-rescue:U0ONCALL", groups: [], policies: [], tags };

  aws.updateCluster(clusterArn, { accessEntries: [entry] });
  const needed = await keysOfMemory(rotated, cluster);
  restore();

  expect(needed).toEqual(new Set(ours.memory.ids));
  expect(await keysOfMemory(rotated, cluster)).toEqual(new Set());
});
