import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { leasesAnnotation } from "../../../src/access/lease/annotation.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { readNotice } from "../../../src/access/shared-lists.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { writeForOthers } from "../../../src/worker/reconcile/write-document.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { keys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { addingMasters, changingWrites, type Data, editing, restoring } from "./a-webhook.ts";
import {
  bound,
  dyingBefore,
  give,
  modesConfig,
  openingWith,
  outsideDocument,
  requestOf,
  revokeGiven,
  revokeOnly,
} from "./both-ways.ts";

// A webhook changes a write of which the worker gets no answer: it dies, or the network does.

/** How long ago it is for the sandbox. */
let agoMs = 0;
const side = useWorkerSide({ everyMode: true, now: () => new Date(Date.now() - agoMs) });
const colleague = arns.engineer.replace("engineer", "colleague");
const { webhook, noWebhook } = changingWrites(() => side().sandbox);

let context: WorkerContext;
let cluster: Cluster;
let laterMs: number;

beforeEach(() => {
  laterMs = 0;
  const now = () => new Date(Date.now() + laterMs);
  context = { ...side().context(memoryLedger()), config: modesConfig(), now, pause: async () => {} };
  cluster = clusterIn(context.config, clusterName);
});

afterEach(() => {
  agoMs = 0;
});

const outside = () => outsideDocument(side().sandbox);
const dataNow = () => side().sandbox.cluster.awsAuth()?.data;
const annotation = () => side().sandbox.cluster.awsAuth()?.metadata.annotations?.[leasesAnnotation] ?? "";
const writesMade = () => side().sandbox.cluster.awsAuth()?.metadata.resourceVersion;

const unanswered = (): WorkerContext => ({
  ...context,
  openCluster: openingWith((client) => ({
    writeAwsAuth: async (...write) => {
      await client.writeAwsAuth(...write);
      throw new AccessError("cluster-unreachable", "The API server did not answer");
    },
  })),
});

/** The next run, and the one that removes what it ended. */
async function lookAgain() {
  laterMs += 60_000;
  await reconcileCluster(context, cluster);
  await reconcileCluster(context, cluster);
}

const once = <Given>(act: (given: Given) => Promise<void>) => {
  let acted: Promise<void> | null = null;
  return (given: Given) => {
    acted ??= act(given);
    return acted;
  };
};

const bob = arns.engineer.replace("engineer", "bob");
const theirs = `- userarn: ${bob}\n  username: bob\n  groups: [developers]\n`;
const people = `- userarn: ${arns.engineer}\n  username: engineer\n  groups:\n    - developers\n`;

async function withPeoplesEntry() {
  await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapUsers: people } }));
}

