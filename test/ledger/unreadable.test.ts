import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { genesis } from "../../src/access/audit-event.ts";
import type { Migration } from "../../src/access/migration.ts";
import { readFleetList } from "../../src/access/policy/fleet-list.ts";
import { chainReport, checkReport, whyReport } from "../../src/diagnosis/reports.ts";
import { redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { type Ledger, redisLedger } from "../../src/ledger/ledger.ts";
import { storedForms } from "../../src/ledger/stored.ts";
import { verifyAuditLog } from "../../src/ledger/verify-audit-log.ts";
import { recordedEvents } from "../../src/operations/announcements.ts";
import { decideLink } from "../../src/slack/link/link.ts";
import { askForMigration } from "../../src/slack/migrate/migration-clicks.ts";
import { configText } from "../builders/a-cluster.ts";
import { aMigration, aPlannedMigration } from "../builders/a-migration.ts";
import { aLeasedRequest, anApprovedRequest, aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { aSlackContext } from "../slack/slack-context.ts";
import { type AServer, aServer } from "./a-server.ts";

/** What these tests put into it keeps a Redis busy for seconds: the other files have one without such waits. */
let server: AServer;
let connection: RedisConnection;
let logged: string[];
beforeAll(async () => {
  server = await aServer();
});
beforeEach(async () => {
  // A command that took too long is sent again, and the second one finds a list without what the first one removed.
  connection = await connectRedis(server.url, { commandTimeoutMs: 60_000 });
  logged = [];
});
afterEach(async () => {
  await connection.redis.flushall();
  await connection.close();
});
afterAll(() => server.stop());

const aLedger = () => redisLedger(connection.redis, { error: (_, message) => void logged.push(message) });
const garble = (id: string, text: string) => connection.redis.hset(`{eks-access}:record:${id}`, { record: text });
const unreadableEvents = async () =>
  (await aLedger().events(1, 1_000)).filter(({ event }) => event.type === "record.unreadable");
const aChangeOf = (after: Migration) => ({ after, event: anEvent({ type: "migration.asked", request: after.id }) });
const farFuture = new Date(8.64e15);
const ofStaging = { clusters: ["staging"], requester: null, match: "any" } as const;

const active = () => aLeasedRequest({ state: "active" }, { version: 1 });
const broken: readonly (readonly [string, string])[] = [
  ["is garbage", "\u0000garbage"],
  ["is empty", ""],
  ["is cut off", JSON.stringify(active()).slice(0, -7)],
  ["is null", "null"],
  ["has a wrong type", JSON.stringify({ ...active(), approvals: "U0APPROVER" })],
  ["is in a state that can't be", JSON.stringify({ ...anApprovedRequest(), version: 1, approvals: [] })],
  ["is active since never", JSON.stringify({ ...active(), lease: { ...active().lease, activeSince: null } })],
  ["is endless", JSON.stringify({ ...active(), reason: "x".repeat(17_000_000) })],
  ["has endless values", JSON.stringify({ ...active(), groups: Array(400_000).fill(0) })],
  [
    "has an approval with a field that nobody knows",
    JSON.stringify({ ...active(), approvals: active().approvals.map((each) => ({ ...each, "U0SECRET said": true })) }),
  ],
  ["has a field that nobody knows", JSON.stringify({ ...active(), "U0SECRET said": true })],
];

describe.each(broken)("a record that %s", (_, text) => {
  beforeEach(async () => {
    const ledger = aLedger();
    for (const id of ["r-1", "r-2", "r-3"]) await ledger.commit(aChange({ ...active(), id }));
    await garble("r-2", text);
  });

  test("hides no other record from a list, a run or the sweep", async () => {
    const ledger = aLedger();
    const ids = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id).sort();

    expect(ids(await ledger.leasedOf("staging"))).toEqual(["r-1", "r-3"]);
    expect(ids(await ledger.due(farFuture, 10))).toEqual(["r-1", "r-3"]);
    expect(ids(await ledger.ofRequester("U0ENGINEER", 10))).toEqual(["r-1", "r-3"]);
    expect(ids((await ledger.list({ list: "all", ...ofStaging }, 0, 10)).requests)).toEqual(["r-1", "r-3"]);
    expect(await ledger.get("r-2")).toBeNull();
  });

  test("is reported once in the log, the audit log and the counts, by any process", async () => {
    const counted: string[] = [];
    const stop = recordedEvents.subscribe(({ type }) => void counted.push(type));
    for (const ledger of [aLedger(), aLedger()]) {
      await ledger.leasedOf("staging");
      await ledger.get("r-2");
    }
    stop();

    const events = await unreadableEvents();
    expect(events.map(({ event }) => event.request)).toEqual(["r-2"]);
    expect((await aLedger().eventsOf("r-2", 10)).at(-1)?.event.type).toBe("record.unreadable");
    expect(counted).toEqual(["record.unreadable"]);
    expect(logged[0]).toMatch(/^The request r-2 in Redis can't be read \(.+\)\. Restore it from a copy of Redis/);
    expect(await aLedger().whyUnreadable("r-2")).toBe(logged[0]);
    expect(JSON.stringify([events, logged])).not.toContain("U0SECRET");
  });

  test("is readable again after it is restored", async () => {
    await aLedger().leasedOf("staging");
    await garble("r-2", JSON.stringify({ ...active(), id: "r-2" }));

    expect(await aLedger().get("r-2")).toMatchObject({ id: "r-2" });
    expect(await aLedger().whyUnreadable("r-2")).toBeNull();
  });
});

test("a list of many bad items in a record is one problem: to name each would end the process", () => {
  const record = { ...active(), approvals: Array(30_000).fill({}) };

  expect(storedForms.request.safeParse(record).error?.issues.map(({ path }) => path)).toEqual([
    ["approvals", 0, "verdict"],
  ]);
});

test("nor are many bad tags of a fleet's cluster, or of an entry that a repair replaces", () => {
  const tags = Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`key-${index}`, 0]));
  const entry = { from: "a", to: null, username: "", groups: [], policies: [], tags, createdAt: null };
  const { plan, ...migration } = aPlannedMigration();
  const replacements = [{ place: "access-entry", ...entry }];
  const list = { at: "", clusters: [{ tags }], seal: "" };

  const { error } = storedForms.migration.safeParse({ ...migration, plan: { ...plan, replacements } });
  expect(error?.issues.map(({ path }) => path)).toEqual([["plan", "replacements", 0, "tags", "key-0"]]);
  expect(readFleetList(list, keys.preview, new Date())).toBeNull();
});

