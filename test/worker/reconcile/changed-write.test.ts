import { beforeEach, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { leasesAnnotation } from "../../../src/access/lease/annotation.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { readNotice } from "../../../src/access/shared-lists.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { keys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { addingMasters, changingWrites, type Data, editing, restoring } from "./a-webhook.ts";
import { bound, give, modesConfig, outsideDocument, requestOf, revokeGiven } from "./both-ways.ts";

/** An admission webhook that changes each real PUT of aws-auth, and no dry run. */
const side = useWorkerSide({ everyMode: true });
const colleague = arns.engineer.replace("engineer", "colleague");
const bob = arns.engineer.replace("engineer", "bob");
const theirs = `- userarn: ${bob}\n  username: bob\n  groups: [developers]\n`;

let context: WorkerContext;
let cluster: Cluster;
/** How much later it is for the worker. */
let laterMs: number;

beforeEach(() => {
  laterMs = 0;
  const now = () => new Date(Date.now() + laterMs);
  context = { ...side().context(memoryLedger()), config: modesConfig(), now, pause: async () => {} };
  cluster = clusterIn(context.config, clusterName);
});

const outside = () => outsideDocument(side().sandbox);
const annotation = () => side().sandbox.cluster.awsAuth()?.metadata.annotations?.[leasesAnnotation] ?? "";

const { webhook, noWebhook } = changingWrites(() => side().sandbox);
const dataNow = () => side().sandbox.cluster.awsAuth()?.data;

const eventsOf = async (type: string) =>
  (await context.ledger.events(1, 1000)).map(({ event }) => event).filter((event) => event.type === type);
const notices = async () => (await context.ledger.notices()).map((stored) => readNotice(stored, keys));

test("that gives our entry system:masters gives no one access: the entry goes at once, and the lease fails with the reason", async () => {
  webhook(addingMasters);

  await give(context, cluster, { id: "r-one" });
  expect(await outside().given(arns.engineer)).toBeNull();
  await reconcileCluster(context, cluster);

  const { lease } = await requestOf(context, "r-one");
  expect(lease).toMatchObject({ state: "failed", failure: { code: "document-changed" } });
  expect(lease?.failure?.message).toContain(`gave ${arns.engineer} more than planned`);
  expect(dataNow()).toEqual(initialAwsAuth);
  expect(annotation()).not.toContain("engineer");
  expect(await eventsOf("lease.active")).toEqual([]);
});

test("and what it changed, for whom, is in the audit log and told to the operators once a day, whatever is written", async () => {
  webhook((data) => addingMasters({ ...data, mapUsers: `${data.mapUsers ?? ""}${theirs}` }));

  await give(context, cluster, { id: "r-one" });
  await reconcileCluster(context, cluster);
  for (const id of ["r-two", "r-three"]) {
    await give(context, cluster, { id });
    await reconcileCluster(context, cluster);
  }

  const [first, ...others] = await eventsOf("write.changed");
  expect(first).toMatchObject({
    ...{ actor: "worker", request: "", cluster: clusterName },
    detail: {
      code: "document-changed",
      changes: [
        `changed ${arns.engineer}: eks-access:111122223333:engineer with eks-access:viewers, system:masters instead of eks-access:111122223333:engineer with eks-access:viewers`,
        `added ${bob}: bob with developers`,
      ],
    },
  });
  // What was added for bob stays.
  expect(others).toMatchObject([{ detail: { changes: [expect.stringContaining(`changed ${arns.engineer}`)] } }]);
  expect(await notices()).toEqual([
    expect.objectContaining({ lines: expect.arrayContaining([expect.stringContaining("system:masters")]) }),
    expect.objectContaining({
      title: "An admission webhook changes aws-auth of staging",
      lines: [
        expect.stringContaining(`changed ${arns.engineer}`),
        expect.stringContaining(`added ${bob}`),
        "Let the admission webhook leave aws-auth alone.",
      ],
    }),
  ]);
});

test.each([
  ["drops", (data: Data) => ({ ...data, mapRoles: (data.mapRoles ?? "").split("# The platform team")[0] ?? "" })],
  ["changes", (data: Data) => ({ ...data, mapRoles: (data.mapRoles ?? "").replace("system:masters", "developers") })],
])("that %s someone else's entry is told to the operators, and the lease is as approved", async (what, change) => {
  webhook(change);

  await give(context, cluster, { id: "r-one" });

  expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
  const admins = "arn:aws:iam::111122223333:role/platform-admins";
  expect((await notices()).flatMap((notice) => notice?.lines ?? []).join()).toContain(
    what === "drops" ? `dropped ${admins}: platform-admin:{{SessionName}} with system:masters` : `changed ${admins}`,
  );
  expect(await eventsOf("write.changed")).toHaveLength(1);
});

test("that gives an older lease of ours more, when another one is written, ends both, and leaves no group of it", async () => {
  await give(context, cluster, { id: "r-one" });
  webhook(addingMasters, 1);

  await give(context, cluster, { id: "r-two", principal: colleague });

  expect(await outside().given(arns.engineer)).toBeNull();
  await reconcileCluster(context, cluster);
  expect(await requestOf(context, "r-one")).toMatchObject({
    lease: { state: "ended", end: { by: "worker", why: expect.stringContaining("more than planned") }, remains: null },
  });
  expect(dataNow()).toEqual(initialAwsAuth);
  expect(annotation()).not.toContain("engineer");
});

test("that gives more to the entry of two leases ends both, because they are one user, and a later request is given", async () => {
  await give(context, cluster, { id: "r-one" });
  await give(context, cluster, { id: "r-two", level: "admin" });
  webhook(addingMasters, 1);

  await give(context, cluster, { id: "r-three", principal: colleague });
  await reconcileCluster(context, cluster);

  for (const id of ["r-one", "r-two"]) {
    expect((await requestOf(context, id)).lease).toMatchObject({
      state: "ended",
      end: { by: "worker" },
      remains: null,
    });
  }
  expect(await outside().given(arns.engineer)).toBeNull();
  await give(context, cluster, { id: "r-four" });
  expect((await requestOf(context, "r-four")).lease?.state).toBe("active");
  expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers"]);
});

test.each([
  ["once", 1],
  ["at every write", Number.POSITIVE_INFINITY],
])("that renames our entry's user %s leaves no entry", async (_, times) => {
  webhook(editing("eks-access:111122223333:engineer", "kubernetes-admin"), times);

  await give(context, cluster, { id: "r-one" });
  expect(await outside().given(arns.engineer)).toBeNull();
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
  expect(dataNow()).toEqual(initialAwsAuth);
});

test("that adds to others' entry, to which we add, leaves their part of it", async () => {
  const own = `- userarn: ${arns.engineer}\n  username: engineer\n  groups:\n    - developers\n`;
  await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapUsers: own } }));
  webhook(addingMasters, 1);

  await give(context, cluster, { id: "r-one" });
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
  expect(dataNow()).toEqual({ ...initialAwsAuth, mapUsers: own });
});

