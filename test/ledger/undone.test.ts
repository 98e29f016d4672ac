import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LedgerRecord } from "../../src/access/lists.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { recordKey } from "../../src/ledger/records.ts";
import { aPlannedMigration, changedMigration } from "../builders/a-migration.ts";
import { aLeasedRequest, anApprovedRequest, aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { at, minutes } from "../builders/times.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { asAdministrator } from "./a-ledger-on.ts";

let database: TestRedis;
let connection: RedisConnection;
let ledger: ReturnType<typeof redisLedger>;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  ledger = redisLedger(connection.redis);
});
afterEach(async () => {
  vi.useRealTimers();
  await connection.close();
  await database.close();
});

const onServer = (run: (redis: Redis) => Promise<unknown>) => asAdministrator(database.url, run);

async function undone(): Promise<(LedgerRecord | null)[]> {
  const found: (LedgerRecord | null)[] = [];
  await ledger.eachUndone(async (_, left) => {
    found.push(left);
    return "done";
  });
  return found;
}

/** The first version, after two were committed. */
async function firstOfTwo(): Promise<LedgerRecord> {
  const request = aRequest();
  const key = recordKey(request.id);
  await ledger.commit(aChange(request));
  await onServer((redis) => redis.copy(key, "{eks-access}:before"));
  await ledger.commit(aChange({ ...request, version: 2 }));
  await onServer((redis) => redis.rename("{eks-access}:before", key));
  return request;
}

test("a commit that Redis still has is not undone, nor one that another process made on top of it", async () => {
  const request = aRequest();
  await ledger.commit(aChange(request));
  expect(await undone()).toEqual([]);

  await redisLedger(connection.redis).commit(aChange({ ...request, version: 2 }));

  expect(await undone()).toEqual([]);
});

test("a commit that two runs of this process made at once, with the same words, is not undone", async () => {
  const change = { ...aChange(aRequest()), event: null };

  const both = [await ledger.commit(change), await ledger.commit(change)];

  expect(both.map(({ type }) => type)).toEqual(["committed", "committed"]);
  expect(await undone()).toEqual([]);
});

test("a commit that Redis lost is found once, with the record that is left", async () => {
  const left = await firstOfTwo();

  expect(await undone()).toEqual([left]);
  expect(await undone()).toEqual([]);
});

test("a record that Redis lost as a whole is found once, and nothing is left of it", async () => {
  await ledger.commit(aChange(aRequest()));
  await onServer((redis) => redis.flushdb());

  expect(await undone()).toEqual([null]);
  expect(await undone()).toEqual([]);
});

test("what could not be done about a lost commit is done with the next look", async () => {
  const left = await firstOfTwo();

  const failed = ledger.eachUndone(() => Promise.reject(new Error("the queue does not answer")));

  await expect(failed).rejects.toMatchObject({ code: "ledger-unreachable" });
  expect(await undone()).toEqual([left]);
});

test("what is to be looked at again is found with the next look", async () => {
  const left = await firstOfTwo();

  await ledger.eachUndone(async () => "again");

  expect(await undone()).toEqual([left]);
  expect(await undone()).toEqual([]);
});

test("a version that is committed again on top of what is left counts from then on", async () => {
  const left = await firstOfTwo();
  const again = async (_: string, record: LedgerRecord | null) => {
    if (record) await ledger.commit(aChange({ ...aRequest(), version: 2 }));
    return "done" as const;
  };

  await ledger.eachUndone(again);

  expect(left.version).toBe(1);
  expect(await undone()).toEqual([]);
  await onServer((redis) => redis.flushdb());
  expect(await undone()).toEqual([null]);
});

test("a version that Redis lost and that got other content since is found once, whoever wrote it", async () => {
  const others = redisLedger(connection.redis);
  for (const [index, writer] of [ledger, others].entries()) {
    const request = aRequest({ id: `r-${index}` });
    const key = recordKey(request.id);
    await ledger.commit(aChange(request));
    await onServer((redis) => redis.copy(key, "{eks-access}:before"));
    await ledger.commit(aChange({ ...request, version: 2 }));
    await onServer((redis) => redis.rename("{eks-access}:before", key));
    const left = { ...request, reason: "another change", version: 2 };
    await writer.commit(aChange(left));

    expect(await undone()).toEqual([left]);
    expect(await undone()).toEqual([]);
  }
});

test("a change made from a version that Redis lost does not replace what another process wrote as that version", async () => {
  const first = aRequest();
  const key = recordKey(first.id);
  const lost = { ...first, reason: "what Redis lost", version: 2 };
  const another = { ...first, reason: "another change", version: 2 };
  await ledger.commit(aChange(first));
  await onServer((redis) => redis.copy(key, "{eks-access}:before"));
  await ledger.commit({ ...aChange(lost), before: first });
  await onServer((redis) => redis.rename("{eks-access}:before", key));
  await redisLedger(connection.redis).commit(aChange(another));

  const refused = await ledger.commit({ ...aChange({ ...lost, version: 3 }), before: lost });
  const present = await ledger.get(first.id);
  const made = await ledger.commit({ ...aChange({ ...another, version: 3 }), before: present });

  expect(refused).toEqual({ type: "conflict", current: another });
  expect(made).toEqual({ type: "committed" });
});