test("nor are many bad people of a rescue, or items of a worker's answer", () => {
  const many = Array(300_000).fill(0);
  const problems = { counts: { error: 0, warning: 0, notice: 0 }, groups: many, left: 0 };
  const checked = { type: "looked", mode: "API", document: { type: "checked", ...problems, writers: many } };
  const read: readonly { readonly error?: { readonly issues: readonly unknown[] } | undefined }[] = [
    storedForms.request.safeParse({ ...active(), emergency: { review: null, as: many } }),
    chainReport.safeParse({ links: many }),
    whyReport.safeParse({ type: "diagnosis", identity: { username: "", groups: many }, causes: many }),
    checkReport.safeParse({ ...checked, entries: { type: "checked", types: many }, leavers: { found: many } }),
  ];

  for (const { error } of read) expect(error?.issues.length).toBeLessThan(30);
});

/** Nothing of these is in the text of the record alone: its key, its place or its id is false. */
const misplaced: readonly (readonly [string, string, () => Promise<unknown>])[] = [
  [
    "is no hash of Redis",
    "it is not JSON",
    async () => {
      await connection.redis.del("{eks-access}:record:r-2");
      await connection.redis.set("{eks-access}:record:r-2", JSON.stringify({ ...active(), id: "r-2" }));
    },
  ],
  [
    "is the record of another request",
    "it is the record of another id",
    () => garble("r-2", JSON.stringify({ ...active(), id: "r-1" })),
  ],
];

