import { expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { leasesAnnotation, writeAnnotation } from "../../../src/access/lease/annotation.ts";
import { sealPlace } from "../../../src/access/lease/holding.ts";
import { activeLease } from "../../../src/access/lease/lease.ts";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import { judgeRevoke } from "../../../src/access/lease/revoke.ts";
import { type Cluster, clusterArnOf, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { removeClosed } from "../../../src/worker/remove-closed.ts";
import { beginRescue } from "../../../src/worker/rescue/rescue.ts";
import { endRescues } from "../../../src/worker/rescue/rescue-lease.ts";
import { signInToCluster } from "../../../src/worker/sign-in/sign-in-cluster.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, revise } from "../../builders/a-request.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { aDirectScene, memoryOf } from "../../fault/direct-scene.ts";
import { arnOf, wishes } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";

test("of what is rebuilt from the cluster's own memory, a broken glass still wants its review", async () => {
  const { cluster, clock, context } = await aDirectScene(initialAwsAuth);
  const endsAt = new Date(clock.ms + 3_600_000).toISOString();
  const shares = [
    aShare({ id: "r-glass", endsAt, emergency: true, approvers: ["U0ENGINEER"] }),
    aShare({ id: "r-lease", endsAt }),
  ];
  const annotation = writeAnnotation(sealedClusterOf(cluster), [aHolding({ shares })], keys.memory) ?? "";
  const { client } = await context().openCluster(context(), cluster, []);
  const found = await client.readAwsAuth();
  if (!found) throw new Error("The scene has a document.");
  const after = { data: found.data, annotations: { [leasesAnnotation]: annotation } };
  await client.writeAwsAuth(found, after);
  const ledger = memoryLedger();

  await adoptCluster({ ...context(), ledger }, cluster);

  expect(await ledger.get("r-glass")).toMatchObject({
    emergency: { review: null, remindAt: new Date(clock.ms + 86_400_000).toISOString() },
    approvals: [{ verdict: "emergency", by: "U0ENGINEER" }],
  });
  expect((await ledger.get("r-lease"))?.emergency).toBeNull();
});

test("a lease that is over and comes back with a backup of aws-auth is removed again", async () => {
  const { aws, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const { client } = await context().openCluster(context(), cluster, []);
  const backup = await client.readAwsAuth();
  const leased = await ledger.get(wishes.long.id);
  if (!backup || !leased) throw new Error("The scene has a document and a lease.");
  const verdict = judgeRevoke(leased, cluster, { user: "U0APPROVER", memberships: [] }, "", new Date());
  if (verdict.type === "decided") await ledger.commit(aChange(verdict.after, "lease.ending"));
  await reconcileCluster(context(), cluster);
  expect(aws.awsAuth()?.data?.mapUsers).not.toContain("eks-access:admins");
  const today = await client.readAwsAuth();
  if (!today) throw new Error("The scene has a document.");
  await client.writeAwsAuth(today, { data: backup.data, annotations: backup.annotations });
  expect(aws.awsAuth()?.data?.mapUsers).toContain("eks-access:admins");

  await adoptCluster(context(), cluster);

  expect(aws.awsAuth()?.data?.mapUsers).not.toContain("eks-access:admins");
  expect(aws.awsAuth()?.data?.mapUsers).toContain("eks-access:viewers");
});

test("a lease that the ledger does not know, and whose removal the cluster refuses, is tried again five minutes later", async () => {
  const { aws, clock, cluster, context } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  clock.ms += 2 * 3_600_000;
  const later: object[] = [];
  const add = async (name: string, _: object, options: object) => void later.push({ name, ...options });
  const { queues, ...rest } = { ...context(), ledger: memoryLedger() };
  await rest.ledger.markAdopted(cluster.name);
  const worker = { ...rest, queues: Object.assign(queues, { clusters: { ...queues.clusters, add } }) };
  const refusing: typeof worker.openCluster = async (...of) => {
    const opened = await worker.openCluster(...of);
    const writeAwsAuth = async () => {
      throw new AccessError("cluster-refused-write", "The cluster refused it");
    };
    return { ...opened, client: { ...opened.client, writeAwsAuth } };
  };

  await adoptCluster({ ...worker, openCluster: refusing }, cluster);
  await adoptCluster({ ...worker, openCluster: refusing }, cluster);

  expect(aws.awsAuth()?.data?.mapUsers).toContain("eks-access:admins");
  expect(later).toEqual([{ name: "adopt", delay: 300_000 }]);

  await adoptCluster(worker, cluster);

  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("a lease whose record was removed gives nothing any more, neither by a backup of aws-auth nor by a record that is written back", async () => {
  const { aws, clock, cluster, context, ledger, records } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const { client } = await context().openCluster(context(), cluster, []);
  const backup = await client.readAwsAuth();
  const leased = await ledger.get(wishes.long.id);
  if (!backup || !leased) throw new Error("The scene has a document and a lease.");
  const verdict = judgeRevoke(leased, cluster, { user: "U0APPROVER", memberships: [] }, "", new Date(clock.ms));
  if (verdict.type === "decided") await ledger.commit(aChange(verdict.after, "lease.ending"));
  await reconcileCluster(context(), cluster);
  clock.ms += 3_600_000;
  await reconcileCluster(context(), cluster);
  clock.ms += 100 * 86_400_000;
  for (const { id, version } of records.values())
    await ledger.markShown(id, { version, message: null, copies: [], direct: null, milestones: [] });
  await removeClosed(context());
  expect([...records.keys()]).toEqual([wishes.undecided.id]);

  const today = await client.readAwsAuth();
  if (!today) throw new Error("The scene has a document.");
  await client.writeAwsAuth(today, { data: backup.data, annotations: backup.annotations });
  await adoptCluster(context(), cluster);
  const afterBackup = aws.awsAuth()?.data;
  records.set(leased.id, leased);
  await reconcileCluster(context(), cluster, "inspect");

  expect(afterBackup).toEqual(initialAwsAuth);
  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
  expect((await ledger.get(leased.id))?.lease?.state).toBe("ended");
});

test("a permanent lease that was revoked gives nothing by a backup of aws-auth, also after its record was removed", async () => {
  const { aws, clock, cluster, context, ledger, records } = await aDirectScene(initialAwsAuth);
  const principal = arnOf("engineer");
  const change = { id: "r-permanent", cluster: cluster.name, principal, durationSeconds: permanentSeconds } as const;
  const endsAt = new Date(clock.ms + permanentSeconds * 1000).toISOString();
  const end = { cause: "revoked", by: "U0APPROVER", at: new Date(clock.ms).toISOString(), why: "" } as const;
  const revoked = aLeasedRequest({ state: "ended", end, endsAt, endedAt: end.at }, { ...change, version: 1 });
  records.clear();
  await ledger.commit(aChange(revoked));
  await ledger.markShown(revoked.id, { version: 1, message: null, copies: [], direct: null, milestones: [] });
  clock.ms += 100 * 86_400_000;
  await removeClosed(context());
  expect(await ledger.get(revoked.id)).toBeNull();

  const shares = [aShare({ id: revoked.id, endsAt })];
  const annotation =
    writeAnnotation(sealedClusterOf(cluster), [aHolding({ arn: principal, shares })], keys.memory) ?? "";
  const mapUsers = `- userarn: ${principal}\n  username: engineer\n  groups: [eks-access:viewers]\n`;
  const backup = { data: { ...initialAwsAuth, mapUsers }, annotations: { [leasesAnnotation]: annotation } };
  const { client } = await context().openCluster(context(), cluster, []);
  const today = await client.readAwsAuth();
  if (!today) throw new Error("The scene has a document.");
  await client.writeAwsAuth(today, backup);
  const { recovered } = await adoptCluster(context(), cluster);

  expect(recovered).toEqual([]);
  expect(aws.awsAuth()?.data?.mapUsers ?? "").not.toContain("eks-access:viewers");
  const list = [expect.objectContaining({ id: revoked.id, endsAt })];
  expect(memoryOf(aws, cluster)).toMatchObject({ holdings: [], withdrawals: { list } });
  expect(await ledger.get(revoked.id)).toBeNull();
});

test("a lease that a person removed from the ledger's lists ends by the cluster's own memory", async () => {
  const { aws, clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const unlisted = { ...context(), ledger: { ...ledger, leasedOf: async () => [] } };
  await adoptCluster(unlisted, cluster);
  expect(aws.awsAuth()?.data?.mapUsers).toContain("eks-access:admins");

  clock.ms += 2 * 3_600_000;
  await adoptCluster(unlisted, cluster);

  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("concurrent runs record a forged annotation once, and again if it returns a minute later", async () => {
  const { clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const { client } = await context().openCluster(context(), cluster, []);
  const forge = async () => {
    const today = (await client.readAwsAuth()) ?? expect.fail();
    const text = JSON.stringify({ v: 1, held: [], gone: [], before: null, seal: "00000000.00" });
    await client.writeAwsAuth(today, { data: today.data, annotations: { [leasesAnnotation]: text } });
  };
  const recorded = async () =>
    (await ledger.events(1, 1000)).filter(({ event }) => event.type === "annotation.refused").length;

  await forge();
  await reconcileCluster(context(), cluster, "inspect");
  await forge();
  await Promise.all([1, 2].map(() => reconcileCluster(context(), cluster, "inspect")));
  expect(await recorded()).toBe(1);

  clock.ms += 61_000;
  await forge();
  await reconcileCluster(context(), cluster, "inspect");
  expect(await recorded()).toBe(2);
});

test("what a restored Redis lost of a request is recorded although the request changes at that moment", async () => {
  const { aws, clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  const { id, principal } = wishes.undecided;
  const shares = [aShare({ id, endsAt: new Date(clock.ms + 3_600_000).toISOString() })];
  const annotation =
    writeAnnotation(sealedClusterOf(cluster), [aHolding({ arn: principal, shares })], keys.memory) ?? "";
  const mapUsers = `- userarn: ${principal}\n  username: colleague\n  groups: [eks-access:viewers]\n`;
  const { client } = await context().openCluster(context(), cluster, []);
  const today = (await client.readAwsAuth()) ?? expect.fail();
  const given = { data: { ...initialAwsAuth, mapUsers }, annotations: { [leasesAnnotation]: annotation } };
  await client.writeAwsAuth(today, given);
  let changes = 0;
  // As another look at the cluster does, between the run's reading and its record.
  const eventsOf: Ledger["eventsOf"] = async (...about) => {
    const found = await ledger.eventsOf(...about);
    const request = (await ledger.get(id)) ?? expect.fail();
    if (changes++ === 0) await ledger.commit(aChange(revise(request, {}), "request.previewed"));
    return found;
  };

  await adoptCluster({ ...context(), ledger: { ...ledger, eventsOf } }, cluster);

  expect(JSON.stringify(memoryOf(aws, cluster))).not.toContain(id);
  const types = (await ledger.eventsOf(id, 100)).map(({ event }) => event.type);
  expect(types.filter((type) => type === "record.undone")).toHaveLength(1);
});

test("a forged annotation is recorded once although a run stands still after it read it", async () => {
  const { clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const { client } = await context().openCluster(context(), cluster, []);
  const today = (await client.readAwsAuth()) ?? expect.fail();
  const forged = JSON.stringify({ v: 1, held: [], gone: [], before: null, seal: "00000000.00" });
  await client.writeAwsAuth(today, { data: today.data, annotations: { [leasesAnnotation]: forged } });
  const inspect = (eventsOf: Ledger["eventsOf"]) =>
    reconcileCluster({ ...context(), ledger: { ...ledger, eventsOf } }, cluster, "inspect");
  let readings = 0;
  await inspect((id, most) => {
    if (readings++ > 0) throw new Error("it ends before its write");
    return ledger.eventsOf(id, most);
  });
  expect((await client.readAwsAuth())?.annotations[leasesAnnotation]).toBe(forged);

  await inspect((id, most) => {
    clock.ms += 125_000;
    return ledger.eventsOf(id, most);
  });

  const types = (await ledger.events(1, 1000)).map(({ event }) => event.type);
  expect(types.filter((type) => type === "annotation.refused")).toHaveLength(1);
});

test("a forged annotation is recorded although its lease's record changes at that moment", async () => {
  const { cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const { client } = await context().openCluster(context(), cluster, []);
  const today = (await client.readAwsAuth()) ?? expect.fail();
  const forged = JSON.stringify({ v: 1, held: [], gone: [], before: null, seal: "00000000.00" });
  await client.writeAwsAuth(today, { data: today.data, annotations: { [leasesAnnotation]: forged } });
  let changes = 0;
  // As a sign-in or a person does, between the run's reading and its record.
  const eventsOf: Ledger["eventsOf"] = async (id, most) => {
    const request = (await ledger.get(id)) ?? expect.fail();
    if (changes++ === 0) await ledger.commit(aChange(revise(request, {}), "lease.signed-in"));
    return ledger.eventsOf(id, most);
  };

  await reconcileCluster({ ...context(), ledger: { ...ledger, eventsOf } }, cluster, "inspect");

  const types = (await ledger.events(1, 1000)).map(({ event }) => event.type);
  expect(types.filter((type) => type === "annotation.refused")).toHaveLength(1);
});

const sealedFor = (cluster: Cluster) => writeAnnotation(sealedClusterOf(cluster), [aHolding()], keys.memory) ?? "";

test.each([
  [
    "that somebody made up",
    JSON.stringify({ v: 1, held: [], gone: [], before: null, seal: "00000000.00" }),
    /lacks its key 0{8}$/,
  ],
  ["of another cluster", sealedFor(aCluster({ name: "production" })), /^its seal is not ours for this cluster$/],
  [
    "of the cluster that had its name before, in another account",
    sealedFor(aCluster({ account: "444455556666" })),
    /ours/,
  ],
])("an annotation %s, in a cluster without leases, is recorded once, and taken out", async (_, text, why) => {
  const { aws, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  for (const { id } of Object.values(wishes)) {
    const request = await ledger.get(id);
    if (request)
      await ledger.commit(aChange(revise(request, { state: "cancelled", lease: null }), "request.cancelled"));
  }
  const { client } = await context().openCluster(context(), cluster, []);
  const today = await client.readAwsAuth();
  if (!today) throw new Error("The scene has a document.");
  await client.writeAwsAuth(today, { data: today.data, annotations: { [leasesAnnotation]: text } });

  await adoptCluster(context(), cluster);
  await adoptCluster(context(), cluster);

  const events = (await ledger.events(1, 100)).map(({ event }) => event);
  expect(events.filter(({ type }) => type === "annotation.refused")).toMatchObject([
    { actor: "worker", cluster: cluster.name, detail: { why: expect.stringMatching(why) } },
  ]);
  expect(memoryOf(aws, cluster)).toEqual({ type: "absent" });
  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("a lease does not end in another cluster that got its cluster's name, and ends once the name is right again", async () => {
  const { aws, clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const given = aws.awsAuth()?.data;
  const moved = { ...cluster, account: "444455556666" };
  clock.ms += 3_600_000;

  await reconcileCluster(context(), moved, "end");
  const untouched = aws.awsAuth()?.data;
  const waiting = await ledger.get(wishes.long.id);
  const trouble = (await ledger.clusterTroubles([cluster.name])).get(cluster.name);
  clock.ms += 60_000;
  await reconcileCluster(context(), cluster, "end");

  expect(untouched).toEqual(given);
  expect(waiting?.lease?.state).toBe("active");
  expect(trouble).toMatchObject({ code: "cluster-mismatch" });
  expect(trouble?.message).toContain(`belongs to ${clusterArnOf(cluster)}`);
  expect((await ledger.get(wishes.long.id))?.lease?.state).toBe("ended");
  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});

const elsewhere = "444455556666";

test("a write that began before its cluster's name went to another cluster is completed in its own", async () => {
  const { aws, clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(["late"]), cluster);
  clock.ms += 600_000;

  await reconcileCluster(context(), { ...cluster, account: elsewhere });
  const untouched = aws.awsAuth()?.data;
  const waiting = await ledger.get(wishes.long.id);
  aws.deliver();
  clock.ms += 600_000;
  await reconcileCluster(context(), cluster);

  expect(untouched).toEqual(initialAwsAuth);
  expect(waiting).toMatchObject({ lease: { state: "scheduled" }, trouble: { code: "cluster-mismatch" } });
  expect((await ledger.get(wishes.long.id))?.lease?.state).toBe("active");
});

test("another cluster that got the name answers nothing about a lease's rights", async () => {
  const { clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  await reconcileCluster(context(), cluster);
  const active = (await ledger.get(wishes.long.id)) ?? expect.fail();
  const { lease } = active;
  if (!lease?.proof) throw new Error("The scene has an active lease.");
  const proof = { ...lease.proof, authorized: { result: "not tested", detail: "no answer" } as const };
  const reviewTrouble = aTrouble({ retryAt: new Date(clock.ms).toISOString() });
  await ledger.commit(aChange(revise(active, { lease: { ...lease, proof, reviewTrouble } })));
  clock.ms += 60_000;

  await signInToCluster(context(), { ...cluster, account: elsewhere });

  expect((await ledger.get(wishes.long.id))?.lease).toMatchObject({
    proof: { authorized: { result: "not tested" } },
    reviewTrouble: { code: "cluster-mismatch" },
  });
});

test("a rescue is not over because another cluster that got the name has no entry of it", async () => {
  const { clock, cluster, context, ledger } = await aDirectScene(initialAwsAuth);
  const who = { principalArn: arnOf("engineer"), by: "U0ONCALL", as: arnOf("engineer"), good: null, keeps: false };
  const order = { ...who, cluster, durationSeconds: 60, reason: "locked out" };
  const begun = beginRescue(order, "r-rescue", context(), 3_600);
  const at = new Date(clock.ms).toISOString();
  const place = sealPlace(cluster, begun, keys.memory);
  await ledger.commit(
    aChange({ ...begun, lease: activeLease(begun.lease, { writeBegan: at, place, activeSince: at }) }),
  );
  clock.ms += 3_600_000;
  const opened: string[] = [];
  const openRescuer = async ({ account }: Cluster) => {
    opened.push(account);
    throw new AccessError("cluster-not-found", "EKS has no such cluster");
  };

  await endRescues({ ...context(), openRescuer }, { ...cluster, account: elsewhere });

  expect(opened).toEqual([]);
  expect(await ledger.get("r-rescue")).toMatchObject({
    lease: { state: "active" },
    trouble: { code: "cluster-mismatch" },
  });
});
