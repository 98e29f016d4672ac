import { Registry } from "prom-client";
import { beforeEach, describe, expect, test } from "vitest";
import { account, arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { takeEmergency } from "../../../src/access/emergency.ts";
import { bytesOf } from "../../../src/access/lease/annotation.ts";
import { endedLease } from "../../../src/access/lease/lease.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { createWorkerMetrics } from "../../../src/operations/metrics.ts";
import { troubleText } from "../../../src/slack/show/failure-words.ts";
import { stateText } from "../../../src/slack/show/words.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
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
  outsideDocument,
  outsideEntries,
  outsideOf,
  requestOf,
  revokeGiven,
  revokeOnly,
} from "./both-ways.ts";
import { entriesOf } from "./entries-of.ts";

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

  test("an emergency that a run wrote before it died, and that the policy does not allow now, is taken back and still reviewed", async () => {
    const breakGlass = { who: ["U0ENGINEER"], level: "admin", durationSeconds: 3600 };
    const lenient = { ...cluster, breakGlass };
    const level = cluster.levels.find((each) => each.name === "admin");
    const asked = await ask(context, cluster, { id: "r-one", level: "admin" });
    if (!level || asked.state !== "pending") throw new Error("The scene's cluster offers admin.");
    const person = { user: "U0ENGINEER", memberships: [] };
    const taken = takeEmergency(asked, lenient, level, person, keys.decision, context.now());
    await context.ledger.commit(aChange({ ...taken, version: asked.version + 1 }));
    await reconcileCluster(dyingBefore("lease.active", context), lenient);
    expect(await outside.given(engineer)).toEqual([admins]);

    // A call that creates a binding can still arrive when the first one looks.
    for (const minutes of [1, 5]) await reconcileCluster(inMinutes(minutes), cluster);

    expect(await outside.given(engineer)).toBe(null);
    expect(await requestOf(context, "r-one")).toMatchObject({
      lease: { state: "failed", failure: { code: "emergency-void" } },
      emergency: { review: null },
    });
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

  test("what others bring back after its end is removed, and the log has that it was there", async () => {
    const given = await give(context, cluster, { id: "r-one" });
    if (given.lease?.state !== "active") throw new Error("The lease was given.");
    const over = revise(given, { lease: endedLease(given.lease, context.now().toISOString(), {}) });
    await context.ledger.commit({ ...aChange(over, "lease.ended"), before: given });

    await adoptCluster(inMinutes(2), cluster);
    await adoptCluster(inMinutes(3), cluster);

    const events = (await context.ledger.eventsOf("r-one", 100)).map(({ event }) => event);
    const returned = events.filter(({ type }) => type === "lease.returned");
    expect(returned.map(({ detail }) => detail)).toEqual([{ principal: engineer, groups: given.groups }]);
    expect(await outside.given(engineer)).toBeNull();
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

  test("an approved extension gives nothing once its lease is revoked, also beside another lease with the same", async () => {
    await give(context, cluster, { id: "r-one" });
    await give(context, cluster, { id: "r-other" });
    await ask(context, cluster, { id: "r-two", durationSeconds: 7200, extends: "r-one" });
    await approve(context, cluster, "r-two");
    await revokeOnly(context, "r-one");

    await reconcileCluster(context, cluster);

    expect(await outside.given(engineer)).toEqual([viewers]);
    expect(await requestOf(context, "r-two")).toMatchObject({ state: "refused", lease: null });
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
const viewers = "eks-access:viewers";

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
const id = "r-one";
let context: WorkerContext;
let cluster: Cluster;
let outside: Outside;

/** A lease of a person with an entry, which is written by a run that dies before the record says so. */
async function writeAndDie(): Promise<void> {
  await outside.edit(engineer, ["readers"]);
  await ask(context, cluster, { id });
  await approve(context, cluster, id);
  await reconcileCluster(dyingBefore("lease.active", context), cluster);
}

function use(name: string): void {
  const config = modesConfig();
  context = { ...side().context(memoryLedger()), config };
  cluster = clusterIn(config, name);
}

/** What the channel's message says of it, without its times. */
async function said(): Promise<string> {
  const request = await requestOf(context, id);
  return `${stateText(request)}\n${troubleText(request)}`.replaceAll(/<!date[^>]*>/g, "at a time");
}

describe("by aws-auth, what was written by an approval that is void now", () => {
  const editSections = (change: (data: Readonly<Record<string, string>>) => Record<string, string>) =>
    side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: change(map.data ?? {}) }));
  const broken = "- userarn: [\n";
  const breakUsers = () =>
    editSections(({ mapUsers = "", ...others }) => ({ ...others, mapUsers: `${mapUsers}${broken}` }));
  const repairUsers = () =>
    editSections(({ mapUsers = "", ...others }) => ({ ...others, mapUsers: mapUsers.replace(broken, "") }));

  beforeEach(async () => {
    use(clusterName);
    outside = outsideDocument(side().sandbox);
    await editSections(() => ({ ...initialAwsAuth }));
    await writeAndDie();
  });

  test("stays on record while its section can't be read, and is removed when it can", async () => {
    await breakUsers();
    await reconcileCluster(context, cluster, "inspect");
    const waiting = await requestOf(context, id);
    const text = await said();
    await repairUsers();
    expect(await outside.given(engineer)).toEqual([viewers, "readers"]);
    await reconcileCluster(context, cluster, "inspect");

    expect(waiting).toMatchObject({ state: "approved", trouble: { code: "document-unchanged" } });
    expect(text).toMatchInlineSnapshot(`
      "Approved by <@U0APPROVER> at a time. *Approval stopped counting* at a time: I remove the access
      :warning: Tried 2 times; next try at a time.
      >The worker can't remove what it wrote to aws-auth: mapUsers, line 5: The authenticator can't read mapUsers, so no entry works: did not find expected node content. Correct it here or above. Until then, eks-access gives no access through aws-auth. Repair that; then the worker removes it."
    `);
    expect(await requestOf(context, id)).toMatchObject({ state: "pending", lease: null, trouble: null });
    expect(await outside.given(engineer)).toEqual(["readers"]);
  });

  test("is found by the hourly look where a person writes a backup of then back", async () => {
    const backup = side().sandbox.cluster.awsAuth() ?? expect.fail("there is no aws-auth");
    await outside.edit(engineer, [viewers, "readers", "writers"]);
    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, id)).state).toBe("pending");
    await side().sandbox.cluster.editAwsAuth(({ metadata }) => ({
      ...backup,
      metadata: { ...metadata, annotations: backup.metadata.annotations ?? {} },
    }));
    expect(await outside.given(engineer)).toEqual([viewers, "readers"]);

    await adoptCluster(context, cluster);

    expect(await outside.given(engineer)).toEqual(["readers"]);
  });

  test("is removed at once where only another section can't be read", async () => {
    await outside.edit(engineer, [viewers, "readers", "writers"]);
    await editSections((data) => ({ ...data, mapRoles: "- rolearn: [\n" }));
    await reconcileCluster(context, cluster, "inspect");

    expect(await requestOf(context, id)).toMatchObject({ state: "pending", lease: null });
    expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
  });
});