test.each(misplaced)("a record that %s blocks no other, does not count, and is reported", async (_, why, act) => {
  const ledger = aLedger();
  for (const id of ["r-1", "r-2", "r-3"]) await ledger.commit(aChange({ ...active(), id }));
  await ledger.leasedOf("staging");
  await act();
  const fresh = aLedger();
  const ids = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id).sort();

  expect(ids(await fresh.due(farFuture, 10))).toEqual(["r-1", "r-3"]);
  expect(ids(await fresh.ofRequester("U0ENGINEER", 10))).toEqual(["r-1", "r-3"]);
  expect(await fresh.get("r-2")).toBeNull();
  expect((await unreadableEvents()).map(({ event }) => [event.request, event.detail.why])).toEqual([["r-2", why]]);
  expect(await fresh.whyUnreadable("r-2")).toContain(why);
  await fresh.note(anEvent({ type: "attempt.refused", request: "r-2" }));
});

test("a cluster's list that is no list of Redis is empty, and has its leases again when something is due about them", async () => {
  const ledger = aLedger();
  await ledger.commit(aChange(active()));
  await connection.redis.del("{eks-access}:leased-of-cluster:staging");
  await connection.redis.set("{eks-access}:leased-of-cluster:staging", "garbage");

  const before = await ledger.leasedOf("staging");
  await ledger.due(farFuture, 10);

  expect(before).toEqual([]);
  expect(await ledger.leasedOf("staging")).toEqual([active()]);
});

test("a person with Redis who fills a cluster's list keeps no lease of it from its runs: a part of it counts as none", async () => {
  const ledger = aLedger();
  await ledger.commit(aChange(active()));
  const list = "{eks-access}:leased-of-cluster:staging";
  const fill = "for i = 1, tonumber(ARGV[1]) do redis.call('ZADD', KEYS[1], 1, 'r-' .. i) end";
  await connection.redis.eval(fill, 1, list, 200_000);

  await expect(ledger.leasedOf("staging")).rejects.toThrow();
  expect(await ledger.leasedOf("staging")).toEqual([active()]);
  expect(await connection.redis.zcard(list)).toBe(1);
});

test("a person with Redis who puts 50,000 ids before the due leases delays no end, and hides no late one", async () => {
  const ledger = aLedger();
  await ledger.commit(aChange(active()));
  const fill = "for i = 1, tonumber(ARGV[1]) do redis.call('ZADD', KEYS[1], 0, 'r-' .. i .. 'x') end";
  for (const list of ["due", "gone-by"]) await connection.redis.eval(fill, 1, `{eks-access}:${list}`, 50_000);

  expect(await ledger.due(farFuture, 10)).toEqual([active()]);
  expect(await ledger.overdue(farFuture, 10)).toEqual([active()]);
  expect(await connection.redis.zcard("{eks-access}:due")).toBe(1);
});

test("50,000 ids without a record that a person put into Redis leave the unshown records and the open migrations", async () => {
  const ledger = aLedger();
  const migration = aMigration();
  await ledger.commit({ after: migration, event: anEvent({ request: migration.id }) });
  const fill = `for i = 1, 50000 do
    redis.call('SADD', KEYS[1], 'r-' .. i .. 'x') redis.call('ZADD', KEYS[2], 0, 'r-' .. i .. 'x')
  end`;
  await connection.redis.eval(fill, 2, "{eks-access}:unshown", "{eks-access}:open-migrations");

  const open = await ledger.migrations.open();
  for (let sweep = 0; sweep < 10; sweep += 1) await ledger.unshown(100);

  expect(open).toEqual([migration]);
  expect(await connection.redis.zcard("{eks-access}:open-migrations")).toBe(1);
  expect(await ledger.unshown(100)).toEqual([migration.id]);
});

