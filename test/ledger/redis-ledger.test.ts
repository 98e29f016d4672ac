import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { type AuditEvent, chainHash, genesis, verifyChain } from "../../src/access/audit-event.ts";
import { digestOfEvent, type Json } from "../../src/access/seal.ts";
import type { RedisClient } from "../../src/ledger/client.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { anyCharacter } from "../any-text.ts";
import { aLeasedRequest, aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { stories } from "../form.ts";
import { aRedis } from "../redis.ts";
import { aLedger } from "./a-ledger.ts";
import { asAdministrator } from "./a-ledger-on.ts";
import { ledgerContract } from "./contract.ts";

describe("the ledger on Redis", () => {
  ledgerContract(aLedger);
});

test("the chain that Redis computes is the chain that we verify, for any event in any script", async () => {
  const { ledger, close } = await aLedger();
  const [details] = fc.sample(fc.array(detail(), { minLength: 300, maxLength: 300 }), { numRuns: 1, seed: 42 });
  const events: AuditEvent[] = (details ?? []).map((each, index) => anEvent({ request: `r-${index}`, detail: each }));

  for (const event of events) await ledger.commit({ after: aRequest({ id: event.request }), event });
  const written = await ledger.events(1, 1_000);
  await close();

  let expected = genesis;
  for (const [index, event] of events.entries()) {
    const { salt = "none" } = written[index]?.event ?? {};
    expected = chainHash(expected, digestOfEvent({ ...event, salt }));
    expect(written[index]?.hash).toBe(expected);
  }
  expect(verifyChain(written)).toEqual({ type: "whole", count: 300, head: expected });
  expect(new Set(written.map(({ event: { salt } }) => salt)).size).toBe(300);
});

test("a record that was written without a commit is listed when something is due, so that a run finds it", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  await ledger.commit({ after: aRequest({ id: "r-1" }), event: anEvent({ request: "r-1" }) });
  const forged = aLeasedRequest({ state: "scheduled" }, { id: "r-1", version: 2 });
  await redis.hset("{eks-access}:record:r-1", { version: 2, record: JSON.stringify(forged) });
  const before = await ledger.leasedOf(forged.cluster);

  await ledger.due(new Date(8.64e15), 10);

  const after = await ledger.leasedOf(forged.cluster);
  await close();
  await database.close();
  expect(before).toEqual([]);
  expect(after).toEqual([forged]);
});

test("the leases of a cluster are the same array until one of them changes, and a forged id lists none twice", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  const lease = aLeasedRequest({ state: "active" }, { id: "r-1", version: 1 });
  await ledger.commit({ after: lease, event: anEvent({ request: "r-1" }) });
  const first = await ledger.leasedOf(lease.cluster);

  const second = await ledger.leasedOf(lease.cluster);
  await ledger.commit({ after: { ...lease, version: 2 }, event: anEvent({ request: "r-1" }) });
  const third = await ledger.leasedOf(lease.cluster);
  await redis.zadd(`{eks-access}:leased-of-cluster:${lease.cluster}`, 1, "r-1 forged\nr-1 twice\nr-1");
  const fourth = await ledger.leasedOf(lease.cluster);

  await close();
  await database.close();
  expect(second).toBe(first);
  expect(third).toEqual([{ ...lease, version: 2 }]);
  expect(fourth).toEqual(third);
});

test.each([{ state: "ended" }, { state: "failed" }] as const)(
  "a lease that is $state is over, although someone puts its id back into its cluster's list",
  async (lease) => {
    const database = await aRedis();
    const { redis, close } = await connectRedis(database.url);
    const ledger = redisLedger(redis);
    const over = aLeasedRequest(lease, { id: "r-1", version: 1 });
    await ledger.commit({ after: over, event: anEvent({ request: "r-1" }) });
    await redis.zadd(`{eks-access}:leased-of-cluster:${over.cluster}`, 1, "r-1");

    const listed = await ledger.leasedOf(over.cluster);

    await close();
    await database.close();
    expect(listed).toEqual([]);
  },
);