describe("the next run takes back what a webhook gave", () => {
  test("a new lease: it is never active, its entry goes, and operators read it", async () => {
    webhook(addingMasters, 1);

    await give(unanswered(), cluster, { id: "r-one" });
    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "system:masters"]);
    await lookAgain();

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
    expect(dataNow()).toEqual(initialAwsAuth);
    expect(annotation()).not.toContain("engineer");
    const events = (await context.ledger.events(1, 100)).map(({ event }) => event);
    expect(events.map(({ type }) => type)).not.toContain("lease.active");
    expect(events.find(({ type }) => type === "write.changed")?.detail.changes).toEqual([
      expect.stringContaining("eks-access:viewers, system:masters instead of"),
    ]);
    const [notice] = await context.ledger.notices();
    expect(notice && readNotice(notice, keys)?.title).toContain("An admission webhook changes");
  });

  test("an older lease, as another one is written: both end, with the reason", async () => {
    await give(context, cluster, { id: "r-one" });
    webhook(addingMasters, 1);

    await give(unanswered(), cluster, { id: "r-two", principal: colleague });
    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "system:masters"]);
    await lookAgain();

    expect((await requestOf(context, "r-one")).lease).toMatchObject({
      ...{ state: "ended", remains: null },
      end: { by: "worker", why: expect.stringContaining("more than planned") },
    });
    expect(dataNow()).toEqual(initialAwsAuth);
  });

  test("others' entry, to which we add: it keeps what is theirs", async () => {
    await withPeoplesEntry();
    webhook(addingMasters, 1);

    await give(unanswered(), cluster, { id: "r-one" });
    expect(await outside().given(arns.engineer)).toContain("system:masters");
    await lookAgain();

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
    expect(dataNow()).toEqual({ ...initialAwsAuth, mapUsers: people });
  });

  test("an entry whose user it renames", async () => {
    webhook(editing("eks-access:111122223333:engineer", "kubernetes-admin"), 1);

    await give(unanswered(), cluster, { id: "r-one" });
    expect(dataNow()?.mapUsers).toContain("kubernetes-admin");
    await lookAgain();

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ failure: { code: "document-changed" } });
    expect(dataNow()).toEqual(initialAwsAuth);
  });

  test("an entry of two leases, as one of them ends", async () => {
    await give(context, cluster, { id: "r-one" });
    await give(context, cluster, { id: "r-two", level: "admin", durationSeconds: 30 });
    webhook(addingMasters, 1);

    laterMs = 31_000;
    await reconcileCluster(unanswered(), cluster);
    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "system:masters"]);
    await lookAgain();

    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", end: { by: "worker" } });
    expect(dataNow()).toEqual(initialAwsAuth);
  });

  test("the document's last administrator", async () => {
    const { mapRoles = "" } = initialAwsAuth;
    const none = { ...initialAwsAuth, mapRoles: mapRoles.replace("system:masters", "developers") };
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: none }));
    webhook(addingMasters, 1);

    await give(unanswered(), cluster, { id: "r-one" });
    expect(await outside().given(arns.engineer)).toContain("system:masters");
    await lookAgain();

    expect(dataNow()).toEqual(none);
  });
});