test("an approval that Redis lost is found below what this process wrote on top of what is left, with who gave it", async () => {
  const request = aRequest();
  const key = recordKey(request.id);
  await ledger.commit(aChange(request));
  await onServer((redis) => redis.copy(key, "{eks-access}:before"));
  const { approvals } = anApprovedRequest();
  await ledger.commit(aChange({ ...request, approvals, version: 2 }));
  await onServer((redis) => redis.rename("{eks-access}:before", key));
  const found: unknown[] = [];

  for (const version of [2, 3]) await ledger.commit(aChange({ ...request, reason: `change ${version}`, version }));
  await ledger.eachUndone(async (_, left, { approvers }) => {
    found.push([left?.version, approvers]);
    return "done";
  });

  expect(found).toEqual([[3, ["U0APPROVER"]]]);
  expect(await undone()).toEqual([]);
});

test.each([
  ["what is left", []],
  ["what this process wrote on top of what is left", [2, 3]],
])("a step of a migration that began, and that Redis lost, is found with %s", async (_, written) => {
  const planned = aPlannedMigration({ version: 1 });
  const begun = { name: "switch-mode", at: at(minutes(4)).toISOString(), place: { cluster: "c", seal: "s" } };
  const key = recordKey(planned.id);
  await ledger.commit({ after: planned, event: anEvent() });
  await onServer((redis) => redis.copy(key, "{eks-access}:before"));
  await ledger.commit({ after: changedMigration(planned, { state: "running", begun, version: 2 }), event: anEvent() });
  await onServer((redis) => redis.rename("{eks-access}:before", key));
  const found: unknown[] = [];

  for (const version of written) await ledger.commit({ after: { ...planned, version }, event: anEvent() });
  await ledger.eachUndone(async (__, left, lost) => {
    found.push([left, lost.begun]);
    return "done";
  });

  expect(found).toEqual([[{ ...planned, version: written.at(-1) ?? 1 }, begun]]);
});

test("a revocation that Redis lost is found below whatever others wrote on top of what is left", async () => {
  const active = aLeasedRequest({}, { version: 1 });
  const end = { cause: "revoked", by: "U0APPROVER", at: at(minutes(5)).toISOString(), why: "" } as const;
  const key = recordKey(active.id);
  await ledger.commit(aChange(active));
  await onServer((redis) => redis.copy(key, "{eks-access}:before"));
  await ledger.commit(aChange({ ...active, lease: { ...active.lease, end }, version: 2 }));
  await onServer((redis) => redis.rename("{eks-access}:before", key));
  const others = redisLedger(connection.redis);
  for (const version of [2, 3]) await others.commit(aChange({ ...active, version }));

  await ledger.eachUndone(async () => "again");
  expect(await undone()).toEqual([{ ...active, version: 3 }]);
});

test("a record that ended is read when it has changed since the last look, and not with each look", async () => {
  const request = aRequest();
  await ledger.commit(aChange({ ...request, state: "cancelled", version: 1 }));
  const others = redisLedger(connection.redis);
  const scriptsOfLooks: number[] = [];
  for (const version of [2, null, 3, null]) {
    if (version) await others.commit(aChange({ ...request, state: "cancelled", version }));
    const sent = vi.spyOn(connection.redis, "sendCommand");
    expect(await undone()).toEqual([]);
    scriptsOfLooks.push(sent.mock.calls.filter(([{ name }]) => name === "evalsha").length);
    sent.mockRestore();
  }

  expect(scriptsOfLooks).toEqual([2, 1, 2, 1]);
});

test("a commit is forgotten five minutes after it was made", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await firstOfTwo();
  await ledger.commit(aChange(aRequest({ id: "r-old" })));
  vi.setSystemTime(Date.now() + 6 * 60_000);
  expect(await undone()).toHaveLength(1);

  await onServer((redis) => redis.flushdb());

  expect(await undone()).toEqual([]);
});

test("after a start of another server no cluster counts as read, until that server is followed", async () => {
  const known = "{eks-access}:server";
  await ledger.markAdopted("staging");
  expect(await ledger.newServer()).toBeNull();
  expect(await ledger.adopted(["staging"])).toEqual(new Set(["staging"]));

  for (const before of ["SET", "SADD"] as const) {
    await onServer((redis) => redis.multi().del(known).call(before, known, "the server before").exec());
    const id = await ledger.newServer();
    expect(await ledger.newServer()).toBe(id);
    expect(await ledger.adopted(["staging"])).toEqual(new Set());

    await ledger.followServer(id ?? expect.fail("no other server was found"));
    await ledger.markAdopted("staging");
    expect(await ledger.newServer()).toBeNull();
    expect(await ledger.adopted(["staging"])).toEqual(new Set(["staging"]));
  }
});
