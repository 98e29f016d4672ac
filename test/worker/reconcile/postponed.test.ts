import { describe, expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { requestIds } from "../../../src/operations/announcements.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { recordPostponed, recordVoidPostponed } from "../../../src/worker/reconcile/outcome.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { aDirectScene } from "../../fault/direct-scene.ts";
import { wishes } from "../../fault/reconcile-scene.ts";

const { id } = wishes.long;
const hour = 3_600_000;
const unreachable = (what: string) => new AccessError("aws-unreachable", what);

/** A cluster whose creator can't be assumed, for the reason that `why` gives at each try. */
async function anOutage(why: (attempt: number) => AccessError) {
  const scene = await aDirectScene(initialAwsAuth);
  let attempt = 0;
  const openCluster: WorkerContext["openCluster"] = () => Promise.reject(why(++attempt));
  const record = async () => {
    const found = await scene.ledger.get(id);
    return found?.state === "approved" ? found : expect.fail("there is no approved record");
  };
  /** Lets the worker look whenever something is due, for so long. */
  const passes = async (ms: number) => {
    for (const until = scene.clock.ms + ms; scene.clock.ms < until; ) {
      await reconcileCluster({ ...scene.context(), openCluster }, scene.cluster);
      scene.clock.ms = Math.max(scene.clock.ms, Date.parse((await record()).trouble?.retryAt ?? ""));
    }
  };
  const told = async () =>
    (await scene.ledger.events(1, 10_000))
      .map(({ event }) => event)
      .filter(({ type, request }) => type === "lease.delayed" && request === id)
      .map(({ detail }) => detail);
  return { ...scene, openCluster, record, passes, told };
}

describe("an outage", () => {
  test("of a weekend is reported a few times, with growing gaps, and the record has each try", async () => {
    const { passes, record, told } = await anOutage(() => unreachable("AWS could not be reached"));
    const { version } = await record();

    await passes(48 * hour);

    const { trouble, version: later } = await record();
    const tries = trouble?.attempts ?? 0;
    // Ends meanwhile, and what is to end is tried each minute.
    expect(tries).toBeGreaterThan(2_700);
    expect(later).toBe(version + tries);
    expect((await told()).map(({ attempts }) => attempts)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]);
  });

  test("shows each cause when it is new, with what it was", async () => {
    const causes = ["the first", "the first", "the first", "the first", "the second", "the second"];
    const { passes, told } = await anOutage((attempt) => unreachable(causes[attempt - 1] ?? "the second"));

    await passes(60_000);

    expect(await told()).toEqual([
      { code: "aws-unreachable", message: expect.stringMatching(/^the first\. /), attempts: 1 },
      { code: "aws-unreachable", message: expect.stringMatching(/^the first\. /), attempts: 2 },
      { code: "aws-unreachable", message: expect.stringMatching(/^the first\. /), attempts: 4 },
      { code: "aws-unreachable", message: expect.stringMatching(/^the second\. /), attempts: 5 },
    ]);
  });

  test("that is over and comes again is reported again", async () => {
    const { passes, told, cluster, context, record } = await anOutage(() => unreachable("AWS is away"));
    await passes(4_000);
    await reconcileCluster(context(), cluster);
    const active = await record();
    await recordPostponed(context(), active, unreachable("AWS is away"));

    expect(active).toMatchObject({ trouble: null, lease: { state: "active" } });
    expect((await told()).map(({ attempts }) => attempts)).toEqual([1, 2, 1]);
  });
});

test("an approval given while a person's mistake stops aws-auth counts after the repair", async () => {
  const scene = await aDirectScene({ ...initialAwsAuth, mapUsers: "- userarn: [" });
  const look = () => reconcileCluster(scene.context(), scene.cluster);

  await look();
  await look();
  const waiting = await scene.ledger.get(id);
  scene.aws.editMapUsers(() => "");
  scene.clock.ms = Date.parse(waiting?.trouble?.retryAt ?? "");
  await look();

  expect(waiting).toMatchObject({ state: "approved", trouble: { code: "section-unreadable" } });
  expect(await scene.ledger.get(id)).toMatchObject({ state: "approved", lease: { state: "active" } });
});

