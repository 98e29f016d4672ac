import { beforeEach, describe, expect, test } from "vitest";
import type { FaultAnswer } from "../../../sandbox/faults.ts";
import { clusterName } from "../../../sandbox/scene.ts";
import type { AuditEvent } from "../../../src/access/audit-event.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { dueAt } from "../../../src/access/request.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { signInToCluster } from "../../../src/worker/sign-in/sign-in-cluster.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { aStatus } from "../../kubernetes/api-server.ts";
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
const throttled = { type: "answer", status: 429, body: "{}" } as const;
const forbidden = { type: "answer", status: 403, body: JSON.stringify(aStatus(403, "Forbidden", "")) } as const;

describe.each([
  ["aws-auth", clusterName],
  ["access entries", "analytics"],
])("by %s", (_, name) => {
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

  const lease = async () => (await requestOf(context, "r-one")).lease ?? expect.fail("there is no lease");
  const authorized = async () => (await lease()).proof?.authorized;

  const giveWhile = async (answer: FaultAnswer, times = 1) => {
    side().sandbox.faults.plan(review, answer, { times });
    await give(context, cluster, { id: "r-one" });
  };

  /** What another worker does once the next try is due. */
  const proveWhenDue = async () => {
    const due = dueAt(await requestOf(context, "r-one")) ?? expect.fail("nothing is due");
    laterMs = Math.max(laterMs, due - Date.now());
    await signInToCluster({ ...context }, cluster);
  };

  const eventsOf = async (type: AuditEvent["type"]) =>
    (await context.ledger.events(1, 1000)).map(({ event }) => event).filter((event) => event.type === type);

  test.each<[string, FaultAnswer, string]>([
    ["is throttled", throttled, "cluster-throttled"],
    ["gets no answer", { type: "cut-before" }, "cluster-unreachable"],
  ])(
    "a question about what the lease allows that %s is asked again, and its answer is reported",
    async (__, answer, code) => {
      await giveWhile(answer);
      const before = await lease();

      await proveWhenDue();

      expect(before).toMatchObject({ state: "active", reviewTrouble: { code, attempts: 1 } });
      expect(before.proof?.authorized.result).toBe("not tested");
      expect(await authorized()).toMatchObject({ result: "yes" });
      expect((await lease()).reviewTrouble).toBeNull();
      expect(await eventsOf("lease.rights-asked")).toMatchObject([{ detail: { authorized: "yes" } }]);
    },
  );

  test("it is asked again with growing gaps, until the lease ends", async () => {
    await giveWhile(throttled, 1_000);
    const gaps: number[] = [];
    while (gaps.length < 40) {
      const { reviewTrouble, endsAt } = await lease();
      if (!reviewTrouble || Date.parse(endsAt) <= Date.now() + laterMs + 300_000) break;
      gaps.push((Date.parse(reviewTrouble.retryAt) - Date.parse(reviewTrouble.at)) / 1000);
      await proveWhenDue();
    }

    expect(gaps.slice(0, 12)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    expect(gaps.length).toBeGreaterThan(15);
    expect((await lease()).reviewTrouble).not.toBeNull();
  });

  test("it is not asked before it is due", async () => {
    await giveWhile(throttled);
    const asked = side().sandbox.faults.calls(review);

    await signInToCluster({ ...context }, cluster);

    expect(side().sandbox.faults.calls(review)).toBe(asked);
  });

  test("a worker that may not ask says so, and does not promise to ask again", async () => {
    await giveWhile(forbidden);

    expect(await authorized()).toMatchObject({ result: "not tested" });
    expect((await authorized())?.detail).not.toContain("tries again");
    expect((await lease()).reviewTrouble ?? null).toBeNull();
  });
});
