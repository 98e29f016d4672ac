import { setImmediate as nextTurn } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterEach, expect, test, vi } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { createRequest } from "../../../src/access/request.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import { createWorkerMetrics } from "../../../src/operations/metrics.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import type { openCluster } from "../../../src/worker/open-cluster.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { aChange } from "../../builders/an-event.ts";
import { patiently } from "../../builders/times.ts";
import { isLong } from "../../form.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { approve, ask, bound, modesConfig, openingWith, requestOf, revokeOnly } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const account = arns.engineer.split(":")[4] ?? "";
const people = isLong ? 250 : 40;
const idOf = (index: number) => `r-${String(index).padStart(4, "0")}`;

/** Each person has a session of one permission set. */
const sessionOf = (index: number) =>
  `arn:aws:sts::${account}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/person-${index}@example.com`;

afterEach(async () => {
  vi.useRealTimers();
  await side().sandbox.cluster.editAwsAuth(({ metadata: { annotations: _, ...metadata }, ...map }) => ({
    ...map,
    metadata,
    data: { ...initialAwsAuth },
  }));
});

/** How often aws-auth changes while a person acts. */
async function writesDuring(act: () => Promise<void>): Promise<number> {
  let writes = 0;
  const stop = side().sandbox.cluster.onChange(() => {
    writes += 1;
  });
  await act().finally(stop);
  return writes;
}

/** Opens the cluster, and notes each question of a review. */
function noting(questions: string[]): typeof openCluster {
  return openingWith((client) => {
    const may: ClusterClient["may"] = (...question) => {
      questions.push(JSON.stringify(question));
      return client.may(...question);
    };
    return { may };
  });
}

test("the ends of eight people are proved one after another, without a connection for each", async () => {
  const config = modesConfig(bound);
  const cluster = clusterIn(config, clusterName);
  const context: WorkerContext = { ...side().context(memoryLedger()), config };
  const ids = Array.from({ length: 8 }, (_, index) => idOf(index));
  for (const [index, id] of ids.entries()) await ask(context, cluster, { id, principal: sessionOf(index) });
  for (const id of ids) await approve(context, cluster, id);
  await reconcileCluster(context, cluster);
  for (const id of ids) await revokeOnly(context, id);
  let running = 0;
  const atOnce: number[] = [];
  const may: ClusterClient["may"] = async () => {
    running += 1;
    atOnce.push(running);
    await nextTurn();
    running -= 1;
    return { allowed: false, reason: "", auditId: null };
  };
  const answering = openingWith(() => ({ may }));

  // Another connection begins each half second, which a busy machine needs for the first answers.
  vi.useFakeTimers({ toFake: ["setInterval"] });
  await reconcileCluster({ ...context, openCluster: answering }, cluster);

  const ended = await Promise.all(ids.map((id) => requestOf(context, id)));
  expect(ended.map(({ lease }) => lease?.endProof?.authorized.result)).toEqual(ids.map(() => "no"));
  expect(atOnce).toEqual(ids.map(() => 1));
});

/** Three people with approved leases, whom no entry lets sign in. */
async function threeApproved() {
  const config = modesConfig(bound);
  const cluster = clusterIn(config, clusterName);
  const context: WorkerContext = { ...side().context(memoryLedger()), config };
  const ids = [0, 1, 2].map(idOf);
  for (const [index, id] of ids.entries()) await ask(context, cluster, { id, principal: sessionOf(index) });
  for (const id of ids) await approve(context, cluster, id);
  const end = async () => {
    for (const id of ids) await revokeOnly(context, id);
    await reconcileCluster(context, cluster);
  };
  return { cluster, context, ids, end };
}

test("the worker makes the bindings of people while it reads back the entry that lets them sign in", async () => {
  const { cluster, context, end } = await threeApproved();
  const order: string[] = [];
  const noting = openingWith((client) => ({
    writeAwsAuth: async (...given) => {
      const stored = await client.writeAwsAuth(...given);
      order.push("entry written");
      return stored;
    },
    readAwsAuth: async () => {
      const found = await client.readAwsAuth();
      order.push("read");
      return found;
    },
    createBinding: (...given) => {
      order.push("binding sent");
      return client.createBinding(...given);
    },
  }));

  await reconcileCluster({ ...context, openCluster: noting }, cluster);
  await end();

  const begin = order.indexOf("entry written");
  expect(order.slice(begin, begin + 5)).toEqual([
    "entry written",
    "binding sent",
    "binding sent",
    "binding sent",
    "read",
  ]);
});