describe("in the entry that a lease by binding signs in with, a webhook", () => {
  const alice = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice@example.com";
  const bob = alice.replace("Developer", "Reader").replace("alice", "bob");
  const named = "AWSReservedSSO_Developer_0123456789abcdef:{{SessionNameRaw}}";
  const alone = `username: "eks-access:111122223333:${named}"\n  groups: []\n`;
  const changing = (to: string) =>
    webhook(({ mapRoles = "", ...data }) => ({ ...data, mapRoles: mapRoles.replace(alone, to) }), 1);

  beforeEach(() => {
    context = { ...context, config: modesConfig(bound) };
    cluster = clusterIn(context.config, clusterName);
  });

  async function expectTakenBack() {
    await lookAgain();
    expect(dataNow()?.mapRoles).toContain(alone);
    const { lease } = await requestOf(context, "r-one");
    expect(lease).toMatchObject({ state: "active", proof: { reviewedAs: { groups: ["ClusterRole view"] } } });
    const events = (await context.ledger.events(1, 100)).map(({ event }) => event.type);
    expect(events.filter((type) => type === "write.changed")).toHaveLength(1);
  }

  test("gives no group for good", async () => {
    changing(alone.replace("[]", "[system:masters]"));
    await give(unanswered(), cluster, { id: "r-one", principal: alice });
    expect(dataNow()?.mapRoles).not.toContain(alone);

    await expectTakenBack();
  });

  test.each([
    ["a group", alone.replace("[]", "[system:masters]")],
    ["another name", alone.replace(/"[^"]*"/, "kubernetes-admin")],
  ])("gives it no %s for good, as another lease is written", async (_, changed) => {
    await give(context, cluster, { id: "r-one", principal: alice });
    changing(changed);
    await give(unanswered(), cluster, { id: "r-two", principal: bob });
    expect(dataNow()?.mapRoles).toContain(changed);

    await expectTakenBack();
    expect((await requestOf(context, "r-two")).lease?.state).toBe("active");
  });
});

const withGroups = (users: string, groups: string) =>
  users.replace(/- "eks-access:viewers"\n/, `- "eks-access:viewers"\n${groups}`);
const editGroups = (groups: string) =>
  side().sandbox.cluster.editAwsAuth((map) => ({
    ...map,
    data: { ...map.data, mapUsers: withGroups(map.data?.mapUsers ?? "", groups) },
  }));
const added = '    - "pods-of-shop"\n';

test("a webhook in a section that our write did not change gives nothing for good, and takes nothing of who wrote it long before", async () => {
  agoMs = 120_000;
  await give(context, cluster, { id: "r-one" });
  await editGroups(added);
  agoMs = 0;
  webhook(editing(added, `${added}    - "system:masters"\n`), 1);

  await give(unanswered(), cluster, { id: "r-two", principal: arns.developers });
  expect(await outside().given(arns.engineer)).toContain("system:masters");
  await lookAgain();

  expect(await outside().given(arns.engineer)).toEqual(["pods-of-shop"]);
  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", end: { by: "worker" } });
});

describe("a person's own group stays", () => {
  test("that they add to our entry, whatever we write afterwards", async () => {
    await give(context, cluster, { id: "r-one" });
    await editGroups(added);
    await reconcileCluster(context, cluster, "inspect");

    await give(context, cluster, { id: "r-two", principal: colleague });
    await reconcileCluster(context, cluster, "inspect");

    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "pods-of-shop"]);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", end: null });
    await revokeGiven(context, cluster, "r-one");
    expect(await outside().given(arns.engineer)).toEqual(["pods-of-shop"]);
  });

  test("that they added long before a fence, which writes for an end that is done already", async () => {
    agoMs = 180_000;
    await give(context, cluster, { id: "r-one" });
    await give(context, cluster, { id: "r-two", principal: colleague });
    await revokeOnly(context, "r-two");
    await reconcileCluster(dyingBefore("lease.ended", context), cluster).catch(() => {});
    agoMs = 120_000;
    await editGroups(added);
    agoMs = 0;
    const before = writesMade();
    laterMs += 60_000;

    await reconcileCluster(context, cluster);
    expect((await requestOf(context, "r-two")).lease?.state).toBe("ended");
    expect(Number(writesMade())).toBe(Number(before) + 2);
    await reconcileCluster(context, cluster, "inspect");

    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "pods-of-shop"]);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", end: null });
  });

  test("that they add after a write without an answer", async () => {
    await give(unanswered(), cluster, { id: "r-one" });
    await editGroups(added);
    await lookAgain();

    expect(await outside().given(arns.engineer)).toContain("pods-of-shop");
  });
});

describe("a write that is no lease's", () => {
  /** A run before which the worker writes mapUsers, as a migration does; by default another person's entry. */
  const writing = (edit = (users: string) => users + theirs): WorkerContext => {
    const write = once(async (client: ClusterClient) => {
      const map = await client.readAwsAuth();
      if (!map) throw new Error("there is no aws-auth");
      const data = { ...map.data, mapUsers: edit(map.data.mapUsers ?? "") };
      await writeForOthers({ context, cluster, client }, map, data);
    });
    return {
      ...context,
      openCluster: openingWith((client) => ({
        readAwsAuth: async () => {
          await write(client);
          return client.readAwsAuth();
        },
      })),
    };
  };

  test("keeps a person's own group in our entry, and so does each later run", async () => {
    await give(context, cluster, { id: "r-one" });
    await editGroups(added);

    await reconcileCluster(writing(), cluster, "inspect");
    await lookAgain();

    expect(dataNow()?.mapUsers).toContain(theirs);
    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "pods-of-shop"]);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", end: null });
  });

  test("gives our entry a group of its own, which no later run takes back", async () => {
    await give(context, cluster, { id: "r-one" });

    await reconcileCluster(
      writing((users) => withGroups(users, added)),
      cluster,
      "inspect",
    );
    await lookAgain();

    expect(await outside().given(arns.engineer)).toEqual(["eks-access:viewers", "pods-of-shop"]);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", end: null });
  });

  test("is compared: operators read what a webhook changed, and the next run takes back what ours got", async () => {
    await give(context, cluster, { id: "r-one" });
    webhook((data) => editing("username: bob", "username: root")(addingMasters(data)), 1);

    await reconcileCluster(writing(), cluster, "inspect");
    await lookAgain();

    const events = (await context.ledger.events(1, 100)).map(({ event }) => event);
    expect(events.find(({ type }) => type === "write.changed")?.detail.changes).toEqual([
      expect.stringContaining("system:masters instead of"),
      expect.stringContaining("root with developers instead of bob"),
    ]);
    expect(await outside().given(arns.engineer)).toBeNull();
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", end: { by: "worker" } });
  });
});