test("a person with Redis who lists 200,000 extensions of a lease hides no genuine one", async () => {
  const ledger = aLedger();
  const extension = { ...aRequest({ id: "r-2" }), extends: "r-1" };
  await ledger.commit(aChange(extension));
  const fill = "for i = 1, tonumber(ARGV[1]) do redis.call('ZADD', KEYS[1], 1, 'r-' .. i .. 'x') end";
  await connection.redis.eval(fill, 1, "{eks-access}:extensions-of:r-1", 200_000);

  expect(await ledger.extensionsOf("r-1")).toEqual([extension]);
});

test("thousands of unreadable records in a cluster's list cost its next run no report of each", async () => {
  const ledger = aLedger();
  await ledger.commit(aChange(active()));
  const fill =
    "for i = 1, 5000 do redis.call('SET', KEYS[2] .. 'r-x' .. i, 'x') redis.call('ZADD', KEYS[1], 1, 'r-x' .. i) end";
  await connection.redis.eval(fill, 2, "{eks-access}:leased-of-cluster:staging", "{eks-access}:record:");
  await ledger.leasedOf("staging");
  const { stream } = connection.redis as Redis;
  const before = stream.bytesWritten;

  expect(await ledger.leasedOf("staging")).toEqual([active()]);
  expect(stream.bytesWritten - before).toBeLessThan(300_000);
});

test("the leases of a large cluster are read, which have more megabytes than one answer may", async () => {
  const fill = `for i = 1, 2500 do
    local record = string.gsub(ARGV[1], 'r%-1', 'r-' .. i)
    redis.call('HSET', KEYS[2] .. 'r-' .. i, 'version', 1, 'record', record, 'sha1', redis.sha1hex(record))
    redis.call('ZADD', KEYS[1], i, 'r-' .. i)
  end`;
  const record = JSON.stringify({ ...active(), id: "r-1", reason: "x".repeat(15_000) });
  await connection.redis.eval(fill, 2, "{eks-access}:leased-of-cluster:staging", "{eks-access}:record:", record);

  expect(await aLedger().leasedOf("staging")).toHaveLength(2500);
});

test.each([
  ["record", 70_000_000],
  ["record", 33_000_000],
  ["sha1", 70_000_000],
])("a %s too large for one answer, with %i bytes, delays no other record", async (field, bytes) => {
  const ledger = aLedger();
  for (const id of ["r-1", "r-2", "r-3"]) await ledger.commit(aChange({ ...active(), id }));
  await connection.redis.setrange("{eks-access}:large", bytes, "x");
  const make = "redis.call('HSET', KEYS[1], ARGV[1], redis.call('GET', KEYS[2]))";
  await connection.redis.eval(make, 2, "{eks-access}:record:r-2", "{eks-access}:large", field);
  const { stream } = connection.redis as Redis;
  const before = stream.bytesRead;

  const found = [await ledger.leasedOf("staging"), await ledger.due(farFuture, 10)].map((each) =>
    each.map(({ id }) => id),
  );
  await ledger.get("r-2");

  expect(found).toEqual([expect.arrayContaining(["r-1", "r-3"]), expect.arrayContaining(["r-1", "r-3"])]);
  expect(stream.bytesRead - before).toBeLessThan(1_000_000);
});

test("what is no number in the index of a request's events hides none of them", async () => {
  const ledger = aLedger();
  await ledger.commit(aChange(active()));
  await connection.redis.rpush(`{eks-access}:log:${active().id}`, "garbage", "-", "1-0 ", "9".repeat(400));

  expect(await ledger.eventsOf(active().id, 10)).toHaveLength(1);
});

test("a lease in the list of another cluster is none of that cluster's, so that no run there says how it ended", async () => {
  const ledger = aLedger();
  await ledger.commit(aChange(active()));
  await connection.redis.zadd("{eks-access}:leased-of-cluster:production", 1, active().id);

  expect(await ledger.leasedOf("production")).toEqual([]);
  expect(await ledger.leasedOf("staging")).toEqual([active()]);
});

