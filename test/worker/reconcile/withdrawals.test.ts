import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { bytesOf } from "../../../src/access/lease/annotation.ts";
import { scheduleLease } from "../../../src/access/lease/lease.ts";
import { judgeRevoke } from "../../../src/access/lease/revoke.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { aLease, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { aDirectScene, memoryOf } from "../../fault/direct-scene.ts";
import { wishes } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";

type Scene = Awaited<ReturnType<typeof aDirectScene>>;

const { id } = wishes.long;
let scene: Scene;
beforeEach(async () => {
  scene = await aDirectScene(initialAwsAuth);
});

const look = ({ context, cluster }: Scene, reason?: "inspect") => reconcileCluster(context(), cluster, reason);

async function recordOf({ ledger }: Scene): Promise<AccessRequest> {
  const record = await ledger.get(id);
  if (!record) throw new Error(`The scene has a record ${id}.`);
  return record;
}

/** An approver revokes it, and a worker carries that out. */
async function revoked(scene: Scene): Promise<void> {
  const verdict = judgeRevoke(
    await recordOf(scene),
    scene.cluster,
    { user: "U0APPROVER", memberships: [] },
    "",
    new Date(),
  );
  if (verdict.type === "decided") await scene.ledger.commit(aChange(verdict.after, "lease.ending"));
  await look(scene);
}

/** An attacker with Redis puts an old record in the place of today's. */
async function restoreOld(scene: Scene, old: AccessRequest): Promise<void> {
  const { version } = await recordOf(scene);
  scene.records.set(id, { ...old, version: version + 1 });
  await look(scene);
  await look(scene, "inspect");
}

async function expectRefused(scene: Scene, state: "failed" | "ended"): Promise<void> {
  const { lease } = await recordOf(scene);
  const { mapUsers = "" } = scene.aws.awsAuth()?.data ?? {};
  const types = (await scene.ledger.eventsOf(id, 100)).map(({ event }) => event.type);

  expect(mapUsers).not.toContain("eks-access:admins");
  expect(lease).toMatchObject({ state, end: { cause: "replayed" } });
  expect(types.filter((type) => type === "lease.replayed")).toHaveLength(1);
}

