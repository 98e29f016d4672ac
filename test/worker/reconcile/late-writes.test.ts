import { expect, test, vi } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { judgeRevoke } from "../../../src/access/lease/revoke.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { rolesSeen } from "../../../src/worker/reconcile/review-questions.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { directBindings, rules } from "../../fault/direct-bindings.ts";
import { directCluster, type Outcome } from "../../fault/direct-cluster.ts";
import { directEntries } from "../../fault/direct-entries.ts";
import { aDirectScene, annotationsOf, memoryOf } from "../../fault/direct-scene.ts";
import { fillLedger, sceneConfig, wishes } from "../../fault/reconcile-scene.ts";
import { silentContext } from "../../fault/silent-context.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { bound } from "./both-ways.ts";

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
  expect(request?.trouble?.message).toContain("deletes aws-auth of staging");
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

/** A call that gives a lease is on its way, and its record is the one from before. Then the lease is revoked. */
async function revokedBesideLateCall(way: "binding" | "access-entry") {
  const clock = { ms: Date.now() };
  const records = new Map<string, AccessRequest>();
  const ledger = memoryLedger(records);
  let newestRun = "";
  const beginRun: Ledger["beginRun"] = async (place) => {
    newestRun = await ledger.beginRun(place);
    return newestRun;
  };
  const { config, cluster } = sceneConfig({}, way === "binding" ? bound : (text) => text);
  const mapUsers = `- userarn: ${wishes.long.principal}\n  username: engineer\n  groups: []\n`;
  const bindings = directBindings(clock, directCluster({ ...initialAwsAuth, mapUsers }), () => newestRun);
  const eks = directEntries(clock);
  const roles = await rolesSeen(
    { roleRules: async () => rules },
    cluster.levels.flatMap(({ groups }) => groups),
  );
  const baseOf = ({ groups }: AccessRequest) =>
    way === "binding"
      ? { username: "engineer", groups: groups.map((text) => `${text} ${roles.get(text)?.digest ?? ""}`).sort() }
      : null;
  await fillLedger(ledger, cluster, new Date(clock.ms), way, baseOf);
  const before = new Map(structuredClone([...records]));
  const process = { point: async () => {} };
  const network = { ...process, join: (act: () => Promise<void>) => void act() };
  const looks: number[] = [];
  const run = async (outcomes: readonly Outcome[] = [], isLook = false) => {
    const openCluster = (way === "binding" ? bindings : eks).openFor(process, network, outcomes);
    const now = () => new Date(clock.ms);
    const silent = silentContext({ ...ledger, beginRun });
    const context = { ...silent, config, keys, now, pause: process.point, openCluster };
    vi.spyOn(silent.queues.clusters, "add").mockImplementation(async (_, job, { delay = 0 } = {}) => {
      if (job.type === "adopt") looks.push(delay);
      return {} as never;
    });
    await (isLook ? adoptCluster(context, cluster) : reconcileCluster(context, cluster));
    return ledger.get(wishes.long.id);
  };
  await run(["late", "late"]);
  clock.ms += 1_000;
  for (const { id } of [wishes.short, wishes.long]) {
    const record = before.get(id);
    if (!record || !records.get(id)?.lease?.writeBegan) throw new Error(`A call for ${id} is on its way.`);
    records.set(id, record);
    const revoked = judgeRevoke(record, cluster, { user: "U0APPROVER", memberships: [] }, "", new Date(clock.ms));
    if (revoked.type === "decided") await ledger.commit(aChange(revoked.after, "lease.ending"));
  }
  const given = () =>
    way === "binding" ? bindings.all().length : (eks.entryOf(wishes.long.principal)?.groups.length ?? 0);
  const pass = (ms: number) => {
    for (const each of [bindings, eks]) each.passTo(clock.ms + ms);
    clock.ms += ms;
  };
  return { run, given, pass, looks };
}

test.each(["binding", "access-entry"] as const)(
  "a call by %s that arrives after its lease is over by an old record is found by looks when no call can come any more",
  async (way) => {
    const { run, given, pass, looks } = await revokedBesideLateCall(way);

    expect((await run())?.lease?.state).toBe("failed");
    expect(looks).toEqual([91_000, 421_000]);
    pass(way === "binding" ? 91_000 : 421_000);
    expect(given()).toBeGreaterThan(0);
    await run([], true);

    expect(given()).toBe(0);
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
      if (revoked?.type === "decided") await ledger.commit(aChange(revoked.after, "lease.ending"));
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
