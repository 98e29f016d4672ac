import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterArn, clusterName } from "../../../sandbox/scene.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { roleText } from "../../../src/access/policy/policy-text.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { adoptByTheClock, adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { endWithoutLedger } from "../../../src/worker/upkeep/end-without-ledger.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
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
  outsideDocument,
  requestOf,
  revokeOnly,
} from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer, onCall } = arns;
const viewers = "eks-access:viewers";
const byEntry = { principalArn: onCall, username: "by-entry", groups: ["readers"], policies: [] };
const refusals = [
  { what: "is denied", status: 403, name: "AccessDeniedException" },
  { what: "is throttled", status: 429, name: "ThrottlingException" },
  { what: "is down", status: 503, name: "ServiceUnavailableException" },
] as const;

let context: WorkerContext;
let cluster: Cluster;
let outside: Outside;

const setMode = (authenticationMode: "CONFIG_MAP" | "API_AND_CONFIG_MAP") =>
  side().sandbox.aws.updateCluster(clusterArn(clusterName), {
    authenticationMode,
    accessEntries: authenticationMode === "CONFIG_MAP" ? [] : [byEntry],
  });
const refuseLists = ({ status, name }: { status: number; name: string } = refusals[0]) =>
  side().sandbox.faults.plan(
    "eks.ListAccessEntries",
    { type: "answer", status, headers: { "x-amzn-errortype": name }, body: "{}" },
    { times: 100 },
  );
const refuseDocument = () =>
  side().sandbox.faults.plan("kubernetes.get-configmap", { type: "answer", status: 503, body: "{}" }, { times: 200 });
const bindings = () => side().asCreator(cluster, (client) => client.listLeaseBindings());
const boundRoles = async () => (await bindings()).map(({ role, namespace }) => roleText(role, namespace));
const leaseOf = async (id: string) => (await requestOf(context, id)).lease;
const entryGroups = () =>
  side()
    .sandbox.aws.cluster(clusterArn(clusterName))
    ?.accessEntries.find(({ principalArn }) => principalArn === onCall)?.groups;

beforeEach(async () => {
  const config = modesConfig((text) =>
    text.replace("groups: [eks-access:admins]", "bind: [{ clusterRole: edit, in: [default] }]"),
  );
  context = { ...side().context(memoryLedger()), config };
  cluster = clusterIn(config, clusterName);
  outside = outsideDocument(side().sandbox);
  setMode("API_AND_CONFIG_MAP");
  await outside.edit(engineer, ["readers"]);
});

async function giveAll(durationSeconds = 3600): Promise<void> {
  await give(context, cluster, { id: "r-map", durationSeconds });
  await give(context, cluster, { id: "r-bound", level: "admin", durationSeconds });
  await give(context, cluster, { id: "r-entry", principal: onCall, durationSeconds });
  const ways = await Promise.all(["r-map", "r-bound", "r-entry"].map(leaseOf));
  expect(ways.map((lease) => lease?.written?.way)).toEqual(["aws-auth", "binding", "access-entry"]);
}

/** An entry that no one sees can give the person a name of its own. */
const unknown = {
  mapped: { result: "not tested", detail: "the worker couldn't list the access entries" },
  authorized: { result: "not tested" },
};

describe.each(refusals)("while the list of access entries $what", (refusal) => {
  test("revoked leases by aws-auth and by bindings end, and the one by an entry when the list is back", async () => {
    await giveAll();
    refuseLists(refusal);
    for (const id of ["r-map", "r-bound", "r-entry"]) await revokeOnly(context, id);

    await reconcileCluster(context, cluster, "end");

    expect(await outside.given(engineer)).toEqual(["readers"]);
    expect(await boundRoles()).toEqual([]);
    expect(await leaseOf("r-map")).toMatchObject({ state: "ended", endProof: unknown });
    expect(await leaseOf("r-bound")).toMatchObject({ state: "ended", endProof: unknown });
    expect(await requestOf(context, "r-entry")).toMatchObject({
      ...{ lease: { state: "active" }, trouble: { message: expect.stringContaining("ListAccessEntries") } },
    });
    expect(entryGroups()).toContain(viewers);

    side().sandbox.faults.clear();
    await reconcileCluster(later(context, 3600), cluster, "end");

    expect(await leaseOf("r-entry")).toMatchObject({ state: "ended" });
    expect(entryGroups()).toEqual(["readers"]);
  });
});