test("what a webhook gave does not become others' by a write that leaves it there", async () => {
  webhook(addingMasters, 1);
  await give(unanswered(), cluster, { id: "r-one" });
  const openCluster = openingWith((client) => ({
    readAwsAuth: async () => {
      const map = await client.readAwsAuth();
      if (map)
        await writeForOthers({ context, cluster, client }, map, {
          ...map.data,
          mapUsers: `${map.data.mapUsers}${theirs}`,
        });
      throw new AccessError("cluster-unreachable", "The API server did not answer");
    },
  }));
  laterMs += 60_000;
  await reconcileCluster({ ...context, openCluster }, cluster);
  expect(dataNow()?.mapUsers).toContain("system:masters");
  expect(dataNow()?.mapUsers).toContain(theirs);

  laterMs += 60_000;
  await lookAgain();

  expect(dataNow()).toEqual({ ...initialAwsAuth, mapUsers: theirs });
});

test("what we plan for an entry needs no write of its own", async () => {
  await give(context, cluster, { id: "r-one" });
  await give(context, cluster, { id: "r-two", principal: colleague });
  const before = writesMade();

  await reconcileCluster(context, cluster, "inspect");

  expect(writesMade()).toBe(before);
});

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

test("that drops our annotation from writes alone is told to the operators: if Redis is lost, no lease would end", async () => {
  const openCluster = openingWith((client) => ({
    writeAwsAuth: (before, { data }) => client.writeAwsAuth(before, { data, annotations: {} }),
  }));

  await give({ ...context, openCluster }, cluster, { id: "r-one" });

  expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
  expect(await notices()).toMatchObject([
    {
      title: "An admission webhook changes aws-auth of staging",
      lines: [
        "changed eks-access/leases: if Redis is lost, entries of leases stay",
        "Let the admission webhook leave aws-auth alone.",
      ],
    },
  ]);
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

test("a webhook that strips the cluster's own memory: no lease begins that only Redis would know, and an end goes on", async () => {
  /** The answer to each dry run: this data, without a memory. */
  const stripping = (data: Data | undefined) => {
    const { metadata, ...rest } = side().sandbox.cluster.awsAuth() ?? expect.fail("there is no aws-auth");
    const body = JSON.stringify({ ...rest, data, metadata: { ...metadata, annotations: {} } });
    const answer = { type: "answer", status: 200, body } as const;
    return side().sandbox.faults.plan("kubernetes.dry-run-configmap", answer, { times: Number.POSITIVE_INFINITY });
  };
  await give(context, cluster, { id: "r-one" });
  const given = dataNow();
  const ending = stripping(initialAwsAuth);

  const ended = await revokeGiven(context, cluster, "r-one");
  ending.cancel();
  const beginning = stripping(given);
  const refused = await give(context, cluster, { id: "r-two" });
  beginning.cancel();

  expect(ended.lease?.state).toBe("ended");
  expect(refused.lease).toMatchObject({ state: "failed", failure: { code: "cluster-refused-write" } });
  expect(dataNow()).toEqual(initialAwsAuth);
});
