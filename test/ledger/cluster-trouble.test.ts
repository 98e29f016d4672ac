import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { initialAwsAuth } from "../../sandbox/scene.ts";
import { AccessError } from "../../src/access/access-error.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { wakeChanged } from "../../src/ledger/look-ups.ts";
import { FailureLog } from "../../src/operations/log.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { previewCluster } from "../../src/worker/preview/preview.ts";
import { adoptByTheClock } from "../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../src/worker/reconcile/reconcile.ts";
import { revise } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { aChange } from "../builders/an-event.ts";
import { aDirectScene } from "../fault/direct-scene.ts";
import { wishes } from "../fault/reconcile-scene.ts";

const day = 24 * 3_600_000;
const refused = (role: string) => new AccessError("aws-access-denied", `AWS refused sts:AssumeRole on ${role}`);
const failing = new AccessError("cluster-unexpected", "The API server answered 500 to GET configmap aws-auth");
const away = new AccessError("aws-unreachable", "AWS could not be reached");

/** A cluster that can't be opened for a reason that may change, with what the log says of it. */
async function aClosedCluster(why: AccessError) {
  const scene = await aDirectScene(initialAwsAuth);
  const state = { why: why as AccessError | null, opened: 0 };
  const lines: { level: number; msg: string; err?: object }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const open = scene.context().openCluster;
  const openCluster: WorkerContext["openCluster"] = (...given) => {
    state.opened += 1;
    return state.why ? Promise.reject(state.why) : open(...given);
  };
  const failures = new FailureLog(log, () => new Date(scene.clock.ms));
  const context = () => ({ ...scene.context(), openCluster, log, failures });
  const troubleOf = async () => (await scene.ledger.clusterTroubles([scene.cluster.name])).get(scene.cluster.name);
  /** Whenever the cluster's time has come it is tried, for so long. */
  const pass = async (ms: number) => {
    for (const until = scene.clock.ms + ms; scene.clock.ms < until; ) {
      await adoptByTheClock(context(), scene.cluster);
      scene.clock.ms = Date.parse((await troubleOf())?.retryAt ?? "");
    }
  };
  const record = async (id: string = wishes.long.id) =>
    (await scene.ledger.get(id)) ?? expect.fail("there is no record");
  const errors = () => lines.filter(({ level }) => level >= 50);
  return { ...scene, state, context, pass, troubleOf, record, errors, lines };
}