test.each(broken.slice(0, 4))("a record that %s is not overwritten", async (_, text) => {
  const ledger = aLedger();
  await ledger.commit(aChange(aRequest({ id: "r-1" })));
  await garble("r-1", text);

  const result = await ledger.commit(aChange(aRequest({ id: "r-1", version: 2 })));

  expect(result).toEqual({ type: "conflict", current: null });
  expect(await connection.redis.hget("{eks-access}:record:r-1", "record")).toBe(text);
});

const emptyList = { at: "2026-03-01T09:00:00.000Z", clusters: [], seal: "" };
const found = { user: "U0", cluster: "c", email: "", at: emptyList.at, person: null, why: null, seal: "" };
const names = { cluster: "c", at: emptyList.at, names: [], seal: "" };
const notice = { id: "n", at: emptyList.at, title: "", lines: [], seal: "" };

/** A worker that can't write its findings keeps an approver from approving, and a fleet from requests. */
test.each<[key: string, write: (ledger: Ledger) => Promise<unknown>, read: (ledger: Ledger) => Promise<unknown>]>([
  [
    "identities:U0",
    (ledger) => ledger.rememberIdentities(found),
    async (ledger) => (await ledger.identitiesOf("U0")).size,
  ],
  ["namespaces", (ledger) => ledger.rememberNamespaces(names), (ledger) => ledger.namespacesOf("c")],
  ["zones", (ledger) => ledger.noteZone(null, new Date()), async (ledger) => (await ledger.zonesSeen()).size],
  ["notices", (ledger) => ledger.addNotice(notice), async (ledger) => (await ledger.notices()).length],
  ["notices", (ledger) => ledger.publishFleet(emptyList, notice), async (ledger) => (await ledger.notices()).length],
  ["fleet", (ledger) => ledger.publishFleet(emptyList, null), (ledger) => ledger.fleetAt()],
])("%s of another type is empty, and takes what a process writes there", async (key, write, read) => {
  await connection.redis.set(`{eks-access}:${key}`, "garbage");
  const ledger = aLedger();
  const before = await read(ledger);

  await write(ledger);

  expect(before || 0).toBe(0);
  expect(await read(ledger)).toBeTruthy();
});

test("an unreadable record lets others go first, and is due again later", async () => {
  const ledger = aLedger();
  for (const id of ["r-1", "r-2"]) await ledger.commit(aChange(aRequest({ id })));
  await garble("r-1", "garbage");
  const now = new Date();

  await ledger.due(now, 1);

  expect((await ledger.due(now, 1)).map(({ id }) => id)).toEqual(["r-2"]);
  expect(Number(await connection.redis.zscore("{eks-access}:due", "r-1"))).toBeGreaterThan(now.getTime());
});

test("an unreadable migration blocks no other, and is not overwritten", async () => {
  const { migrations, commit, due, whyUnreadable } = aLedger();
  for (const cluster of ["a", "b"]) await commit(aChangeOf(aMigration({ id: `migration-${cluster}-1`, cluster })));
  await connection.redis.hset("{eks-access}:record:migration-a-1", { record: '{"state":"done"}' });

  const result = await commit(aChangeOf(aMigration({ id: "migration-a-1", cluster: "a", version: 2 })));

  expect(result).toEqual({ type: "conflict", current: null });
  expect((await migrations.open()).map(({ id }) => id)).toEqual(["migration-b-1"]);
  expect((await due(farFuture, 10)).map(({ id }) => id)).toEqual(["migration-b-1"]);
  expect(await whyUnreadable("migration-a-1")).toContain("The migration migration-a-1 in Redis can't be read");
});

const list = "{eks-access}:migrations-of-cluster:staging";

test.each([
  ["before the newest", "migration-staging-1", () => connection.redis.zadd(list, 7, "migration-b-7", 9e9, "none-9")],
  ["instead", undefined, () => connection.redis.set(list, "x")],
])("what an attacker puts into a list of migrations %s keeps no new one from beginning", async (_, found, put) => {
  const ledger = aLedger();
  for (const id of ["migration-staging-1", "migration-staging-2"])
    await ledger.commit(aChangeOf(aMigration({ id, state: "done" })));
  await ledger.commit(aChangeOf(aMigration({ id: "migration-b-7", cluster: "b" })));
  await garble("migration-staging-2", "{}");
  await put();
  const context = aSlackContext(ledger, configText);
  const staging = context.config.clusters.get("staging") ?? expect.fail("no staging");

  expect((await ledger.migrations.latestOf("staging"))?.id).toBe(found);
  await askForMigration(context, staging, "U0APPROVER", []);

  expect(await ledger.migrations.latestOf("staging")).toMatchObject({ id: "migration-staging-3", state: "pending" });
});

