import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { account, arns, clusterArn, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { unreviewedEmergency } from "../../../src/access/emergency.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { rescueLevel } from "../../../src/access/request.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openEks } from "../../../src/worker/open-eks.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { anApprovedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { aStatus } from "../../kubernetes/api-server.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import {
  approve,
  ask,
  bound,
  dyingBefore,
  give,
  later,
  modesConfig,
  type Outside,
  outsideEntries,
  outsideOf,
  requestOf,
  revokeGiven,
  revokeOnly,
} from "./both-ways.ts";
import { entriesOf } from "./entries-of.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;
const id = "r-one";
let records: Map<string, AccessRequest>;
let context: WorkerContext;
let cluster: Cluster;

function use(name: string, drift: "report" | "repair" = "repair", edit = (text: string) => text): void {
  const config = modesConfig((text) => edit(text.replaceAll("    channel:", `    drift: ${drift}\n    channel:`)));
  records = new Map();
  context = { ...side().context(memoryLedger(records)), config };
  cluster = clusterIn(config, name);
}

/** Tags of the EKS cluster, as its owner sees them. */
async function tagsOf(of: Cluster): Promise<Readonly<Record<string, string>>> {
  const { account } = side().sandbox.aws;
  const { arn } = account.addRole({ name: `owner-${crypto.randomUUID()}`, allow: ["eks:*"] });
  return (await openEks(account.sessionFor(arn, "owner"), of)).description.tags;
}

async function setTags(of: Cluster, wanted: Readonly<Record<string, string>>): Promise<void> {
  const entries = entriesOf(side().sandbox, of);
  const present = Object.keys(await tagsOf(of));
  if (present.length > 0) await entries.untagCluster(present);
  if (Object.keys(wanted).length > 0) await entries.tagCluster(wanted);
}

/** An attacker with Redis puts an old record in the place of today's. */
async function restoreOld(old: AccessRequest): Promise<void> {
  const { version } = await requestOf(context, id);
  records.set(id, { ...old, version: version + 1 });
  await reconcileCluster(context, cluster);
  await reconcileCluster(context, cluster, "inspect");
}

async function eventsOf(type: string) {
  return (await context.ledger.eventsOf(id, 100)).map(({ event }) => event).filter((event) => event.type === type);
}

async function expectRefused(outside: Outside, state: "failed" | "ended"): Promise<void> {
  expect(await outside.given(engineer)).toBeNull();
  expect((await requestOf(context, id)).lease).toMatchObject({ state, end: { cause: "replayed" } });
  expect(await eventsOf("lease.replayed")).toHaveLength(1);
}