test("a record with half a character, which a cut through an emoji leaves, changes like any other", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  const request = aRequest({ reason: "why \ud83d" });
  await ledger.commit(aChange(request));

  const result = await ledger.commit(aChange({ ...request, version: 2 }));

  await close();
  await database.close();
  expect(result).toEqual({ type: "committed" });
});

test("a list reads a record again if its digest changed, and remembers none with the digest of another text", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  const key = "{eks-access}:record:r-remembered";
  const first = aLeasedRequest({ state: "scheduled" }, { id: "r-remembered", version: 1, reason: "first" });
  const second = { ...first, version: 2, reason: "second" };
  const listed = async () => (await ledger.leasedOf(first.cluster)).map(({ reason }) => reason);
  await ledger.commit({ after: first, event: anEvent({ request: first.id }) });

  const read = [await listed()];
  await redis.hset(key, { record: JSON.stringify({ ...first, reason: "unread" }) });
  read.push(await listed());
  await redis.hset(key, { record: JSON.stringify(first) });
  await ledger.commit({ after: second, event: anEvent({ request: first.id }) });
  await redis.hset(key, { record: JSON.stringify({ ...second, reason: "forged" }) });
  read.push(await listed());
  await redis.hset(key, { record: JSON.stringify(second) });
  read.push(await listed());

  await close();
  await database.close();
  expect(read).toEqual([["first"], ["first"], ["forged"], ["second"]]);
});

/** What can change a cluster's leases: commits, a person with Redis, a failover or a restored copy. */
const deeds = ["give", "change", "end", "unlist", "relist", "delete", "save", "restore", "replay", "read"] as const;

test("a cluster's leases are those in its list, whatever changed it between two readings", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  const list = "{eks-access}:leased-of-cluster:staging";
  const keyOf = (id: string) => `{eks-access}:record:${id}`;
  const listed = async () => {
    const texts = (await redis.zrange(list, "0", "-1")).map((id) => redis.hget(keyOf(id), "record"));
    const records = (await Promise.all(texts)).map((text) => JSON.parse(text ?? "null"));
    return records.filter((record) => record?.lease.state === "active");
  };
  const commit = async (id: string, isOver: boolean) => {
    const version = ((await ledger.get(id))?.version ?? 0) + 1;
    const lease = isOver ? aLeasedRequest({ state: "ended" }) : aLeasedRequest({ state: "active" });
    await ledger.commit(aChange({ ...lease, id, version, reason: randomUUID() }));
  };
  const act: Record<(typeof deeds)[number], (id: string, saved: Map<string, Buffer | null>) => Promise<unknown>> = {
    give: (id) => commit(id, false),
    change: (id) => commit(id, false),
    end: (id) => commit(id, true),
    unlist: (id) => redis.zrem(list, id),
    relist: () => ledger.due(new Date(8.64e15), 10),
    delete: (id) => redis.del(keyOf(id)),
    save: async (_, saved) => {
      saved.clear();
      await asAdministrator(database.url, async (server) => {
        for (const key of await server.keys("*")) saved.set(key, await server.dumpBuffer(key));
      });
    },
    restore: (_, saved) =>
      asAdministrator(database.url, async (server) => {
        await server.flushdb();
        for (const [key, value] of saved) await server.restore(key, 0, value ?? Buffer.of());
      }),
    replay: (id, saved) => {
      const value = saved.get(keyOf(id));
      return asAdministrator(
        database.url,
        async (server) => value && (await server.restore(keyOf(id), 0, value, "REPLACE")),
      );
    },
    read: async () => expect(await ledger.leasedOf("staging")).toEqual(await listed()),
  };
  const deed = fc.constantFrom("read", "read", "read", ...deeds);
  const story = fc.array(fc.tuple(deed, fc.constantFrom("r-1", "r-2")), { minLength: 10, maxLength: 30 });

  await fc.assert(
    fc.asyncProperty(story, async (steps) => {
      await asAdministrator(database.url, (server) => server.flushdb());
      const saved = new Map<string, Buffer | null>();
      for (const [deed, id] of steps) await act[deed](id, saved);
      await act.read("", saved);
    }),
    stories({ short: 40, long: 1_000 }),
  );
  await close();
  await database.close();
});

