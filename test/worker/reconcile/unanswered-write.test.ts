import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { leasesAnnotation } from "../../../src/access/lease/annotation.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { readNotice } from "../../../src/access/shared-lists.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { writeForOthers } from "../../../src/worker/reconcile/write-document.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { keys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { addingMasters, changingWrites, editing } from "./a-webhook.ts";
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
const { webhook } = changingWrites(() => side().sandbox);

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