/** However a cluster takes leases, what was revoked stays so, although the old record comes back into Redis. */
describe.each([
  { way: "aws-auth", name: clusterName },
  { way: "access-entry", name: "analytics" },
] as const)("by $way, a record of before gives nothing:", ({ way, name }) => {
  let outside: Outside;

  beforeEach(async () => {
    use(name);
    side().sandbox.faults.clear();
    outside = outsideOf(way, side(), cluster);
    if (way === "access-entry") await setTags(cluster, { team: "platform" });
    if (way === "access-entry") await outside.edit(engineer, null);
    else await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth } }));
  });

  test("one that was approved, and is not written yet", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await reconcileCluster(context, cluster);
    await revokeGiven(context, cluster, id);

    await restoreOld(approved);

    await expectRefused(outside, "failed");
    expect((await requestOf(context, id)).lease?.failure?.message).toContain("This is an old copy of the request");
  });

  test.each(["report", "repair"] as const)("one that was active; drift: %s", async (drift) => {
    use(name, drift);
    const active = await give(context, cluster, { id });
    await revokeGiven(context, cluster, id);

    await restoreOld(active);

    await expectRefused(outside, "ended");
  });

  test("one that was taken back before anything was written", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await revokeGiven(context, cluster, id);

    await restoreOld(approved);

    await expectRefused(outside, "failed");
  });

  test.each([
    ["a void approval", 0],
    ["a void approval whose time was over", 400],
  ])(
    "one that was taken back before anything was written, although only %s was left in its record then",
    async (_, seconds) => {
      // The other tests ask with the same id, before the time of this one.
      onTestFinished(() => side().sandbox.cluster.editAwsAuth((map) => ({ ...map, metadata: { annotations: {} } })));
      await ask(context, cluster, { id, durationSeconds: 300 });
      await approve(context, cluster, id);
      const { approvals } = await requestOf(context, id);
      await outside.edit(engineer, ["readers"]);
      await reconcileCluster(context, cluster);
      await outside.edit(engineer, null);
      context = later(context, seconds);
      await previewCluster(context, cluster);
      await approve(context, cluster, id);
      const approved = await requestOf(context, id);
      await revokeOnly(context, id);
      records.set(id, { ...(await requestOf(context, id)), approvals });
      await reconcileCluster(context, cluster);

      await restoreOld(approved);

      await expectRefused(outside, "failed");
    },
  );

  test.each(["approved", "active"] as const)(
    "one that was %s, although only an earlier approval was left in its record when it ended",
    async (state) => {
      await ask(context, cluster, { id });
      await approve(context, cluster, id);
      const { approvals } = await requestOf(context, id);
      await outside.edit(engineer, ["readers"]);
      await reconcileCluster(context, cluster);
      await outside.edit(engineer, null);
      await previewCluster(context, cluster);
      await approve(context, cluster, id);
      const approved = await requestOf(context, id);
      await reconcileCluster(context, cluster);
      const active = await requestOf(context, id);
      expect(active.lease?.state).toBe("active");
      await revokeOnly(context, id);
      records.set(id, { ...(await requestOf(context, id)), approvals });
      await reconcileCluster(context, cluster);

      await restoreOld(state === "active" ? active : approved);

      await expectRefused(outside, state === "active" ? "ended" : "failed");
    },
  );

  test("one whose approval had come to nothing, when the entry is as it was before", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await outside.edit(engineer, ["readers"]);
    await reconcileCluster(context, cluster);
    expect((await requestOf(context, id)).state).toBe("pending");
    await outside.edit(engineer, null);

    await restoreOld(approved);

    await expectRefused(outside, "failed");
  });

  test("one whose approval had come to nothing, and that is reported although the clock of the worker that reported it was behind", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await outside.edit(engineer, ["readers"]);
    await reconcileCluster({ ...context, now: () => new Date(Date.now() - 10_000) }, cluster);
    await outside.edit(engineer, null);

    await restoreOld(approved);

    await expectRefused(outside, "failed");
  });

  test("one whose approval had come to nothing, without its seals and made later", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await outside.edit(engineer, ["readers"]);
    await reconcileCluster(context, cluster);
    await outside.edit(engineer, null);
    const approvals = approved.approvals.map((each) => ({ ...each, seal: "" }));

    await restoreOld({ ...approved, approvals, createdAt: new Date(Date.now() + 3_600_000).toISOString() });

    await expectRefused(outside, "failed");
  });

  test("the only one that is left after Redis was lost", async () => {
    const active = await give(context, cluster, { id });
    await revokeGiven(context, cluster, id);
    records = new Map([[id, active]]);
    context = { ...context, ledger: memoryLedger(records) };

    await adoptCluster(context, cluster);
    await reconcileCluster(context, cluster, "inspect");

    await expectRefused(outside, "ended");
  });

  test("and of one whose approval had come to nothing no one is accused where only the process had died", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    await outside.edit(engineer, ["readers"]);
    await reconcileCluster(dyingBefore("approval.void", context), cluster);
    await outside.edit(engineer, null);

    await reconcileCluster(context, cluster, "adopt");

    expect(await requestOf(context, id)).toMatchObject({ state: "pending", lease: null });
    expect(await outside.given(engineer)).toBeNull();
    expect(await eventsOf("lease.replayed")).toEqual([]);
    expect((await requestOf(context, id)).voided?.message).toBe("it did not count before");
  });

  test("and a new approval of the same request counts", async () => {
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    await outside.edit(engineer, ["readers"]);
    await reconcileCluster(context, cluster);
    await outside.edit(engineer, null);

    await previewCluster(context, cluster);
    await approve(context, cluster, id);
    await reconcileCluster(context, cluster);

    expect((await requestOf(context, id)).lease?.state).toBe("active");
    await revokeGiven(context, cluster, id);
  });
});

