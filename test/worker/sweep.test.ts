import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Lease } from "../../src/access/lease/lease-record.ts";
import { planReminders } from "../../src/access/lists.ts";
import { connectRedis, connectRedisBlocking } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { configurationOf } from "../../src/ledger/look-ups.ts";
import { openQueues, type Queues, workOnJobs } from "../../src/ledger/queues.ts";
import { FailureLog } from "../../src/operations/log.ts";
import { inParallel } from "../../src/operations/parallel.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { sweep } from "../../src/worker/sweep.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { aMigration } from "../builders/a-migration.ts";
import {
  aLease,
  aLeasedRequest,
  anApprovedRequest,
  aPreview,
  aPreviewedRequest,
  aRequest,
} from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { anEmergency } from "../builders/an-emergency.ts";
import { aChange } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";
import { asAdministrator } from "../ledger/a-ledger-on.ts";
import { aRedis, type TestRedis } from "../redis.ts";

let database: TestRedis;
let redis: Awaited<ReturnType<typeof connectRedis>>;
let queues: Queues;

beforeEach(async () => {
  database = await aRedis();
  redis = await connectRedis(database.url);
  queues = openQueues(redis.redis);
});

afterEach(async () => {
  await queues.close();
  await redis.close();
  await database.close();
});

function contextAt(now: Date): WorkerContext {
  const config = configOf(configText);
  const log = pino({ level: "silent" });
  return {
    ledger: redisLedger(redis.redis),
    queues,
    log,
    failures: new FailureLog(log),
    config,
    keys,
    now: () => now,
  };
}

describe("a request that waits for a decision", () => {
  const waiting = aPreviewedRequest({
    preview: aPreview({ at: at(0).toISOString() }),
    reminders: planReminders(at(0), at(hours(24)).toISOString(), [minutes(15), hours(1), hours(4)]),
  });

  test("and that no approver saw ends with what kept it from them", async () => {
    const { ledger } = contextAt(at(0));
    const trouble = aTrouble({ code: "aws-access-denied", message: "AWS refused it." });
    await ledger.commit(aChange({ ...aRequest(), trouble }));

    await sweep(contextAt(at(hours(24))));

    const refusal = { code: "aws-access-denied", message: "AWS refused it." };
    expect(await ledger.get("r-1")).toMatchObject({ state: "refused", refusal, trouble: null });
    expect((await ledger.eventsOf("r-1", 9)).at(-1)?.event).toMatchObject({
      type: "request.refused",
      detail: { code: "aws-access-denied" },
    });
  });

  test("is reminded of as the configuration says, each time with an event, and expires in the end", async () => {
    const { ledger } = contextAt(at(0));
    await ledger.commit(aChange(waiting));

    for (const seconds of [minutes(14), minutes(15), minutes(16), hours(1), hours(4), hours(23), hours(24)]) {
      await sweep(contextAt(at(seconds)));
    }

    const events = await ledger.events(2, 10);
    expect(events.map(({ event }) => [event.type, event.at])).toEqual([
      ["request.reminded", at(minutes(15)).toISOString()],
      ["request.reminded", at(hours(1)).toISOString()],
      ["request.reminded", at(hours(4)).toISOString()],
      ["request.expired", at(hours(24)).toISOString()],
    ]);
    expect(await ledger.get("r-1")).toMatchObject({ state: "expired", reminders: { sent: 3, nextAt: null } });
  });

  test("is reminded of once where two workers sweep at the same time", async () => {
    const { ledger } = contextAt(at(0));
    await ledger.commit(aChange(waiting));

    await Promise.all([1, 2].map(() => sweep(contextAt(at(minutes(15))))));

    expect((await ledger.get("r-1"))?.reminders?.sent).toBe(1);
  });
});