test("a lost Redis is reported as an unreachable ledger", async () => {
  const database = await aRedis();
  const connection = await connectRedis(database.url);
  const ledger = redisLedger(connection.redis);
  await connection.close();

  const failure = await ledger.get("r-1").catch((error: unknown) => error);
  await database.close();

  expect(failure).toBeInstanceOf(AccessError);
  expect(failure).toMatchObject({ code: "ledger-unreachable", retryable: true });
});

/** Anything that an event may carry: every script, control characters, half surrogate pairs, large and tiny numbers. */
function detail(): fc.Arbitrary<{ readonly [key: string]: Json }> {
  const text = fc.string({ unit: anyCharacter, maxLength: 40 });
  const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }));
  return fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true });
}

test.each([
  ["without an end", ["SET", "9000"], ["PERSIST"]],
  ["with an end in ten years", ["SET", "9000"], ["PEXPIRE", "315360000000"]],
  ["that is no number", ["SET", "garbage"], ["PEXPIRE", "315360000000"]],
  ["of another type", ["RPUSH", "garbage"], ["PERSIST"]],
])(
  "a turn that a person wrote into Redis %s comes again after its time, so that no sweep stops for good",
  async (_, ...written) => {
    const database = await aRedis();
    const { redis, close } = await connectRedis(database.url);
    const ledger = redisLedger(redis);
    for (const [command = "", ...values] of written) await redis.call(command, "{eks-access}:turn:sweep", ...values);

    await ledger.takeTurn("sweep", 20);

    await vi.waitUntil(() => ledger.takeTurn("sweep", 20), { timeout: 5_000, interval: 25 });
    await close();
    await database.close();
  },
);

test("a new turn is one command to Redis: each acknowledgement of Slack waits for one", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  const sent = vi.spyOn(redis, "sendCommand");

  const taken = await Promise.all(["one", "two", "three"].map((name) => ledger.takeTurn(name, 60_000)));

  expect(taken).toEqual([true, true, true]);
  expect(sent.mock.calls.map(([{ name }]) => name)).toEqual(["set", "set", "set"]);
  await close();
  await database.close();
});

const indexes = [
  "chain-head",
  "due",
  "unshown",
  "counts",
  "open-by-cluster",
  "all-of-cluster:staging",
  "pending-asked-by:U0ENGINEER",
];
const garbling: readonly (readonly [string, readonly string[]])[] = [
  ...["events", ...indexes, "log:r-1"].map((key) => [key, ["SET", "garbage"]] as const),
  ["chain-head", ["HSET", "sequence", "garbage"]],
  ["chain-head", ["HSET", "sequence", "-1"]],
  ["chain-head", ["HSET", "sequence", "1e300"]],
  ["chain-head", ["HSET", "sequence", "0.5"]],
  ["chain-head", ["HSET", "hash", "garbage"]],
  ["chain-head", ["HSET", "hash", "0".repeat(64)]],
  ["counts", ["HSET", "pending", "garbage"]],
];

test("a record that Redis lost is unshown until someone looks for it", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  for (const id of ["r-1", "r-2"]) await ledger.commit(aChange(aRequest({ id })));
  await redis.del("{eks-access}:record:r-1");

  for (const id of ["r-1", "r-2"]) await ledger.rememberOutdated(id, null);

  expect(await ledger.unshown(10)).toEqual(["r-2"]);
  await close();
  await database.close();
});

test("an event that names nothing is in the log alone: an index of all such events would only grow", async () => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);

  await ledger.append(anEvent({ type: "cluster.removed", request: "" }));
  await ledger.append(anEvent({ type: "creator.used", request: "creator/staging" }));

  expect((await redis.keys("{eks-access}:log:*")).toSorted()).toEqual(["{eks-access}:log:creator/staging"]);
  expect(await ledger.events(1, 9)).toHaveLength(2);
  await close();
  await database.close();
});