describe("a cluster that can't be opened", () => {
  test("is tried about a hundred times on a day, and the log has its cause once, with one stack", async () => {
    const { pass, state, errors, lines } = await aClosedCluster(refused("creator"));

    await pass(day);

    expect(state.opened).toBeGreaterThan(90);
    expect(state.opened).toBeLessThan(150);
    expect(errors()).toMatchObject([{ msg: "could not work on the cluster" }]);
    expect(lines.filter(({ err }) => err)).toHaveLength(1);
  });

  test("says in the log when the cause is another one, and when it is over", async () => {
    const { pass, state, errors, lines, context, cluster } = await aClosedCluster(refused("creator"));
    await pass(60_000);
    state.why = away;
    await pass(60_000);
    state.why = null;

    await adoptByTheClock(context(), cluster);

    expect(errors()).toMatchObject([{ err: { code: "aws-access-denied" } }, { err: { code: "aws-unreachable" } }]);
    expect(lines.map(({ msg }) => msg)).toContain("works on the cluster again");
  });

  test("is also one that opens, and does not answer a request's preview: its operators learn it", async () => {
    const { state, context, cluster, clock, ledger, record, troubleOf } = await aClosedCluster(away);
    state.why = null;
    await ledger.commit(aChange(revise(await record(wishes.undecided.id), { preview: null })));
    const silent = new AccessError("cluster-unreachable", "The API server did not answer");
    const openCluster: WorkerContext["openCluster"] = async (...given) => {
      const opened = await context().openCluster(...given);
      return { ...opened, client: { ...opened.client, readAwsAuth: () => Promise.reject(silent) } };
    };

    await previewCluster({ ...context(), openCluster }, cluster);
    const during = await troubleOf();
    const waiting = await record(wishes.undecided.id);
    clock.ms += 10 * 60_000;
    await previewCluster(context(), cluster);

    expect(waiting.trouble).toMatchObject({ code: "cluster-unreachable" });
    expect((await record(wishes.undecided.id)).preview).not.toBeNull();
    expect(during).toMatchObject({ code: "cluster-unreachable", overAt: null });
    expect((await troubleOf())?.overAt).not.toBeNull();
  });

  test("is not called repaired by a preview that could not read it either", async () => {
    const { state, context, cluster, ledger, record, troubleOf } = await aClosedCluster(failing);
    await adoptByTheClock(context(), cluster);
    state.why = null;
    await ledger.commit(aChange(revise(await record(wishes.undecided.id), { preview: null })));
    const openCluster: WorkerContext["openCluster"] = async (...given) => {
      const opened = await context().openCluster(...given);
      return { ...opened, client: { ...opened.client, readAwsAuth: () => Promise.reject(failing) } };
    };

    await previewCluster({ ...context(), openCluster }, cluster);

    expect(await troubleOf()).toMatchObject({ code: "cluster-unexpected", overAt: null });
  });

  test("is opened at once for what a person has just approved, whenever its next try is", async () => {
    const { pass, state, context, cluster } = await aClosedCluster(away);
    await pass(day);
    const before = state.opened;

    await reconcileCluster(context(), cluster);

    expect(state.opened - before).toBe(1);
  });

  test("delays a lease as long as it lasts, and gives it as soon as any run can open the cluster", async () => {
    const { pass, state, context, cluster, record, troubleOf, clock } = await aClosedCluster(away);
    await pass(day / 48);
    await reconcileCluster(context(), cluster);
    const waiting = await record();
    const { retryAt } = (await troubleOf()) ?? expect.fail("there is no trouble");
    state.why = null;

    await adoptByTheClock(context(), cluster);
    const due = await record();
    await reconcileCluster(context(), cluster);

    expect(waiting.trouble).toMatchObject({ code: "aws-unreachable", retryAt });
    expect(due.trouble?.retryAt).toBe(new Date(clock.ms).toISOString());
    expect((await record()).lease?.state).toBe("active");
    expect(await troubleOf()).toMatchObject({ overAt: new Date(clock.ms).toISOString() });
  });

  test("fails no lease while an operator can repair it, and gives the lease then", async () => {
    const { pass, state, context, cluster, record } = await aClosedCluster(refused("creator"));
    await reconcileCluster(context(), cluster);
    const waiting = await record();
    await pass(60_000);
    state.why = null;

    await adoptByTheClock(context(), cluster);
    await reconcileCluster(context(), cluster);

    expect(waiting).toMatchObject({ lease: { state: "scheduled" }, trouble: { code: "aws-access-denied" } });
    expect((await record()).lease?.state).toBe("active");
  });

  test("gives nothing after the approval has become too old: the approvers decide again", async () => {
    const { state, context, cluster, record, clock } = await aClosedCluster(refused("creator"));
    const { config } = context();
    const soonTooOld = { ...config, timing: { ...config.timing, approvalGoodForSeconds: 600 } };
    await reconcileCluster({ ...context(), config: soonTooOld }, cluster);
    clock.ms += 660_000;
    state.why = null;

    await reconcileCluster({ ...context(), config: soonTooOld }, cluster);

    expect(await record()).toMatchObject({ state: "pending", lease: null, voided: { by: ["U0APPROVER"] } });
  });

  test("fails an unwritten lease with its cause when its time is over", async () => {
    const { context, cluster, record, clock } = await aClosedCluster(refused("creator"));
    await reconcileCluster(context(), cluster);
    clock.ms += (wishes.long.durationSeconds + 60) * 1000;

    await reconcileCluster(context(), cluster);

    expect((await record()).lease).toMatchObject({ state: "failed", failure: { code: "aws-access-denied" } });
  });

  test.each([away, refused("creator")])("is tried each minute for what is to end there: %s", async (why) => {
    const { state, context, cluster, record, ledger, clock } = await aClosedCluster(why);
    state.why = null;
    await reconcileCluster(context(), cluster);
    await ledger.commit(aChange(revoked(await record())));
    state.why = why;
    const before = state.opened;

    for (const until = clock.ms + 3_600_000; clock.ms < until; ) {
      await reconcileCluster(context(), cluster, "end");
      clock.ms = Date.parse((await record()).trouble?.retryAt ?? "");
    }

    expect(state.opened - before).toBeGreaterThanOrEqual(60);
  });
});