test("a migration with a number that has none before it counts as absent: a count back from it never ends", async () => {
  const { migrations, commit } = aLedger();
  const id = `migration-a-${2 ** 54}`;
  await commit(aChangeOf(aMigration({ id, cluster: "a" })));

  expect(await migrations.get(id)).toBeNull();
  expect(await migrations.latestOf("a")).toBeNull();
});

test("an unreadable link, proposal, cluster's trouble or shown message counts as absent", async () => {
  const { redis } = connection;
  const ledger = aLedger();
  const link = { arn: "arn:aws:iam::111122223333:user/engineer", seal: null };
  await ledger.linkPrincipal("U0ENGINEER", link);
  await redis.hset("{eks-access}:links:U0ENGINEER", { "444455556666": "[]", "777788889999": '{"arn":1}' });
  await redis.hset("{eks-access}:link-proposals", "U0ENGINEER", "{}");
  await redis.hset("{eks-access}:cluster-troubles", { staging: "{", production: "7" });
  await redis.set("{eks-access}:shown:r-1", '{"version":"1"}');
  await redis.hset("{eks-access}:creations", "arn", "{");

  expect(await ledger.linksOf("U0ENGINEER")).toEqual([link]);
  expect(await ledger.linkProposalOf("U0ENGINEER")).toBeNull();
  expect([...(await ledger.clusterTroubles(["staging", "production"]))]).toEqual([]);
  expect(await ledger.shown("r-1")).toBeNull();
  expect(await ledger.creation("arn")).toBeNull();
});

/** The client ends a connection with such an answer, and fails what others wait for on it: a scrape would keep leases. */
test.each<readonly [key: string, read: (ledger: Ledger) => Promise<unknown>, absent: unknown]>([
  ["accepted-at", (ledger) => ledger.lastAcceptedAt("x"), null],
  ["cluster-troubles", (ledger) => ledger.clusterTroubles(["x"]), new Map()],
  ["outages", (ledger) => ledger.outages(), new Map()],
  ["creations", (ledger) => ledger.creation("x"), null],
  ["namespaces", (ledger) => ledger.namespacesOf("x"), null],
  ["zones", (ledger) => ledger.zonesSeen(), new Map()],
  ["good-approvers", (ledger) => ledger.approversKnown(), new Map()],
  ["refusals", (ledger) => ledger.refusals(new Date()), []],
  ["counts", (ledger) => ledger.counts(), new Map()],
  ["open-by-cluster", (ledger) => ledger.openByCluster(), new Map()],
  ["link-proposals", (ledger) => ledger.linkProposalOf("x"), null],
  ["link-questions", (ledger) => ledger.linkQuestions(), new Map()],
  ["outdated-messages", (ledger) => ledger.outdatedIn("x"), null],
  ["homes", (ledger) => ledger.homesOf(null), new Map()],
  ["fleet", (ledger) => ledger.fleet(), null],
  ["chain-base", () => redisAuditLog(connection.redis).base(), { count: 0, hash: genesis, anchors: [], seal: null }],
])("%s without end counts as absent, and ends no connection", async (key, read, absent) => {
  // Redis repeats a letter nine million times in 100 ms, and everyone else waits meanwhile.
  const fill = `local long = string.rep(string.rep('x', 3000), 3000)
    for _, field in ipairs({ 'x', 'list', 'hash' }) do redis.call('HSET', KEYS[1], field, long) end`;
  await connection.redis.eval(fill, 1, `{eks-access}:${key}`);
  const closed = vi.fn();
  connection.redis.on("close", closed);

  expect(await read(aLedger())).toEqual(absent);

  expect(closed).not.toHaveBeenCalled();
});