test("a lease is active once the questions about it are answered, and waits for no other's", async () => {
  const { cluster, context, ids, end } = await threeApproved();
  const [first = "", ...others] = ids;
  const active = new Set<string>();
  let answer = () => {};
  const othersActive = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const commit: WorkerContext["ledger"]["commit"] = async (change) => {
    const result = await context.ledger.commit(change);
    if (change.event?.type === "lease.active") active.add(change.after.id);
    if (active.size === others.length) answer();
    return result;
  };
  const slow = openingWith((client) => ({
    may: async (identity, access) => {
      if (identity.username.endsWith("person-0@example.com")) await othersActive;
      return client.may(identity, access);
    },
  }));

  await reconcileCluster({ ...context, ledger: { ...context.ledger, commit }, openCluster: slow }, cluster);
  const last = await requestOf(context, first);
  await end();

  expect([...active].at(-1)).toBe(first);
  expect(active.size).toBe(ids.length);
  expect(last.lease?.proof?.authorized.result).toBe("yes");
});

test(`${people} people of one permission set begin and end at once: one PUT of aws-auth each time, and no conflict`, async () => {
  const config = modesConfig(bound);
  const cluster = clusterIn(config, clusterName);
  const metrics = createWorkerMetrics(new Registry());
  const context: WorkerContext = { ...side().context(memoryLedger()), config, metrics };
  const groups = cluster.levels.find(({ name }) => name === "viewer")?.groups ?? [];
  const requested = { requester: "U0ENGINEER", cluster: cluster.name, level: "viewer", groups, durationSeconds: 3600 };
  const ids = Array.from({ length: people }, (_, index) => idOf(index));
  for (const [index, id] of ids.entries()) {
    const rest = { principal: sessionOf(index), reason: "a test", extends: null };
    await context.ledger.commit(aChange(createRequest({ ...requested, ...rest, id }, context.now(), 3600)));
  }
  await previewCluster(context, cluster);
  await previewCluster(context, cluster);
  for (const id of ids) await approve(context, cluster, id);

  const questions: string[] = [];
  const beginning = { ...context, openCluster: noting(questions) };
  const toBegin = await writesDuring(() => patiently(() => reconcileCluster(beginning, cluster)));
  const begun = await Promise.all(ids.map((id) => requestOf(context, id)));
  for (const id of ids) await revokeOnly(context, id);
  const toEnd = await writesDuring(() => patiently(() => reconcileCluster(context, cluster)));
  const ended = await Promise.all(ids.map((id) => requestOf(context, id)));

  expect(new Set(begun.map(({ lease }) => lease?.state))).toEqual(new Set(["active"]));
  expect(new Set(ended.map(({ lease }) => lease?.state))).toEqual(new Set(["ended"]));
  expect([toBegin, toEnd]).toEqual([1, 1]);
  // One about each person, and one about the session that no person has.
  expect(questions).toHaveLength(people + 1);
  expect(new Set(questions).size).toBe(people + 1);
  const own = begun.every(({ lease }) => lease?.proof?.authorized.detail.includes("not as every session of the role"));
  expect(own).toBe(true);
  const events = (await context.ledger.events(1, 10_000)).filter(({ event }) => event.type === "lease.active");
  const writes = { "POST clusterrolebindings": [expect.any(String)], "POST subjectaccessreviews": { length: 2 } };
  expect(events).toHaveLength(people);
  for (const { event } of events) expect(event.detail.auditIds).toMatchObject(writes);
  expect((await metrics.conflicts.get()).values).toEqual([]);
  for (const histogram of [metrics.activation, metrics.revocationLag]) {
    const { values } = await histogram.get();
    expect(values.find(({ metricName }) => metricName?.endsWith("_count"))?.value).toBe(people);
  }
  expect(side().sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});