describe("while the API server does not answer about aws-auth", () => {
  test("a revoked lease by an access entry ends, and those by the API server when it is back", async () => {
    await giveAll();
    await give(context, cluster, { id: "r-long", principal: onCall, level: "everywhere" });
    const before = await requestOf(context, "r-long");
    refuseDocument();
    for (const id of ["r-map", "r-entry"]) await revokeOnly(context, id);
    const asked = side().sandbox.faults.calls("kubernetes.get-configmap");

    await reconcileCluster(context, cluster, "end");

    // Once for the ways of all leases, once for those that only end: a further question could hang as long.
    expect(side().sandbox.faults.calls("kubernetes.get-configmap") - asked).toBe(2);
    expect(entryGroups()).toEqual(["readers"]);
    expect(await leaseOf("r-entry")).toMatchObject({
      state: "ended",
      endProof: { mapped: { detail: expect.stringMatching(/^by-entry with readers, policy/) } },
    });
    expect(await requestOf(context, "r-map")).toMatchObject({ lease: { state: "active" }, trouble: { attempts: 1 } });
    expect(await requestOf(context, "r-long")).toEqual(before);

    side().sandbox.faults.clear();
    await reconcileCluster(later(context, 3600), cluster, "end");

    expect(await leaseOf("r-map")).toMatchObject({ state: "ended" });
    expect(await outside.given(engineer)).toEqual(["readers"]);
  });

  test("expired leases by access entries end, with the ledger and without it", async () => {
    await giveAll(300);
    refuseDocument();
    const silent = { type: "answer", status: 503, body: "{}" } as const;
    side().sandbox.faults.plan("kubernetes.subject-access-review", silent, { times: 200 });
    const { ledger: _, queues: __, ...alone } = later(context, 400);

    const { ended, failures } = await endWithoutLedger(alone, cluster);

    expect([ended, entryGroups()]).toEqual([["r-entry"], ["readers"]]);
    expect(failures.map(String)).toEqual([expect.stringContaining("aws-auth")]);

    await reconcileCluster(later(context, 400), cluster, "due");

    expect(await leaseOf("r-entry")).toMatchObject({
      state: "ended",
      endProof: { mapped: { detail: "by-entry with readers" }, authorized: { result: "not tested" } },
    });
    expect((await leaseOf("r-map"))?.state).toBe("active");
  });

  test("what a dead run has begun keeps its part, and no new lease begins", async () => {
    await giveAll();
    await ask(context, cluster, { id: "r-begun", principal: onCall, level: "everywhere" });
    await approve(context, cluster, "r-begun");
    await reconcileCluster(dyingBefore("lease.active", context), cluster).catch(() => {});
    await ask(context, cluster, { id: "r-new", principal: onCall, level: "peek" });
    await approve(context, cluster, "r-new");
    const before = side().sandbox.aws.cluster(clusterArn(clusterName))?.accessEntries;
    refuseDocument();

    await reconcileCluster(later(context, 60), cluster, "due");

    expect(side().sandbox.aws.cluster(clusterArn(clusterName))?.accessEntries).toEqual(before);
    expect((await leaseOf("r-begun"))?.state).toBe("scheduled");
    expect((await leaseOf("r-new"))?.state).toBe("scheduled");
  });
});

