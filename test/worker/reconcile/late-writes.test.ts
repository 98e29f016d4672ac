import { expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { judgeRevoke } from "../../../src/access/lease/revoke.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { aChange } from "../../builders/an-event.ts";
import { aDirectScene, annotationsOf, memoryOf } from "../../fault/direct-scene.ts";
import { wishes } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";

test("a ConfigMap that is made too late, when the leases are over, has nothing in it", async () => {
  const { ledger, cluster, aws, clock, context } = await aDirectScene(null);
  await reconcileCluster(context(["late"]), cluster);
  clock.ms += 2 * 3_600_000;
  await reconcileCluster(context(), cluster);

  aws.deliver();

  expect((await ledger.get(wishes.short.id))?.lease?.state).toBe("failed");
  expect(aws.awsAuth()?.data ?? {}).toEqual({});
});

test("leases in a cluster without a ConfigMap are written into one that was made empty before", async () => {
  const { ledger, cluster, aws, context } = await aDirectScene(null);

  await reconcileCluster(context(), cluster);

  expect((await ledger.get(wishes.short.id))?.lease?.state).toBe("active");
  expect(aws.awsAuth()?.data?.mapUsers).toContain(wishes.short.principal);
});

test("a ConfigMap that a person deletes each time is made a few times, and then the leases wait", async () => {
  const { ledger, cluster, aws, context } = await aDirectScene(null);
  let made = 0;
  aws.onChange((configMap) => {
    if (!configMap) return;
    made += 1;
    aws.remove();
  });

  await reconcileCluster(context(), cluster);
  const request = await ledger.get(wishes.short.id);

  expect(made).toBe(5);
  expect(request?.lease?.state).toBe("scheduled");
  expect(request?.trouble?.message).toContain("keeps deleting aws-auth of staging");
});

test.each(["the record of the write", "an old record, from before the write"])(
  "a write that arrives when its lease is over is refused, and the fence that does it leaves nothing behind: %s",
  async (record) => {
    const { records, ledger, cluster, aws, clock, context } = await aDirectScene(initialAwsAuth);
    const before = new Map(records);
    await reconcileCluster(context(["late"]), cluster);
    if (record.startsWith("an old")) for (const [id, old] of before) records.set(id, structuredClone(old));
    clock.ms += 2 * 3_600_000;
    await reconcileCluster(context(), cluster);

    aws.deliver();

    expect((await ledger.get(wishes.long.id))?.lease?.state).toBe("failed");
    expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(annotationsOf(aws)).toEqual({});
  },
);

test("the next look completes a fence with only its first write, even if nothing is due", async () => {
  const { cluster, aws, context } = await aDirectScene(initialAwsAuth);
  const { client } = await context().openCluster({ ...context() }, cluster, []);
  const found = await client.readAwsAuth();
  if (!found) throw new Error("The scene has a document.");
  const half = { data: found.data, annotations: { "eks-access/fence": found.resourceVersion } };
  await client.writeAwsAuth(found, half);
  const { ledger: _, ...rest } = context();

  await adoptCluster({ ...rest, ledger: memoryLedger() }, cluster);

  expect(annotationsOf(aws)).toEqual({});
  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test.each(["report", "repair"] as const)(
  "what another run removes between the records and the document does not pass for drift: %s",
  async (drift) => {
    const { ledger, cluster, aws, context } = await aDirectScene(initialAwsAuth, drift);
    await reconcileCluster(context(), cluster);
    let isFirst = true;
    const point = async (label: string) => {
      if (label !== "GET" || !isFirst) return;
      isFirst = false;
      const active = await ledger.get(wishes.long.id);
      const revoked = active && judgeRevoke(active, cluster, { user: "U0APPROVER", memberships: [] }, "", new Date());
      if (revoked?.type === "ended") await ledger.commit(aChange(revoked.after, "lease.ending"));
      await reconcileCluster(context(), cluster);
    };

    await reconcileCluster(context([], { point }), cluster, "inspect");

    expect((await ledger.get(wishes.long.id))?.lease).toMatchObject({ state: "ended", drift: null });
    expect(aws.awsAuth()?.data?.mapUsers).not.toContain("eks-access:admins");
    expect(memoryOf(aws, cluster)).toMatchObject({
      holdings: [{ shares: [{ id: wishes.short.id }] }],
      withdrawals: { list: [{ id: wishes.long.id }] },
    });
    expect((await ledger.get(wishes.short.id))?.lease?.state).toBe("active");
  },
);