test("after a start of another server, what waits for people is shown again, also where the first sweep failed, and ends do not wait for it", async () => {
  const context = contextAt(at(hours(8)));
  const { ledger } = context;
  await ledger.commit(aChange(aRequest({ expiresAt: at(hours(24)).toISOString() })));
  await sweep(context);
  await asAdministrator(database.url, (server) => server.set("{eks-access}:server", "the server before"));
  await ledger.commit(aChange(aLeasedRequest({}, { id: "r-over", version: 1 })));
  const { version = 0 } = (await ledger.get("r-1")) ?? {};
  const list = () => Promise.reject(new Error("Redis went away again"));

  await expect(sweep({ ...context, ledger: { ...ledger, list } })).rejects.toThrow("Redis went away again");
  expect(await ledger.get("r-1")).toMatchObject({ version });
  const ends = await queues.ends.getJobs(["waiting"]);
  expect(ends.map(({ data }) => data)).toEqual([{ type: "end", cluster: "staging" }]);
  for (const _ of [1, 2]) await sweep(context);

  expect(await ledger.get("r-1")).toMatchObject({ version: version + 1 });
});

test("a lease is announced to end, except where another one extends it", async () => {
  const { ledger } = contextAt(at(0));
  const warned = { warnAt: at(hours(3)).toISOString() };
  await ledger.commit(aChange(aLeasedRequest(warned, { id: "r-alone", version: 1 })));
  await ledger.commit(aChange(aLeasedRequest(warned, { id: "r-extended", version: 1 })));
  const endsAt = at(hours(8)).toISOString();
  await ledger.commit(aChange(aLeasedRequest({ endsAt }, { id: "r-longer", version: 1, extends: "r-extended" })));

  for (const _ of [1, 2]) await sweep(contextAt(at(hours(3))));

  const events = await Promise.all(["r-alone", "r-extended"].map((id) => ledger.eventsOf(id, 9)));
  expect(events.map((each) => each.filter(({ event }) => event.type === "lease.warned").length)).toEqual([1, 0]);
  expect(await ledger.get("r-extended")).toMatchObject({ version: 2, lease: { warnAt: null, warnedAt: null } });
});

test("what is due wakes each cluster once and each message, however many records it is of", async () => {
  const context = contextAt(at(hours(5)));
  const requests = Array.from({ length: 120 }, (_, index) => aLeasedRequest({}, { id: `r-${index}`, version: 1 }));
  await Promise.all(requests.map((request) => context.ledger.commit(aChange(request, "lease.active"))));
  await context.ledger.markAdopted("staging");

  await sweep(context);
  await sweep(context);

  const looks = await queues.ends.getJobs(["waiting"]);
  const shows = await queues.messages.getJobs(["waiting"]);
  expect(looks.map(({ data }) => data)).toEqual([{ type: "end", cluster: "staging" }]);
  expect(shows.length).toBeGreaterThanOrEqual(100);
  expect(new Set(shows.map(({ data }) => JSON.stringify(data))).size).toBe(shows.length);
});

test("a message that waits for its next try, because Slack is away, still waits for it after a sweep", async () => {
  const context = contextAt(at(0));
  await context.ledger.commit(aChange(aRequest()));
  const blocking = connectRedisBlocking(database.url);
  const awayFor = { run: () => Promise.reject(new Error("Slack is away")), waitMs: () => 60_000 };
  const show = { queue: "messages", read: (data: unknown) => data, failed: () => {}, concurrency: 1 } as const;
  const worker = workOnJobs({ ...show, ...awayFor, log: context.log, lockMs: 600_000 }, blocking);
  await sweep(context);
  await vi.waitUntil(async () => (await queues.messages.getDelayedCount()) === 1);
  await worker.stop(new AbortController().signal);
  blocking.disconnect();

  await sweep(context);

  expect(await queues.messages.getJobCounts("waiting", "delayed")).toEqual({ waiting: 0, delayed: 1 });
});