describe("a revocation holds even if an earlier record returns to Redis", () => {
  test("and no one is accused where another run has ended it since the record was read", async () => {
    await look(scene);
    const active = await recordOf(scene);
    await revoked(scene);
    const { context, cluster, ledger } = scene;
    const lines: string[] = [];
    const log = pino({ level: "error" }, { write: (line: string) => lines.push(line) });
    if (active.state !== "approved") throw new Error("The look gives it.");
    const readings = [[active], [active]];
    const leasedOf = async (name: string) => readings.pop() ?? ledger.leasedOf(name);

    await reconcileCluster({ ...context(), log, ledger: { ...ledger, leasedOf } }, cluster, "inspect");

    expect(readings).toEqual([]);
    expect(lines).toEqual([]);
    expect((await recordOf(scene)).lease?.state).toBe("ended");
  });

  test("one whose approval was moved to a later time, and its lease made shorter by as much", async () => {
    const scene = await aDirectScene(initialAwsAuth, "repair");
    await look(scene);
    const active = await recordOf(scene);
    await revoked(scene);
    const approvals = active.approvals.map((each) => ({
      ...each,
      at: new Date(Date.parse(each.at) + 60_000).toISOString(),
    }));

    await restoreOld(scene, { ...active, approvals, durationSeconds: active.durationSeconds - 60 });

    await expectRefused(scene, "ended");
  });

  test("also where it was revoked before anything was written: the cluster remembers that alone", async () => {
    const approved = await recordOf(scene);
    const { [wishes.short.id]: _, ...others } = Object.fromEntries(scene.records);
    scene.records.clear();
    for (const [key, record] of Object.entries(others)) scene.records.set(key, record);
    await revoked(scene);
    expect(scene.aws.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(memoryOf(scene.aws, scene.cluster)).toMatchObject({ holdings: [], withdrawals: { list: [{ id }] } });

    await restoreOld(scene, approved);

    await expectRefused(scene, "failed");
  });

  test("also where there was no ConfigMap to remember it in", async () => {
    const scene = await aDirectScene(null);
    const approved = await recordOf(scene);
    await revoked(scene);

    await restoreOld(scene, approved);

    await expectRefused(scene, "failed");
  });

  test("also where the document could not be read when it was revoked", async () => {
    await look(scene);
    const active = await recordOf(scene);
    scene.aws.editMapUsers((mapUsers) => `${mapUsers}- userarn: [\n`);
    await revoked(scene);
    await restoreOld(scene, active);

    scene.aws.editMapUsers((mapUsers) => mapUsers.replace("- userarn: [\n", ""));
    scene.clock.ms += 30 * 60_000;
    await look(scene);

    await expectRefused(scene, "ended");
  });

  test("also where its approval had been made older while it was removed", async () => {
    const approved = await recordOf(scene);
    await look(scene);
    const active = await recordOf(scene);
    const approvals = active.approvals.map((each) => ({ ...each, at: "2020-01-01T00:00:00.000Z" }));
    scene.records.set(id, { ...active, version: active.version + 1, approvals });
    await look(scene);

    await restoreOld(scene, approved);

    await expectRefused(scene, "failed");
  });

  test("also after Redis was lost, and only the old record is there", async () => {
    const approved = await recordOf(scene);
    await look(scene);
    await revoked(scene);
    const records = new Map([[id, approved]]);
    const lost = { ...scene, records, ledger: memoryLedger(records) };
    const context = { ...scene.context(), ledger: lost.ledger };

    await adoptCluster(context, scene.cluster);
    await reconcileCluster(context, scene.cluster);

    await expectRefused(lost, "failed");
    expect((await lost.ledger.get(wishes.short.id))?.lease?.state).toBe("active");
  });
});

describe("an approval that never reached a cluster gives nothing if it returns after approvalGoodFor:", () => {
  const goodForSeconds = 600;
  /** Approvals may wait for ten minutes. */
  const impatient = (scene: Scene): Scene => {
    const { config, ...rest } = scene.context();
    const timing = { ...config.timing, approvalGoodForSeconds: goodForSeconds };
    return { ...scene, context: () => ({ ...rest, config: { ...config, timing } }) };
  };

  test.each<[string, (approved: AccessRequest) => Partial<AccessRequest>]>([
    ["a request that was cancelled", () => ({ state: "cancelled", approvals: [], lease: null })],
    ["a request that was denied", () => ({ state: "denied", approvals: [], lease: null })],
    ["one whose cluster was out of reach", ({ lease }) => ({ lease: lease && aLease(lease, { state: "failed" }) })],
  ])("%s", async (_, change) => {
    const approved = await recordOf(scene);
    await scene.ledger.commit(aChange(revise(approved, change(approved)), "request.cancelled"));
    scene.clock.ms += (goodForSeconds + 1) * 1_000;

    await restoreOld(impatient(scene), approved);

    expect(scene.aws.awsAuth()?.data?.mapUsers ?? "").not.toContain("eks-access:admins");
    expect(await recordOf(scene)).toMatchObject({ state: "pending", lease: null, approvals: [] });
    expect((await scene.ledger.eventsOf(id, 100)).map(({ event }) => event.type)).toContain("approval.void");
  });
});

test("a lease that came to its own end leaves nothing behind in the cluster's memory", async () => {
  await look(scene);
  scene.clock.ms += 2 * 3_600_000;
  await look(scene);

  expect(memoryOf(scene.aws, scene.cluster)).toEqual({ type: "absent" });
  expect(scene.aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("what was revoked is forgotten when its lease would have been over, with the next look", async () => {
  await look(scene);
  await revoked(scene);
  scene.clock.ms += 2 * 3_600_000;

  await look(scene);

  expect(memoryOf(scene.aws, scene.cluster)).toEqual({ type: "absent" });
});

test("a lease that was never approved, and says that it is active, is given nothing", async () => {
  const { approvals: _, ...rest } = await recordOf(scene);
  const scheduled = scheduleLease({ durationSeconds: 3_600, until: null }, new Date(scene.clock.ms));
  const lease = aLease(scheduled, { state: "active" });
  scene.records.set(id, revise({ ...rest, approvals: [] }, { lease }));

  await look(scene);
  await look(scene, "inspect");

  expect(scene.aws.awsAuth()?.data?.mapUsers).not.toContain("eks-access:admins");
});

/** Another person removes our annotations, or not, and leaves room for nothing more. */
async function fill({ context, cluster }: Scene, { keepOurs }: { readonly keepOurs: boolean }): Promise<void> {
  const { client } = await context().openCluster(context(), cluster, []);
  const found = await client.readAwsAuth();
  if (!found) throw new Error("The scene has a document.");
  const kept = keepOurs ? found.annotations : {};
  const filler = "x".repeat(256 * 1024 - "filler".length - bytesOf(kept));
  await client.writeAwsAuth(found, { data: found.data, annotations: { ...kept, filler } });
}

test("a document that can't be read remembers no revocation by a write that its dry run refuses", async () => {
  await look(scene);
  scene.aws.editMapUsers((mapUsers) => `${mapUsers}- userarn: [\n`);
  const point = async (call: string) => {
    if (call === "dry run") throw new Error("a webhook refuses it");
  };

  await revoked({ ...scene, context: () => scene.context([], { point }) });

  expect(memoryOf(scene.aws, scene.cluster)).toMatchObject({ withdrawals: { list: [] } });
});

test("what is revoked goes, although others have left no room in which to remember it", async () => {
  await look(scene);
  scene.clock.ms += 2 * 60_000;
  await look(scene);
  await fill(scene, { keepOurs: false });

  await revoked(scene);

  expect((await recordOf(scene)).lease?.state).toBe("ended");
  expect(scene.aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test.each([true, false])(
  "it goes also while another lease is in force whose memory fits no more, or just so: ours was left there: %s",
  async (keepOurs) => {
    await look(scene);
    await fill(scene, { keepOurs });

    await revoked(scene);

    const { mapUsers = "" } = scene.aws.awsAuth()?.data ?? {};
    const other = await scene.ledger.get(wishes.short.id);
    expect((await recordOf(scene)).lease?.state).toBe("ended");
    expect(mapUsers).not.toContain("eks-access:admins");
    expect(mapUsers).toContain("eks-access:viewers");
    expect(other?.lease?.state).toBe("active");
  },
);
