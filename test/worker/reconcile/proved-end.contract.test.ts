import { beforeEach, describe, expect, test } from "vitest";
import type { FaultAnswer } from "../../../sandbox/faults.ts";
import { clusterName } from "../../../sandbox/scene.ts";
import type { AuditEvent } from "../../../src/access/audit-event.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { dueAt } from "../../../src/access/request.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { signInToCluster } from "../../../src/worker/sign-in/sign-in-cluster.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { give, modesConfig, requestOf, revokeGiven } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const review = "kubernetes.subject-access-review";
const username = "eks-access:111122223333:engineer";
const viewers = {
  name: "eks-access-viewers",
  role: { kind: "ClusterRole", name: "view" },
  subjects: [{ kind: "Group", name: "eks-access:viewers" }],
} as const;

const admins = {
  name: "eks-access-admins",
  role: { kind: "ClusterRole", name: "cluster-admin" },
  subjects: [{ kind: "Group", name: "eks-access:admins" }],
} as const;

/** What the proof of an end says, both ways in which a cluster takes a lease. */
describe.each([
  ["aws-auth", clusterName],
  ["access entries", "analytics"],
])("the end of a lease by %s", (place, name) => {
  let context: WorkerContext;
  let cluster: Cluster;
  /** How much later it is for the worker. */
  let laterMs: number;

  beforeEach(() => {
    laterMs = 0;
    const now = () => new Date(Date.now() + laterMs);
    context = { ...side().context(memoryLedger()), config: modesConfig(), now, pause: async () => {} };
    cluster = clusterIn(context.config, name);
  });

  const sandboxCluster = () => side().sandbox.clusters.get(name) ?? expect.fail(`there is no ${name}`);
  const endProof = async () => (await requestOf(context, "r-one")).lease?.endProof;

  const endOf = async (answer: FaultAnswer | null = null, times = 1) => {
    await give(context, cluster, { id: "r-one" });
    if (answer) side().sandbox.faults.plan(review, answer, { times });
    const ended = await revokeGiven(context, cluster, "r-one");
    expect(ended.lease?.state).toBe("ended");
    return ended;
  };

  /** What another worker does once the next try is due. */
  const proveWhenDue = async () => {
    const due = dueAt(await requestOf(context, "r-one")) ?? expect.fail("nothing is due");
    laterMs = Math.max(laterMs, due - Date.now());
    await signInToCluster({ ...context }, cluster);
  };

  const eventsOf = async (type: AuditEvent["type"]) =>
    (await context.ledger.events(1, 1000)).map(({ event }) => event).filter((event) => event.type === type);

  test("is proved: no one is mapped any more, and the API server does not authorize what the level allows", async () => {
    await endOf();

    expect(await endProof()).toMatchObject({
      mapped: { result: "no", detail: `not in ${place === "aws-auth" ? "aws-auth" : "the access entries"}` },
      authorized: { result: "no", detail: `can't list pods in default, asked as ${username}` },
      others: [],
      trouble: null,
    });
    expect(await eventsOf("lease.ended")).toMatchObject([{ detail: { mapped: "no", authorized: "no" } }]);
  });

  test("names a role binding of the username, which remains", async () => {
    const mine = { ...viewers, name: "left-behind", subjects: [{ kind: "User", name: username }] } as const;
    await sandboxCluster().setRbac({ bindings: [viewers, admins, mine] });

    await endOf();

    expect(await endProof()).toMatchObject({ mapped: { result: "no" }, authorized: { result: "yes" } });
    expect((await endProof())?.authorized.detail).toMatch(/^can list pods in default, .*"left-behind"/);
  });

  test("names another lease, which still gives access", async () => {
    await give(context, cluster, { id: "r-two", level: "admin" });

    await endOf();

    expect(await endProof()).toMatchObject({ mapped: { result: "yes" }, authorized: { result: "yes" } });
    expect((await endProof())?.others.join()).toMatch(/^r-two gives admin until \d{4}-/);
  });

  test.each<[string, FaultAnswer]>([
    ["is throttled", { type: "answer", status: 429, body: "{}" }],
    ["is not answered", { type: "cut-before" }],
  ])("is reported as not tested where the question %s, and is asked again", async (_, answer) => {
    await endOf(answer);
    const before = await endProof();

    await proveWhenDue();

    expect(before).toMatchObject({ authorized: { result: "not tested" }, trouble: { attempts: 1 } });
    expect(await endProof()).toMatchObject({ authorized: { result: "no" }, trouble: null });
    expect(dueAt(await requestOf(context, "r-one"))).toBeNull();
    expect(await eventsOf("lease.rights-asked")).toMatchObject([{ detail: { authorized: "no" } }]);
  });

  test("is asked for a bounded number of times, and then reported as not tested with the cause", async () => {
    await endOf({ type: "answer", status: 429, body: "{}" }, 1_000);
    for (let tries = 0; tries < 30 && (await endProof())?.trouble; tries += 1) await proveWhenDue();

    expect((await endProof())?.authorized.result).toBe("not tested");
    expect((await endProof())?.authorized.detail).toMatch(/^no answer after 15 tries\. The last try: /);
    expect(dueAt(await requestOf(context, "r-one"))).toBeNull();
  });
});

describe("the end of a lease by aws-auth", () => {
  test("names mapAccounts, by which the principal still signs in", async () => {
    const context: WorkerContext = { ...side().context(memoryLedger()), config: modesConfig() };
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-one" });
    const { cluster: outside } = side().sandbox;
    await outside.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapAccounts: '- "111122223333"\n' } }));

    const ended = await revokeGiven(context, cluster, "r-one");

    expect(ended.lease?.endProof?.mapped).toEqual({
      result: "yes",
      detail: "arn:aws:iam::111122223333:user/engineer with no groups, through mapAccounts",
    });
    await outside.editAwsAuth(({ data: { mapAccounts: _, ...data } = {}, ...map }) => ({ ...map, data }));
  });
});