test("an end is put in again only after five seconds, or when its record changed", async () => {
  const { ledger } = contextAt(at(hours(5)));
  const lease = aLeasedRequest({}, { version: 1 });
  await ledger.commit(aChange(lease, "lease.active"));
  await ledger.markAdopted("staging");
  const endsAfter = async (seconds: number) => {
    await sweep(contextAt(at(hours(5) + seconds)));
    const jobs = await queues.ends.getJobs(["waiting"]);
    await Promise.all(jobs.map((job) => job.remove()));
    return jobs.length;
  };

  const [first, next, later] = [await endsAfter(0), await endsAfter(1), await endsAfter(5)];
  const retryAt = at(hours(5) + 6).toISOString();
  await ledger.commit(aChange({ ...lease, version: 2, trouble: aTrouble({ retryAt }) }, "lease.delayed"));
  const changed = await endsAfter(6);

  expect([first, next, later, changed]).toEqual([1, 0, 1, 1]);
});

test("messages are put in again only where fewer than a hundred wait", async () => {
  const context = contextAt(at(0));
  const requests = Array.from({ length: 120 }, (_, index) => aLeasedRequest({}, { id: `r-${index}`, version: 1 }));
  await Promise.all(requests.map((request) => context.ledger.commit(aChange(request, "lease.active"))));
  await sweep(context);
  const put = vi.spyOn(queues.messages, "addBulk");

  await sweep(context);
  expect(put).not.toHaveBeenCalled();
  await queues.messages.drain();
  await sweep(context);

  expect(put.mock.calls.flat(2)).toHaveLength(100);
  put.mockRestore();
});

test("a cluster in which nothing is in force is read from time to time, and not at each sweep", async () => {
  const context = contextAt(at(0));
  await context.ledger.markAdopted("staging");

  await sweep(context);
  const first = await queues.clusters.getJobs(["waiting", "prioritized"]);
  await Promise.all(first.map((job) => job.remove()));
  await sweep(context);
  const second = await queues.clusters.getJobs(["waiting", "prioritized"]);

  expect(first.map(({ data }) => data)).toContainEqual({ type: "adopt", cluster: "staging" });
  expect(second.map(({ data }) => data.type)).not.toContain("adopt");
});

test("a record with times that no calendar has keeps no sweep from the others", async () => {
  const context = contextAt(at(hours(5)));
  const lease = aLeasedRequest({}, { version: 1 });
  await context.ledger.commit(aChange(lease));
  for (const [index, impossible] of [{ at: "garbage" }, { at: "+275760-09-13T00:00:00.000Z" }].entries()) {
    const approvals = lease.approvals.map((each) => ({ ...each, ...impossible }));
    await context.ledger.commit(aChange({ ...lease, id: `r-forged-${index}`, approvals }));
  }

  await sweep(context);

  expect((await queues.ends.getJobs(["waiting"])).map(({ data }) => data)).toEqual([
    { type: "end", cluster: "staging" },
  ]);
});

test("a broken glass that a person made look reviewed in Redis is found, and reported again as not reviewed", async () => {
  const { ledger } = contextAt(at(0));
  const broken = anEmergency({ version: 1 });
  const review = { by: "U0APPROVER", at: at(hours(1)).toISOString(), seal: "00000000.00" };
  const failed = aLease(broken.lease, { state: "failed" });
  // What is over and reviewed is due nowhere.
  await ledger.commit(
    aChange({ ...broken, lease: failed, emergency: { ...broken.emergency, review } }, "emergency.reviewed"),
  );

  await sweep(contextAt(at(hours(25))));

  expect((await ledger.get(broken.id))?.emergency).toMatchObject({ review: null, reminders: 1 });
  expect((await ledger.events(1, 10)).map(({ event }) => event.type)).toEqual([
    "emergency.reviewed",
    "emergency.unreviewed",
  ]);
});