describe("what a cluster remembers in its tags", () => {
  let outside: Outside;
  const key = `eks-access/withdrawn/${id}`;

  beforeEach(async () => {
    use("analytics");
    side().sandbox.faults.clear();
    outside = outsideEntries(side().sandbox, cluster);
    await setTags(cluster, { team: "platform" });
    await outside.edit(engineer, null);
  });

  test("says for people until when, and leaves the tags of others alone", async () => {
    const { lease } = await give(context, cluster, { id });
    await revokeGiven(context, cluster, id);

    const { [key]: text, ...others } = await tagsOf(cluster);
    expect(text).toContain(`until ${lease?.endsAt}`);
    expect(others).toEqual({ team: "platform" });
  });

  test("is nothing while leases are in force, and goes with the next look once their time would be over", async () => {
    await give(context, cluster, { id, durationSeconds: 60 });
    expect(await tagsOf(cluster)).toEqual({ team: "platform" });
    await revokeGiven(context, cluster, id);

    await reconcileCluster({ ...context, now: () => new Date(Date.now() + 61_000) }, cluster, "adopt");

    expect(await tagsOf(cluster)).toEqual({ team: "platform" });
  });

  test("is written before the access is removed", async () => {
    await give(context, cluster, { id });
    let known: Readonly<Record<string, string>> = {};
    const onStrike = async () => {
      known = await tagsOf(cluster);
    };
    side().sandbox.faults.plan("eks.DeleteAccessEntry", { type: "watch" }, { onStrike });

    await revokeGiven(context, cluster, id);

    expect(Object.keys(known)).toContain(key);
  });

  test("can't keep an access alive where EKS refuses it: it goes, and is reported not to be remembered", async () => {
    await give(context, cluster, { id });
    const refusal = { __type: "AccessDeniedException", message: "no" };
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    const { faults } = side().sandbox;
    faults.plan("eks.TagResource", { type: "answer", status: 403, headers, body: JSON.stringify(refusal) });

    await revokeGiven(context, cluster, id);

    expect(await outside.given(engineer)).toBeNull();
    expect((await requestOf(context, id)).lease).toMatchObject({ state: "ended", isForgotten: true });
    expect((await eventsOf("lease.ended"))[0]?.detail).toMatchObject({ remembered: false });
    expect(await tagsOf(cluster)).toEqual({ team: "platform" });
  });

  test("where others leave no tag: it goes, and is reported not to be remembered", async () => {
    await setTags(cluster, Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`others-${index}`, ""])));
    await give(context, cluster, { id });

    await revokeGiven(context, cluster, id);

    expect((await requestOf(context, id)).lease).toMatchObject({ state: "ended", isForgotten: true });
  });

  test("where others leave one tag: approvals as old are asked for again", async () => {
    await setTags(cluster, Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`others-${index}`, ""])));
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await reconcileCluster(context, cluster);
    expect((await revokeGiven(context, cluster, id)).lease?.isForgotten).toBe(false);

    await restoreOld(approved);

    expect(await outside.given(engineer)).toBeNull();
    expect(await requestOf(context, id)).toMatchObject({ state: "pending", lease: null });
    expect(await eventsOf("approval.void")).toHaveLength(1);
  });

  test("does not count if a person edited it: an event says so, and the tag is removed", async () => {
    await give(context, cluster, { id });
    const forged = "approved 2020-01-01T00:00:00.000Z until 2099-01-01T00:00:00.000Z 00000000.0000";
    await setTags(cluster, { team: "platform", [key]: forged });

    await reconcileCluster(context, cluster, "inspect");

    expect((await requestOf(context, id)).lease?.state).toBe("active");
    expect((await eventsOf("annotation.refused"))[0]?.detail.why).toContain(`the tag ${key} is not ours`);
    expect(await tagsOf(cluster)).toEqual({ team: "platform" });
  });

  test("is another cluster's where a person copied it from there", async () => {
    const checkout = clusterIn(context.config, "checkout");
    await give(context, cluster, { id });
    await revokeGiven(context, cluster, id);
    await setTags(checkout, await tagsOf(cluster));
    const there = outsideEntries(side().sandbox, checkout);

    cluster = checkout;
    records.clear();
    const given = await give(context, checkout, { id });

    expect(given.lease?.state).toBe("active");
    await revokeGiven(context, checkout, id);
    expect(await there.given(engineer)).toBeNull();
  });
});