test.each([
  ["whose number leaves no room for another", "99999999999999-0", "0".repeat(64)],
  ["with a number that no program counts to", "18446744073709551614-0", "0".repeat(64)],
  ["without a chain value", "2-0", "garbage"],
])("an event %s that a person wrote into Redis stops the log, and the ledger says so", async (_, id, hash) => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  await ledger.append(anEvent());
  const before = await ledger.logFlaw();
  await redis.call("XADD", "{eks-access}:events", id, "event", "{}", "previous", "0".repeat(64), "hash", hash);

  const append = await ledger.append(anEvent()).catch((error: unknown) => error);
  const flaw = await ledger.logFlaw();

  expect(before).toBeNull();
  expect(append).toBeInstanceOf(AccessError);
  expect(flaw).toContain("newest event");
  await close();
  await database.close();
});

test.each<[string, (redis: RedisClient) => Promise<unknown>]>([
  ["set the id that its next event must follow", (redis) => redis.call("XSETID", "{eks-access}:events", "9000-0")],
  [
    "removed a forged event, whose id stays",
    async (redis) => {
      await redis.xadd("{eks-access}:events", "9000-0", "event", "{}");
      await redis.xdel("{eks-access}:events", "9000-0");
    },
  ],
])("the ledger says that the log is stopped where a person %s", async (_, stop) => {
  const database = await aRedis();
  const { redis, close } = await connectRedis(database.url);
  const ledger = redisLedger(redis);
  await ledger.append(anEvent());
  await stop(redis);

  await expect(ledger.append(anEvent())).rejects.toBeInstanceOf(AccessError);
  expect(await ledger.logFlaw()).toContain("the audit log takes no event before the id 9000-0");

  const kept =
    "for _, each in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do redis.call('XADD', KEYS[2], each[1], unpack(each[2])) end redis.call('RENAME', KEYS[2], KEYS[1])";
  await redis.eval(kept, 2, "{eks-access}:events", "{eks-access}:events-kept");
  await ledger.append(anEvent());

  expect(await ledger.logFlaw()).toBeNull();
  await close();
  await database.close();
});

test.each(garbling)(
  "with garbage in %s (%s) no record is written without its event, and no index blocks others",
  async (key, [command = "", ...values]) => {
    const database = await aRedis();
    const { redis, close } = await connectRedis(database.url);
    const ledger = redisLedger(redis);
    const commit = (version: number) =>
      ledger.commit({ after: aRequest({ id: "r-1", version }), event: anEvent({ request: "r-1" }) });
    await commit(1);
    const place = `{eks-access}:${key}`;
    if (command === "SET") await redis.del(place);
    await redis.call(command, place, ...values);

    const outcome = await commit(2).catch((error: unknown) => error);
    const append = await ledger
      .note(anEvent({ type: "attempt.refused", request: "r-1" }))
      .catch((error: unknown) => error);
    const link = {
      user: "U0ENGINEER",
      expected: null,
      link: { arn: "arn:aws:iam::111122223333:user/e", seal: null },
      proposal: null,
    };
    const changed = await ledger.changeLink({ ...link, event: anEvent() }).catch((error: unknown) => error);

    const isRefused = key === "events";
    const flaw = await ledger.logFlaw().catch((error: unknown) => error);
    expect((await ledger.get("r-1"))?.version).toBe(isRefused ? 1 : 2);
    expect(await ledger.linksOf("U0ENGINEER")).toHaveLength(isRefused ? 0 : 1);
    if (isRefused) for (const each of [outcome, append, changed]) expect(each).toBeInstanceOf(AccessError);
    else
      expect([outcome, append, changed, (await ledger.events(1, 9)).length]).toEqual([
        { type: "committed" },
        undefined,
        true,
        4,
      ]);
    expect(flaw).toEqual(isRefused ? expect.stringContaining("WRONGTYPE") : null);
    if (!isRefused) expect(verifyChain(await ledger.events(1, 9))).toMatchObject({ type: "whole", count: 4 });
    await close();
    await database.close();
  },
);