describe("a cluster that can't be worked on", () => {
  const looksAt = async (seconds: number) => {
    const context = contextAt(at(seconds));
    await sweep(context);
    const waiting = (await queues.clusters.getJobs(["waiting", "prioritized"])).map(({ data }) => data.type);
    await queues.clusters.drain();
    return waiting;
  };
  const noteTroubleOf = async (configuration: string, retryAt = at(minutes(10))) => {
    const trouble = { ...aTrouble({ retryAt: retryAt.toISOString() }), since: at(0).toISOString() };
    await contextAt(at(0)).ledger.setClusterTrouble("staging", { ...trouble, configuration, overAt: null });
  };
  const itsConfiguration = () => {
    const cluster = contextAt(at(0)).config.clusters.get("staging");
    return cluster ? configurationOf(cluster) : expect.fail("there is no cluster");
  };

  test("gets a look when its next try is due, and not before", async () => {
    await noteTroubleOf(itsConfiguration());

    expect(await looksAt(minutes(9.9))).toEqual([]);
    expect(await looksAt(minutes(10))).toEqual(["adopt"]);
  });

  test("gets a look at once where a person wrote into Redis that its next try is in a year", async () => {
    await noteTroubleOf(itsConfiguration(), at(hours(8_760)));

    expect(await looksAt(minutes(1))).toEqual(["adopt"]);
  });

  test("gets one look at once after a new configuration", async () => {
    await noteTroubleOf("another one");

    expect(await looksAt(minutes(1))).toEqual(["adopt"]);
    expect(await looksAt(minutes(1.1))).toEqual([]);
  });
});

describe("a principal that is to sign in", () => {
  const looksAt = async (seconds: number) => {
    await sweep(contextAt(at(seconds)));
    const waiting = await Promise.all(
      [queues.clusters, queues.ends].map((queue) => queue.getJobs(["waiting", "prioritized"])),
    );
    return waiting.flat().map(({ data }) => data.type);
  };
  const signingIn = (change: Partial<Lease> = {}) =>
    aLeasedRequest({ signInDueAt: at(minutes(4)).toISOString(), ...change }, { version: 1 });

  test("is looked after where the process that tried it is gone", async () => {
    await contextAt(at(0)).ledger.commit(aChange(signingIn()));

    expect(await looksAt(minutes(3.9))).not.toContain("sign-in");
    expect(await looksAt(minutes(4))).toContain("sign-in");
    expect(await looksAt(minutes(4))).not.toContain("reconcile");
  });

  test("is looked for at its next try, no matter who made the last one, and not before", async () => {
    const retryAt = at(minutes(10)).toISOString();
    const signInTrouble = aTrouble({ attempts: 8, retryAt });
    await contextAt(at(0)).ledger.commit(aChange(signingIn({ signInDueAt: retryAt, signInTrouble })));

    expect(await looksAt(minutes(9.9))).not.toContain("sign-in");
    expect(await looksAt(minutes(10))).toContain("sign-in");
  });

  test("so is one without the API server's review, at its next try", async () => {
    const reviewTrouble = aTrouble({ attempts: 8, retryAt: at(minutes(10)).toISOString() });
    await contextAt(at(0)).ledger.commit(aChange(signingIn({ signInDueAt: null, reviewTrouble })));

    expect(await looksAt(minutes(9.9))).not.toContain("sign-in");
    expect(await looksAt(minutes(10))).toContain("sign-in");
  });

  test("does not keep its lease from ending", async () => {
    await contextAt(at(0)).ledger.commit(aChange(signingIn()));

    expect(await looksAt(hours(9))).toEqual(expect.arrayContaining(["sign-in", "end"]));
  });

  test.each([
    ["its lease is taken away", { end: { cause: "revoked", by: "U0ONCALL", at: at(200).toISOString(), why: "" } }],
    ["its lease is not in force", { drift: { at: at(200).toISOString(), message: "gone" } }],
    ["it was tried", { signInDueAt: null }],
  ] as const)("is not looked after where %s", async (_, change) => {
    await contextAt(at(0)).ledger.commit(aChange(signingIn(change)));

    expect(await looksAt(minutes(5))).not.toContain("sign-in");
  });
});