test("a lease whose time is over while no one can look is reported at once", async () => {
  const { passes, told, clock, cluster, context, record } = await anOutage(() => unreachable("AWS is away"));
  await reconcileCluster(context(), cluster);
  const active = await record();
  await recordPostponed(context(), active, unreachable("AWS is away"));
  await recordPostponed(context(), active, unreachable("AWS is away"));
  clock.ms += 2 * hour;
  await passes(1);

  expect((await record()).lease?.end).toMatchObject({ cause: "expired" });
  expect((await told()).map(({ attempts }) => attempts)).toEqual([1, 2, 3]);
});

test("a try that has sent a write is reported each time: no write of the cluster's own log is without its event", async () => {
  const { context, record, told } = await anOutage(() => unreachable(""));
  const auditIds = requestIds();
  auditIds.add("PUT configmaps", "of-the-api-server");
  const looked = requestIds();
  looked.add("PUT configmaps (dry run)", "of-the-dry-run");
  const fails = async (log: typeof auditIds) =>
    recordPostponed({ ...context(), auditIds: log }, await record(), unreachable("its answer was lost"));

  for (const log of [looked, looked, looked, auditIds, auditIds, auditIds]) await fails(log);

  expect((await told()).map(({ attempts, auditIds: ids }) => [attempts, ids])).toEqual([
    [1, looked.byCall()],
    [2, looked.byCall()],
    [4, auditIds.byCall()],
    [5, auditIds.byCall()],
    [6, auditIds.byCall()],
  ]);
});

describe("a void approval whose lease may have a part in the cluster", () => {
  test("is reported, although the cause that keeps it there was reported before", async () => {
    const { context, record, told, clock } = await anOutage(() => unreachable(""));
    const fails = async (put: typeof recordPostponed) => put(context(), await record(), unreachable("AWS is away"));
    await fails(recordPostponed);
    await fails(recordPostponed);
    const voidSince = new Date(clock.ms).toISOString();
    await fails(recordVoidPostponed);
    clock.ms += 1_000;
    for (let more = 0; more < 2; more += 1) await fails(recordVoidPostponed);

    expect((await told()).map(({ attempts, voidSince: since }) => [attempts, since])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, voidSince],
      [4, voidSince],
    ]);
    expect((await record()).lease?.voidSince).toBe(voidSince);
  });

  test("says nothing of one that was given meanwhile", async () => {
    const { context, record, records } = await anOutage(() => unreachable(""));
    const stale = await record();
    const lease = { ...stale.lease, endsAt: new Date(Date.parse(stale.lease.endsAt) + 1).toISOString() };
    records.set(id, { ...stale, lease });

    await recordVoidPostponed(context(), stale, unreachable("AWS is away"));

    expect(await record()).toMatchObject({ version: stale.version, trouble: null });
    expect((await record()).lease?.voidSince).toBeNull();
  });
});

test.each([
  ["waits for an operator's repair fails with that cause", "aws-access-denied", "failed"],
  ["met a concurrent edit stays: the next run looks whether a part of it is there", "cluster-conflict", "scheduled"],
] as const)("a lease whose time is over and that %s", async (_what, code, state) => {
  const { ledger, clock, context } = await aDirectScene(initialAwsAuth);
  const request = await ledger.get(id);
  if (request?.state !== "approved") return expect.fail("there is no approved record");
  clock.ms = Date.parse(request.lease.endsAt ?? "") + 1_000;

  await recordPostponed(context(), request, new AccessError(code, "It failed"));

  expect((await ledger.get(id))?.lease?.state).toBe(state);
});

test("an approved lease waits while aws-auth is broken: only an operator can repair it", async () => {
  const { ledger, context, cluster } = await aDirectScene({ mapRoles: "- rolearn: [", mapUsers: "- userarn: [" });

  await reconcileCluster(context(), cluster);

  expect(await ledger.get(id)).toMatchObject({
    trouble: { code: "section-unreadable", attempts: 1 },
    lease: { state: "scheduled" },
  });
});