test("what someone with Redis puts among a person's identities is not kept: together it would fill the memory", async () => {
  const found = { user: "U0ENGINEER", cluster: "staging", email: "", at: "2026-03-01T09:00:00.000Z" } as const;
  const whole = { ...found, person: null, why: null, seal: "" };
  await aLedger().rememberIdentities(whole);
  await connection.redis.hset("{eks-access}:identities:U0ENGINEER", { one: "[[]]", two: JSON.stringify(found) });

  expect(await aLedger().identitiesOf("U0ENGINEER")).toEqual(new Map([["staging", whole]]));
});

test("of notices that would fill the memory together, the newest are read", async () => {
  const notices = Array.from({ length: 30 }, (_, index) => JSON.stringify([index, "x".repeat(90_000)]));
  await connection.redis.rpush("{eks-access}:notices", ...notices);

  const read = await aLedger().notices();

  expect(read).toHaveLength(11);
  expect(read).toEqual(notices.slice(0, 11).map((each) => JSON.parse(each)));
});

test("a proposal under another person's name counts for no one: an administrator would confirm a link of an attacker", async () => {
  const ledger = aLedger();
  const [arn, id] = ["arn:aws:iam::111122223333:user/engineer", "p-1"];
  const forged = JSON.stringify({ id, user: "U0INTRUDER", arn, at: "2026-03-01T09:00:00.000Z" });
  await connection.redis.hset("{eks-access}:link-proposals", { U0ENGINEER: forged, U0INTRUDER: forged });
  const config = `${configText}administrators: [U0ONCALL]\nlinking: { confirm: administrator }\n`;
  const asked = JSON.stringify({ user: "U0ENGINEER", id, arn });

  const decided = await decideLink(aSlackContext(ledger, config), asked, "U0ONCALL", true);

  expect(decided).toMatchObject({ type: "refused" });
  expect(await ledger.linkProposalOf("U0ENGINEER")).toBeNull();
  expect(await ledger.linksOf("U0INTRUDER")).toEqual([]);
});

test("an event that nests too deep to be written again is no end of the log: its place is known to be broken", async () => {
  const ledger = aLedger();
  for (const id of ["r-1", "r-2"]) await ledger.note(anEvent({ request: id }));
  const { redis } = connection;
  const rows = await redis.xrange("{eks-access}:events", "-", "+");
  await redis.del("{eks-access}:events");
  for (const [id, fields] of rows) {
    const deep = fields[1]?.replace(/"detail":\{/, `"detail":{"a":${"[".repeat(200_000)}${"]".repeat(200_000)},`) ?? "";
    await redis.xadd("{eks-access}:events", id, ...(id === "1-0" ? fields.with(1, deep.replace(",}", "}")) : fields));
  }

  const verdict = await verifyAuditLog(redisAuditLog(redis), () => keys.preview, []);

  expect(verdict).toMatchObject({ type: "broken", sequence: 1 });
  expect((await ledger.events(1, 10)).map(({ event }) => event.request)).toEqual(["", "r-2"]);
});

test.each([
  ["is no JSON", () => "{"],
  [
    "has no time, which would stop each sink that needs one",
    (text = "") => text.replace(/"at":"[^"]*"/, '"at":"soon"'),
  ],
])("an event that %s hides no other, and its place is known to be broken", async (_, change) => {
  const ledger = aLedger();
  for (const id of ["r-1", "r-2"]) await ledger.note(anEvent({ request: id }));
  const { redis } = connection;
  const [[, first = []] = []] = await redis.xrange("{eks-access}:events", "-", "+");
  await redis.del("{eks-access}:events");
  await redis.xadd("{eks-access}:events", "1-0", ...first.with(1, change(first[1])));

  const [event] = await ledger.events(1, 10);

  expect(event).toMatchObject({ sequence: 1, event: { type: "record.unreadable" } });
});