describe("a cluster whose mode changes", () => {
  const switchTo = (authenticationMode: "CONFIG_MAP" | "API" | "API_AND_CONFIG_MAP") =>
    side().sandbox.aws.updateCluster(clusterArn(clusterName), { authenticationMode });

  test("still knows what was taken back while it went by aws-auth", async () => {
    use(clusterName);
    const active = await give(context, cluster, { id });
    await revokeGiven(context, cluster, id);
    switchTo("API");

    await restoreOld(active);

    await expectRefused(outsideEntries(side().sandbox, cluster), "ended");
    switchTo("CONFIG_MAP");
  });

  test("restores nothing if it can't know whether aws-auth remembers it", async () => {
    use(clusterName);
    const active = await give(context, cluster, { id });
    await revokeOnly(context, id);
    await reconcileCluster(context, cluster);
    switchTo("API");
    side().sandbox.faults.plan(
      "kubernetes.get-configmap",
      { type: "answer", status: 403, body: JSON.stringify(aStatus(403, "Forbidden", "")) },
      { times: 99 },
    );

    await restoreOld(active);

    expect(await outsideEntries(side().sandbox, cluster).given(engineer)).toBeNull();
    expect((await requestOf(context, id)).lease?.drift).not.toBeNull();
    side().sandbox.faults.clear();
    switchTo("CONFIG_MAP");
  });
});
const viewers = "eks-access:viewers";
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

test.each(["kept", "removed"])(
  "a revocation counts again, although aws-auth came back as it was before it, and then Redis; its record was %s",
  async (record) => {
    use(clusterName);
    const { cluster: apiServer } = side().sandbox;
    const outside = outsideOf("aws-auth", side(), cluster);
    await apiServer.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth } }));
    const active = await give(context, cluster, { id });
    const { data = {}, metadata } = apiServer.awsAuth() ?? {};
    const { annotations = {} } = metadata ?? {};
    await revokeGiven(context, cluster, id);
    await apiServer.editAwsAuth((map) => ({ ...map, data, metadata: { ...map.metadata, annotations } }));
    // Of a permanent lease, Redis keeps the id alone.
    const removed = { get: async () => null, isPermanentLeaseOver: async () => true };
    const { ledger } = context;
    await adoptCluster(record === "kept" ? context : { ...context, ledger: { ...ledger, ...removed } }, cluster);
    expect(await outside.given(engineer)).toBeNull();

    await restoreOld(active);

    await expectRefused(outside, "ended");
  },
);

test.each(["report", "repair"] as const)(
  "a revocation counts again, although its access entry came back as it was before it, and then Redis; drift: %s",
  async (drift) => {
    use("analytics", drift);
    const outside = outsideEntries(side().sandbox, cluster);
    const entries = entriesOf(side().sandbox, cluster);
    await setTags(cluster, { team: "platform" });
    const active = await give(context, cluster, { id });
    const entry = await entries.describe(engineer);
    if (!entry) throw new Error("there is no entry");
    await revokeGiven(context, cluster, id);
    await setTags(cluster, { team: "platform" });
    await entries.create(entry);
    await adoptCluster(context, cluster);
    expect(await outside.given(engineer)).toBeNull();

    await restoreOld(active);

    await expectRefused(outside, "ended");
  },
);