describe("what is due of a cluster that left the configuration", () => {
  const elsewhere = { cluster: "gone" } as const;

  test.each([
    ["a lease that is over", aLeasedRequest({ endsAt: at(hours(1)).toISOString() })],
    [
      "a revoked lease",
      aLeasedRequest({ end: { cause: "revoked", by: "U0ONCALL", at: at(hours(1)).toISOString(), why: "" } }),
    ],
    ["a request without a preview", { ...aRequest(), createdAt: at(hours(1)).toISOString() }],
  ])("is left for a minute to another worker that still has the cluster: %s", async (_, record) => {
    const { ledger } = contextAt(at(0));
    await ledger.commit(aChange({ ...record, ...elsewhere, version: 1 }));
    const troubleAt = async (seconds: number) => {
      await sweep(contextAt(at(hours(1) + seconds)));
      return (await ledger.get(record.id))?.trouble ?? null;
    };

    expect([await troubleAt(1), await troubleAt(59)]).toEqual([null, null]);
    expect(await troubleAt(60)).toMatchObject({ code: "cluster-not-configured" });
  });

  test("is reported with its remedy in the record, and no one is woken for it", async () => {
    const { ledger } = contextAt(at(0));
    const active = aLeasedRequest(
      { state: "active", endsAt: at(hours(1)).toISOString() },
      { ...elsewhere, version: 1 },
    );
    await ledger.commit(aChange(active));

    await sweep(contextAt(at(hours(9))));

    const record = await ledger.get(active.id);
    expect(record?.trouble).toMatchObject({
      code: "cluster-not-configured",
      retryAt: at(hours(9) + 60).toISOString(),
    });
    expect(record?.trouble?.message).toContain("run eks-access retire");
    // Not reported as active any more, and not as ended either.
    expect(record?.lease).toMatchObject({ state: "active", end: { cause: "expired" }, endedAt: null });
    const woken = (await queues.clusters.getWaiting()).map(({ data }) => ("cluster" in data ? data.cluster : ""));
    expect(woken).not.toContain("gone");
  });

  test("is in the log with growing gaps, however many looks there are", async () => {
    const { ledger } = contextAt(at(0));
    await ledger.commit(aChange(aLeasedRequest({ state: "scheduled" }, { ...elsewhere, version: 1 })));
    await ledger.commit(aChange({ ...waitingFor("gone"), id: "r-2", version: 1 }));

    for (let look = 0; look < 10; look += 1) await sweep(contextAt(at(look * 121 + 180)));

    const { trouble } = (await ledger.get("r-1")) ?? {};
    const attemptsOf = async (id: string) => (await ledger.eventsOf(id, 100)).map(({ event }) => event.detail.attempts);
    expect(trouble).toMatchObject({ attempts: 10, retryAt: at(9 * 121 + 240).toISOString() });
    expect(await attemptsOf("r-1")).toEqual([undefined, 1, 2, 4, 8]);
    expect(await attemptsOf("r-2")).toEqual([undefined, 1, 2, 4, 8]);
  });

  test("gets no more looks because of a sign-in there", async () => {
    const { ledger } = contextAt(at(0));
    const signInDueAt = at(0).toISOString();
    await ledger.commit(aChange(aLeasedRequest({ signInDueAt }, { ...elsewhere, version: 1 })));

    for (let look = 0; look < 10; look += 1) await sweep(contextAt(at(60 + look)));

    expect((await ledger.get("r-1"))?.trouble).toMatchObject({ attempts: 1, retryAt: at(120).toISOString() });
  });

  test("continues when a worker has the cluster again", async () => {
    const { ledger } = contextAt(at(0));
    await ledger.commit(aChange(aLeasedRequest({ state: "scheduled" }, { ...elsewhere, version: 1 })));
    await sweep(contextAt(at(0)));
    const context = contextAt(at(301));
    const [[, staging] = []] = [...context.config.clusters];
    if (!staging) throw new Error("no cluster");
    const clusters = new Map([["gone", { ...staging, name: "gone" }]]);

    await sweep({ ...context, config: { ...context.config, clusters } });

    const woken = (await queues.clusters.getWaiting()).map(({ data }) => data);
    expect(woken).toContainEqual({ type: "reconcile", cluster: "gone" });
  });

  test("as a request that waits, is looked for again soon: an older worker may meet a newer configuration", async () => {
    const { ledger } = contextAt(at(0));
    await ledger.commit(aChange({ ...waitingFor("gone"), version: 1 }));

    await sweep(contextAt(at(60)));

    expect((await ledger.get("r-1"))?.trouble).toMatchObject({ attempts: 1, retryAt: at(61).toISOString() });
  });
});