describe("while the list of access entries fails", () => {
  test("expired leases end, with the ledger and without it", async () => {
    await giveAll(300);
    refuseLists();
    const { ledger: _, queues: __, ...alone } = later(context, 400);

    const { ended, left, failures } = await endWithoutLedger(alone, cluster);

    expect([ended.toSorted(), left]).toEqual([["r-bound", "r-map"], []]);
    expect(failures.map(String)).toEqual([expect.stringContaining("ListAccessEntries")]);
    expect([await outside.given(engineer), await boundRoles()]).toEqual([["readers"], []]);

    await reconcileCluster(later(context, 400), cluster, "due");

    expect((await leaseOf("r-map"))?.state).toBe("ended");
    expect((await leaseOf("r-bound"))?.state).toBe("ended");
    expect((await leaseOf("r-entry"))?.state).toBe("active");
  });

  test("what is in force stays as it is, beside an end of the same person, and nothing is written again", async () => {
    await giveAll();
    await give(context, cluster, { id: "r-more", level: "admin" });
    await give(context, cluster, { id: "r-long" });
    const before = [await requestOf(context, "r-map"), await requestOf(context, "r-bound")];
    refuseLists();
    for (const id of ["r-long", "r-more"]) await revokeOnly(context, id);

    await reconcileCluster(context, cluster, "end");
    await reconcileCluster(context, cluster, "inspect");

    expect([(await leaseOf("r-long"))?.state, (await leaseOf("r-more"))?.state]).toEqual(["ended", "ended"]);
    expect(await boundRoles()).toHaveLength(1);
    expect([await requestOf(context, "r-map"), await requestOf(context, "r-bound")]).toEqual(before);
  });

  test("a lease by bindings whose own access entry lets its person sign in loses its bindings, and ends with the entry", async () => {
    const { developers } = arns;
    const listed = () => side().sandbox.aws.cluster(clusterArn(clusterName))?.accessEntries ?? [];
    const hasEntry = () => listed().some(({ principalArn }) => principalArn === developers);
    const given = await give(context, cluster, { id: "r-entry-bound", principal: developers, level: "admin" });
    expect([given.lease?.written?.way, hasEntry()]).toEqual(["binding", true]);
    refuseLists();
    await revokeOnly(context, "r-entry-bound");

    await reconcileCluster(context, cluster, "end");

    expect([await boundRoles(), hasEntry(), (await leaseOf("r-entry-bound"))?.state]).toEqual([[], true, "active"]);
    side().sandbox.faults.clear();
    await reconcileCluster(later(context, 3600), cluster, "end");
    expect([hasEntry(), (await leaseOf("r-entry-bound"))?.state]).toEqual([false, "ended"]);
  });

  test("a lease whose record names another level's groups loses its part, and ends when the list is back", async () => {
    await giveAll();
    const groupsOf = async (id: string) => (await requestOf(context, id)).groups;
    const [byMap, byBinding] = [await groupsOf("r-map"), await groupsOf("r-bound")];
    refuseLists();
    for (const [id, groups] of [
      ["r-map", byBinding],
      ["r-bound", byMap],
    ] as const) {
      await revokeOnly(context, id);
      await context.ledger.commit(aChange(revise(await requestOf(context, id), { groups })));
    }

    await reconcileCluster(context, cluster, "end");

    expect([await outside.given(engineer), await boundRoles()]).toEqual([["readers"], []]);
    expect([(await leaseOf("r-map"))?.state, (await leaseOf("r-bound"))?.state]).toEqual(["active", "active"]);
    side().sandbox.faults.clear();
    await reconcileCluster(later(context, 3600), cluster, "end");
    expect([(await leaseOf("r-map"))?.state, (await leaseOf("r-bound"))?.state]).toEqual(["ended", "ended"]);
  });

  test("new leases wait with the cause, and one that a dead run has begun keeps its part until its end", async () => {
    for (const [id, level] of [
      ["r-dead", "viewer"],
      ["r-new", "viewer"],
      ["r-new-bound", "admin"],
    ] as const) {
      await ask(context, cluster, { id, level });
      await approve(context, cluster, id);
      if (id !== "r-dead") continue;
      await reconcileCluster(dyingBefore("lease.active", context), cluster);
    }
    const before = await outside.given(engineer);
    refuseLists();

    await reconcileCluster(context, cluster);

    for (const id of ["r-dead", "r-new", "r-new-bound"]) {
      expect(await requestOf(context, id)).toMatchObject({
        ...{ state: "approved", lease: { state: "scheduled" } },
        trouble: { message: expect.stringContaining("ListAccessEntries") },
      });
    }
    expect([before, await outside.given(engineer)]).toEqual([["eks-access:viewers", "readers"], before]);
    expect(await boundRoles()).toEqual([]);

    await revokeOnly(context, "r-dead");
    await reconcileCluster(context, cluster, "end");

    // Its way is not in its record yet, so the end waits for the list; the access does not.
    expect(await outside.given(engineer)).toEqual(["readers"]);
    expect((await leaseOf("r-dead"))?.state).toBe("scheduled");
    side().sandbox.faults.clear();
    await reconcileCluster(later(context, 3600), cluster, "end");
    expect((await leaseOf("r-dead"))?.state).toBe("failed");
  });

  test("a new ledger does not adopt, and a request gets no preview", async () => {
    refuseLists();

    await expect(adoptCluster(context, cluster)).rejects.toThrow("ListAccessEntries");
    expect(await ask(context, cluster, { id: "r-asked" })).toMatchObject({
      ...{ preview: null, trouble: { message: expect.stringContaining("ListAccessEntries") } },
    });
  });

  test.each([
    [
      "leases by aws-auth and by bindings, as EKS lists no entries",
      () => refuseLists(),
      ["readers"],
      ["readers", viewers],
      0,
    ],
    [
      "leases by access entries, as the API server shows no aws-auth",
      () => refuseDocument(),
      [viewers, "readers"],
      ["readers"],
      1,
    ],
  ])("a new ledger, which can't adopt yet, ends expired %s", async (_what, refuse, inMap, inEntry, bound) => {
    await giveAll(300);
    refuse();

    await adoptByTheClock({ ...later(context, 400), ledger: memoryLedger() }, cluster);

    side().sandbox.faults.clear();
    expect([(await outside.given(engineer))?.toSorted(), entryGroups()?.toSorted()]).toEqual([
      inMap,
      inEntry.toSorted(),
    ]);
    expect(await boundRoles()).toHaveLength(bound);
  });
});