test("that adds again at each write delays the end, and the first look without it removes every group that came so", async () => {
  const entry = `- userarn: ${arns.engineer}\n  username: "eks-access:111122223333:engineer"\n  groups: [system:masters]\n`;
  webhook((data) => ({ ...data, mapUsers: entry }));
  await give(context, cluster, { id: "r-one" });
  await reconcileCluster(context, cluster);
  expect(await requestOf(context, "r-one")).toMatchObject({
    lease: { state: "scheduled", end: { by: "worker" } },
    trouble: { code: "document-changed" },
  });

  await noWebhook();
  laterMs += 60_000;
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
  expect(await outside().given(arns.engineer)).toBeNull();
});

test("whose group could not be taken back at once is taken back by the next look", async () => {
  webhook(addingMasters, 1);
  side().sandbox.faults.plan("kubernetes.replace-configmap", { type: "cut-before" }, { nth: 2, times: 3 });

  await give(context, cluster, { id: "r-one" });
  expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "system:masters"]);
  side().sandbox.faults.clear();
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
  expect(dataNow()).toEqual(initialAwsAuth);
});

test("whose group is taken back beside another writer loses nothing of that writer's", async () => {
  webhook(addingMasters, 1);
  const edit = () =>
    side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapAccounts: '- "444455556666"\n' } }));
  side().sandbox.faults.plan("kubernetes.replace-configmap", { type: "watch" }, { nth: 2, onStrike: edit });

  await give(context, cluster, { id: "r-one" });

  expect(dataNow()).toEqual({ ...initialAwsAuth, mapAccounts: '- "444455556666"\n' });
  await reconcileCluster(context, cluster);
  expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
});