const waitingFor = (cluster: string) => aRequest({ cluster });

test("after a start of another server, all that wait are shown again, however many they are", async () => {
  const { ledger, ...context } = contextAt(at(0));
  const ids = Array.from({ length: 1_001 }, (_, index) => `r-${index + 1}`);
  await inParallel(ids, (id) => ledger.commit(aChange(aPreviewedRequest({ id }))));
  const newServer = async () => "another";

  await sweep({ ...context, ledger: { ...ledger, newServer } });

  const versions = await inParallel(ids, async (id) => (await ledger.get(id))?.version);
  expect(versions.filter((version) => version !== 2)).toEqual([]);
});

test("after a start of another server, active leases are inspected at once, and questions about links shown again: an old copy has what people ended", async () => {
  const { ledger, ...context } = contextAt(at(0));
  await ledger.swapLinkQuestions("U0ENGINEER", null, { places: [], seal: "" });
  await sweep({ ledger, ...context });
  await queues.clusters.obliterate({ force: true });

  await sweep({ ...context, ledger: { ...ledger, newServer: async () => "another" } });

  const woken = (await queues.clusters.getJobs(["waiting", "prioritized"])).map(({ data }) => data.type);
  expect(woken).toContain("inspect");
  const shown = (await queues.messages.getJobs(["waiting", "prioritized", "delayed"])).map(({ data }) => data);
  expect(shown).toContainEqual(expect.objectContaining({ type: "show", record: "link-question U0ENGINEER" }));
});

test("a channel that is behind is tried with one record each minute, until the bot is back", async () => {
  const { ledger } = contextAt(at(0));
  for (const id of ["r-1", "r-2"]) await ledger.rememberOutdated(id, "C0ACCESS");
  await ledger.rememberOutdated("r-3", "C0OTHER");

  await sweep(contextAt(at(0)));
  await sweep(contextAt(at(1)));

  const woken = (await queues.messages.getJobs(["waiting", "delayed"])).map(({ data }) => data);
  expect(woken.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
    { type: "show", record: "r-2" },
    { type: "show", record: "r-3" },
  ]);
});

const ahead = aTrouble({ at: at(minutes(20)).toISOString(), retryAt: at(minutes(21)).toISOString() });
const revoked = { cause: "revoked", by: "U0APPROVER", at: at(minutes(4)).toISOString(), why: "" } as const;

test.each([
  ["preview", aRequest({ id: "r-1", version: 1, trouble: ahead })],
  ["start of a lease", anApprovedRequest({ id: "r-1", version: 1, trouble: ahead })],
  ["end", aLeasedRequest({ end: revoked }, { id: "r-1", version: 1, trouble: ahead })],
  ["migration", aMigration({ version: 1, trouble: ahead })],
])("a failed %s does not wait for the time of a clock that was ahead", async (_, record) => {
  const context = contextAt(at(minutes(5)));
  await context.ledger.commit({ after: record, event: null });

  await sweep(context);

  expect(await context.ledger.due(at(minutes(5)), 10)).toMatchObject([{ id: record.id, version: 2 }]);
});

test("a forged review is found within hours although a thousand records are newer", async () => {
  const { ledger } = contextAt(at(0));
  const broken = anEmergency({ version: 1 });
  const review = { by: "U0APPROVER", at: at(hours(1)).toISOString(), seal: "00000000.00" };
  const failed = aLease(broken.lease, { state: "failed" });
  await ledger.commit(aChange({ ...broken, lease: failed, emergency: { ...broken.emergency, review } }));
  const newer = Array.from({ length: 1_000 }, (_, index) =>
    aRequest({ id: `r-newer-${index}`, createdAt: at(hours(24)).toISOString(), version: 1 }),
  );
  await inParallel(newer, (each) => ledger.commit(aChange(each)));

  for (const hour of [25, 26]) {
    const context = contextAt(at(hours(hour)));
    await sweep({ ...context, ledger: { ...context.ledger, takeTurn: async (name) => name === "reviews" } });
  }

  expect((await ledger.get(broken.id))?.emergency).toMatchObject({ review: null });
});