test("by access entries, the message of an approval that is void does not say that it is being applied", async () => {
  use("analytics");
  outside = outsideEntries(side().sandbox, cluster);
  await writeAndDie();
  await outside.edit(engineer, [viewers, "readers", "writers"]);
  const withoutAnswer: typeof openCluster = async (...args) => {
    const open = await openCluster(...args);
    const setGroups = () => Promise.reject(new AccessError("aws-unreachable", "AWS did not answer"));
    return { ...open, entries: open.entries && { ...open.entries, setGroups } };
  };

  await reconcileCluster({ ...context, openCluster: withoutAnswer }, cluster, "inspect");

  expect(await said()).toMatchInlineSnapshot(`
    "Approved by <@U0APPROVER> at a time. *Approval stopped counting* at a time: I remove the access
    :warning: Tried 2 times; next try at a time.
    >AWS did not answer. Check the network path."
  `);
});
const maxTags = 50;

/** Others take all the room in which the document could remember anything, and our own memory with it. */
async function fillAnnotations(): Promise<void> {
  await side().sandbox.cluster.editAwsAuth(({ metadata, ...map }) => {
    const filler = "x".repeat(256 * 1024 - bytesOf({ filler: "" }));
    return { ...map, metadata: { ...metadata, annotations: { filler } } };
  });
}

/** Others take every tag that EKS lets a cluster have. */
async function fillTags(cluster: Cluster): Promise<void> {
  const keys = Array.from({ length: maxTags }, (_, index) => `others-${index}`);
  await entriesOf(side().sandbox, cluster).tagCluster(Object.fromEntries(keys.map((key) => [key, ""])));
}

/** The cluster as a worker opens it for whom a person acts once, right before it reads what is there. @param mapRead at each look at aws-auth */
function beforeReading(act: () => Promise<void>, mapRead = () => {}): NonNullable<WorkerContext["openCluster"]> {
  let isDone = false;
  const actOnce = async () => {
    if (isDone) return;
    isDone = true;
    await act();
  };
  return async (context, about, purposes) => {
    const { client, entries, ...open } = await openCluster(context, about, purposes);
    const readAwsAuth = async () => {
      mapRead();
      await actOnce();
      return client.readAwsAuth();
    };
    const list = async () => {
      await actOnce();
      return entries?.list() ?? [];
    };
    return { ...open, client: { ...client, readAwsAuth }, entries: entries && { ...entries, list } };
  };
}

/**
 * The records are read before the cluster. What another run ends in between is gone from the cluster and in force in the
 * records: where the cluster can't remember that it was revoked, only their versions tell it from drift.
 */
describe.each([
  { way: "aws-auth", name: clusterName, mapsRead: 2 },
  // An operator has no right to read a document that its cluster does not.
  { way: "access-entry", name: "analytics", mapsRead: 0 },
] as const)("by $way, with drift: repair", ({ way, name, mapsRead }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;

  beforeEach(async () => {
    const config = modesConfig((text) => text.replaceAll("    channel:", "    drift: repair\n    channel:"));
    cluster = clusterIn(config, name);
    context = { ...side().context(memoryLedger()), config };
    outside = outsideOf(way, side(), cluster);
  });

  test("what another run removes between the readings of the ledger and the cluster is not restored, even if nothing can remember it", async () => {
    await give(context, cluster, { id });
    if (way === "aws-auth") await fillAnnotations();
    else await fillTags(cluster);
    let ended = await requestOf(context, id);
    let maps = 0;
    const opens = beforeReading(
      async () => {
        ended = await revokeGiven(context, cluster, id);
        expect(await outside.given(engineer)).toBeNull();
      },
      () => maps++,
    );

    await reconcileCluster({ ...context, openCluster: opens }, cluster, "inspect");

    expect(ended.lease).toMatchObject({ state: "ended", isForgotten: true });
    expect(await outside.given(engineer)).toBeNull();
    expect(await requestOf(context, id)).toEqual(ended);
    expect(maps).toBe(mapsRead);
  });
});