describe("a cluster that is opened, and can't be worked on", () => {
  const throttled = new AccessError("cluster-throttled", "The API server throttled get configmaps");

  /** Its document can't be read as long as `state.why` says so. */
  async function aThrottledDocument() {
    const scene = await aClosedCluster(away);
    const state = { why: throttled as AccessError | null };
    scene.state.why = null;
    const context = () => {
      const given = scene.context();
      const openCluster: WorkerContext["openCluster"] = async (...asked) => {
        const open = await given.openCluster(...asked);
        const readAwsAuth = () => (state.why ? Promise.reject(state.why) : open.client.readAwsAuth());
        return { ...open, client: { ...open.client, readAwsAuth } };
      };
      return { ...given, openCluster };
    };
    const tryFor = async (times: number, reason?: "inspect") => {
      for (let time = 0; time < times; time += 1) {
        await reconcileCluster(context(), scene.cluster, reason);
        scene.clock.ms += 60_000;
      }
    };
    return { ...scene, state, tryFor };
  }

  test("has one stack in the log for each cause, and then how often it was tried", async () => {
    const { tryFor, state, lines } = await aThrottledDocument();

    await tryFor(50);
    state.why = new AccessError("cluster-unexpected", "The API server answered 500 to get configmaps");
    await tryFor(50);

    expect(lines.filter(({ err }) => err)).toMatchObject([
      { msg: "reconcile failed", err: { code: "cluster-throttled" } },
      { msg: "reconcile failed", err: { code: "cluster-unexpected" } },
    ]);
    expect(lines.length).toBeLessThan(30);
  });

  test("is worked on at once when something is due, and the log says that it works again", async () => {
    const { tryFor, state, lines, record } = await aThrottledDocument();
    await tryFor(10);
    state.why = null;

    await tryFor(1);

    expect((await record()).lease?.state).toBe("active");
    expect(lines.map(({ msg }) => msg)).toContain("reconcile failed: it works again");
  });
});

function revoked(request: AccessRequest): AccessRequest {
  const end = { cause: "revoked", by: "U0ENGINEER", at: new Date().toISOString(), why: "" } as const;
  return revise(request, { lease: request.lease && { ...request.lease, end } });
}

describe("a lease that waits for an operator's repair", () => {
  async function aWaiting() {
    const scene = await aDirectScene(initialAwsAuth);
    const request = (await scene.ledger.get(wishes.long.id)) ?? expect.fail("there is no record");
    const until = new Date(scene.clock.ms + 900_000).toISOString();
    const waiting = revise(request, { trouble: aTrouble({ code: "aws-access-denied", retryAt: until }) });
    await scene.ledger.commit(aChange({ ...waiting, version: request.version + 1 }));
    const nextTry = async () => (await scene.ledger.get(request.id))?.trouble?.retryAt;
    return { ...scene, until, nextTry, before: new Map([[scene.cluster.name, scene.cluster]]) };
  }

  test("is tried at once with a new configuration of its cluster", async () => {
    const { context, cluster, clock, nextTry, before } = await aWaiting();
    const config = { ...context().config, clusters: new Map([[cluster.name, { ...cluster, channel: "C0OTHER" }]]) };

    await wakeChanged({ ...context(), config }, { clusters: before });

    expect(await nextTry()).toBe(new Date(clock.ms).toISOString());
  });

  test("keeps its time with a configuration that changes another cluster alone", async () => {
    const { context, nextTry, until, before } = await aWaiting();

    await wakeChanged(context(), { clusters: before });

    expect(await nextTry()).toBe(until);
  });
});

test("with a new policy, a waiting request is checked again at once, and with another channel alone it keeps its preview", async () => {
  const { context, cluster, ledger } = await aDirectScene(initialAwsAuth);
  const preview = async () => (await ledger.get(wishes.undecided.id))?.preview ?? null;
  const change = (changed: typeof cluster) =>
    wakeChanged(
      { ...context(), config: { ...context().config, clusters: new Map([[cluster.name, changed]]) } },
      { clusters: new Map([[cluster.name, cluster]]) },
    );
  const request = (await ledger.get(wishes.undecided.id)) ?? expect.fail("there is no record");
  await ledger.commit(aChange({ ...request, version: request.version + 1, preview: null }));
  await previewCluster(context(), cluster);
  const before = await preview();

  await change({ ...cluster, channel: "C0OTHER" });
  const kept = await preview();
  await change({ ...cluster, approvers: ["U0OTHER"] });

  expect(before).not.toBeNull();
  expect(kept).toEqual(before);
  expect(await preview()).toBeNull();
});