/** An attacker with Redis hides which way gave a lease while a run ends it, and puts the record of before back. */
describe.each([
  { way: "aws-auth", name: clusterName, edit: (text: string) => text, groups: ["ClusterRole view"] },
  { way: "access-entry", name: "analytics", edit: (text: string) => text, groups: ["ClusterRole view"] },
  { way: "binding", name: clusterName, edit: bound, groups: [viewers] },
] as const)("a revocation by $way counts, although its record was edited to be", ({ way, name, edit, groups }) => {
  const asRescue = { level: rescueLevel, emergency: unreviewedEmergency(new Date()) };

  test.each([
    ["of another way, and an approved one came back", { groups }, "approved"],
    ["of another way, and an active one came back", { groups }, "active"],
    ["a rescue, and an approved one came back", asRescue, "approved"],
    ["a rescue, and an active one came back", asRescue, "active"],
  ])("%s", async (_, edited, state) => {
    use(name, "repair", edit);
    const outside = outsideOf(way, side(), cluster);
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth }, metadata: {} }));
    if (way === "access-entry") await setTags(cluster, {});
    if (way !== "aws-auth") await outside.edit(engineer, null);
    await ask(context, cluster, { id });
    await approve(context, cluster, id);
    const approved = await requestOf(context, id);
    await reconcileCluster(context, cluster);
    const active = await requestOf(context, id);
    await revokeOnly(context, id);
    records.set(id, revise(await requestOf(context, id), edited));
    await reconcileCluster(context, cluster);
    expect(await outside.given(engineer)).toBeNull();

    await restoreOld(state === "active" ? active : approved);

    await expectRefused(outside, state === "active" ? "ended" : "failed");
  });
});

/** Alone, the way of the forged record finds nothing of it. */
test.each([
  ["aws-auth", (text: string) => text, [viewers], ["ClusterRole view"], "kubernetes.dry-run-configmap"],
  ["binding", bound, ["ClusterRole view"], [viewers], "kubernetes.delete-clusterrolebinding"],
] as const)(
  "no end by %s is announced while its removal fails, although its record was edited to be of another way",
  async (way, edit, access, groups, call) => {
    use(clusterName, "report", edit);
    const outside = outsideOf(way, side(), cluster);
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth }, metadata: {} }));
    if (way === "binding") await outside.edit(engineer, null);
    await give(context, cluster, { id });
    await revokeOnly(context, id);
    const revoked = await requestOf(context, id);
    const lease = revoked.lease && { ...revoked.lease, written: null };
    records.set(id, revise(revoked, { groups, lease }));
    const failing = side().sandbox.faults.plan(call, { type: "answer", status: 500, body: "{}" }, { times: 99 });

    await reconcileCluster(context, cluster);
    const [given, { lease: kept }] = [await outside.given(engineer), await requestOf(context, id)];
    failing.cancel();
    for (const seconds of [60, 120]) await reconcileCluster(later(context, seconds), cluster);

    expect([kept?.state, given]).toEqual(["active", access]);
    expect([(await requestOf(context, id)).lease?.state, await outside.given(engineer)]).toEqual(["ended", null]);
  },
);

test("a revocation counts again, although its access entry and the tag of an earlier void approval came back, and then Redis", async () => {
  use("analytics");
  const outside = outsideEntries(side().sandbox, cluster);
  const entries = entriesOf(side().sandbox, cluster);
  await setTags(cluster, {});
  await ask(context, cluster, { id });
  await approve(context, cluster, id);
  await outside.edit(engineer, ["readers"]);
  await reconcileCluster(context, cluster);
  const ofVoid = await tagsOf(cluster);
  expect(Object.values(ofVoid)).toEqual([expect.stringMatching("^void ")]);
  await outside.edit(engineer, null);
  await previewCluster(context, cluster);
  await approve(context, cluster, id);
  await reconcileCluster(context, cluster);
  const active = await requestOf(context, id);
  const entry = await entries.describe(engineer);
  if (!entry) throw new Error("there is no entry");
  await revokeGiven(context, cluster, id);
  await setTags(cluster, ofVoid);
  await entries.create(entry);
  await adoptCluster(context, cluster);

  await restoreOld(active);

  await expectRefused(outside, "ended");
});