test("that gives groups to the entry of a lease by binding binds no one: the entry goes at once, and the lease fails", async () => {
  context = { ...context, config: modesConfig(bound) };
  cluster = clusterIn(context.config, clusterName);
  const role = "AWSReservedSSO_Developer_0123456789abcdef";
  webhook(({ mapRoles = "", ...data }) => ({
    ...data,
    mapRoles: mapRoles.replace(
      /(\{\{SessionNameRaw\}\}"\n)(?! +groups:\n)(?: +groups:.*\n)?/,
      "$1  groups: [system:masters]\n",
    ),
  }));

  await give(context, cluster, {
    id: "r-one",
    principal: `arn:aws:sts::111122223333:assumed-role/${role}/alice@example.com`,
  });
  expect(dataNow()?.mapRoles).not.toContain(role);
  // An earlier call for a binding can arrive until then.
  laterMs += 100_000;
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
  expect(dataNow()).toEqual(initialAwsAuth);
  expect(annotation()).not.toContain(role);
  expect(await notices()).toHaveLength(1);
});

test("that restores the entry at a revocation delays the end with growing waits, and the first look without it removes the entry", async () => {
  await give(context, cluster, { id: "r-one" });
  webhook(restoring(dataNow()));
  const waits: number[] = [];

  for (
    let ended = await revokeGiven(context, cluster, "r-one");
    waits.length < 4;
    ended = await requestOf(context, "r-one")
  ) {
    const { trouble, lease } = ended;
    expect(lease?.state).toBe("active");
    expect(trouble?.code).toBe("document-changed");
    waits.push(Date.parse(trouble?.retryAt ?? "") - Date.parse(trouble?.at ?? ""));
    laterMs = Date.parse(trouble?.retryAt ?? "") - Date.now() + 1;
    await reconcileCluster(context, cluster);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(await notices()).toHaveLength(1);

  await noWebhook();
  laterMs += 60_000;
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({
    state: "ended",
    remains: null,
    endProof: { mapped: { result: "no" } },
  });
  expect(dataNow()).toEqual(initialAwsAuth);
});

test("that restores what one of two leases gave does not end the other one", async () => {
  await give(context, cluster, { id: "r-one" });
  await give(context, cluster, { id: "r-two", level: "admin" });
  webhook(restoring(dataNow()), 1);

  await revokeGiven(context, cluster, "r-two");
  expect(await requestOf(context, "r-two")).toMatchObject({ trouble: { code: "document-changed" } });
  expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers"]);
  await noWebhook();
  laterMs += 60_000;
  await reconcileCluster(context, cluster);

  expect((await requestOf(context, "r-two")).lease?.state).toBe("ended");
  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", end: null });
  expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers"]);
});

test("an API server that confirms a write, and keeps nothing, begins no lease and ends none until it does", async () => {
  const confirms = { is: true };
  const lying = async (...args: Parameters<typeof openCluster>) => {
    const { client, ...open } = await openCluster(...args);
    const writeAwsAuth: typeof client.writeAwsAuth = async (before, after) =>
      confirms.is ? { ...before, ...after } : client.writeAwsAuth(before, after);
    return { ...open, client: { ...client, writeAwsAuth } };
  };
  const here = { ...context, openCluster: lying };
  const states: (string | undefined)[] = [];
  const look = async () => {
    await reconcileCluster(here, cluster);
    laterMs += 60_000;
    states.push((await requestOf(context, "r-one")).lease?.state);
  };

  await give(here, cluster, { id: "r-one" });
  await look();
  confirms.is = false;
  await look();
  confirms.is = true;
  await revokeGiven(here, cluster, "r-one");
  await look();
  confirms.is = false;
  await look();

  expect(states).toEqual(["scheduled", "active", "active", "ended"]);
  expect(dataNow()).toEqual(initialAwsAuth);
});
