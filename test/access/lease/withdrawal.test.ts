import { describe, expect, test } from "vitest";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import {
  isWithdrawn,
  maxWithdrawals,
  maxWithdrawalTags,
  mayBeWithdrawn,
  mergeWithdrawals,
  noWithdrawals,
  readWithdrawalTags,
  rememberWithdrawals,
  removalWithoutLedger,
  removedWithoutLedgerAt,
  roomForWithdrawals,
  type Withdrawal,
  withdrawalOf,
  withdrawalTagChanges,
  withoutWithdrawn,
  writeWithdrawalTags,
} from "../../../src/access/lease/withdrawal.ts";
import { memoryKeys } from "../../../src/access/seal.ts";
import { sealDecision } from "../../../src/access/seals.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aDecision, anApprovedRequest } from "../../builders/a-request.ts";
import { anEmergency, anEmergencyCluster } from "../../builders/an-emergency.ts";
import { aSecret, keys, otherKeys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const approved = anApprovedRequest();
const approvedAt = at(minutes(2)).toISOString();
const now = at(minutes(10));
const none: ReadonlySet<string> = new Set();
const nothing = { taken: [], leased: none, held: none, now };

function aWithdrawal(change: Partial<Withdrawal> = {}): Withdrawal {
  return { id: "r-1", at: approvedAt, endsAt: at(hours(4)).toISOString(), ...change };
}

const listed = (change: Partial<Withdrawal> = {}) => ({ list: [aWithdrawal(change)], notBefore: null });

/** As many as are kept, and some more, each approved a second after the one before. */
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => aWithdrawal({ id: `r-${index}`, at: at(index).toISOString() }));

describe("an approval is withdrawn", () => {
  test("where the cluster remembers its request", () => {
    expect(isWithdrawn(approved, listed(), keys.decision)).toBe(true);
    expect(isWithdrawn(approved, listed({ id: "r-2" }), keys.decision)).toBe(false);
  });

  test("until a newer one is given", () => {
    expect(isWithdrawn(approved, listed({ at: at(minutes(1)).toISOString() }), keys.decision)).toBe(false);
  });

  test("until each of several approvers gives a newer one", () => {
    const { seal: _, ...second } = aDecision({ by: "U0APPROVER2", at: at(minutes(5)).toISOString() });
    const approvals = [...approved.approvals, sealDecision(second, approved.id, keys.decision)];
    const both = { ...approved, approvals };
    const between = at(minutes(4)).toISOString();

    expect(isWithdrawn(both, listed({ at: between }), keys.decision)).toBe(true);
    expect(mayBeWithdrawn(both, { list: [], notBefore: between }, keys.decision)).toBe(true);
    expect(isWithdrawn(both, listed({ at: at(minutes(1)).toISOString() }), keys.decision)).toBe(false);
  });

  test("and only then its record counts no more", () => {
    const other = anApprovedRequest({ id: "r-2" });
    const forgotten = { list: [], notBefore: at(minutes(5)).toISOString() };

    expect(withoutWithdrawn([approved, other], listed(), keys.decision)).toEqual([other]);
    expect(withoutWithdrawn([approved, other], forgotten, keys.decision)).toEqual([]);
  });

  test("and no newer one counts without our seal", () => {
    const approvals = approved.approvals.map((each) => ({ ...each, at: at(minutes(9)).toISOString() }));

    expect(isWithdrawn({ ...approved, approvals }, listed(), keys.decision)).toBe(true);
    const beside = { ...approved, approvals: [...approved.approvals, ...approvals] };
    expect(isWithdrawn(beside, listed({ at: at(minutes(1)).toISOString() }), keys.decision)).toBe(true);
    expect(isWithdrawn({ ...approved, approvals: [] }, listed(), keys.decision)).toBe(true);
  });
});

describe("the memory of a withdrawal", () => {
  const cluster = aCluster();
  const remembered = (request = approved, share?: string) =>
    withdrawalOf(request, share, cluster, keys.decision, now) as Withdrawal;

  test("ends with the cluster's own share, or else with what was approved", () => {
    const end = at(minutes(2) + hours(4)).toISOString();

    expect(remembered()).toEqual({ id: "r-1", at: approvedAt, endsAt: end });
    expect(remembered(approved, at(hours(1)).toISOString()).endsAt).toBe(at(hours(1)).toISOString());
    expect(withdrawalOf(anEmergency(), undefined, anEmergencyCluster(), keys.decision, now)?.endsAt).toBe(
      at(minutes(2) + hours(1)).toISOString(),
    );
  });

  test("of a revoked lease lasts as if it were approved just now: Redis can have an earlier approval of it", () => {
    const end = { cause: "revoked", by: "U0ONCALL", at: now.toISOString(), why: "" } as const;
    const revoked = { ...approved, lease: { ...approved.lease, end } };

    expect(remembered(revoked).endsAt).toBe(at(minutes(10) + hours(4)).toISOString());
  });

  test("lasts as long as possible if the record does not show the approval", () => {
    const furthest = new Date(now.getTime() + permanentSeconds * 1000).toISOString();
    const unsealed = approved.approvals.map((each) => ({ ...each, at: at(-hours(9)).toISOString() }));

    expect(remembered({ ...approved, durationSeconds: 1 }).endsAt).toBe(furthest);
    expect(remembered({ ...approved, approvals: unsealed })).toEqual({
      id: "r-1",
      at: now.toISOString(),
      endsAt: furthest,
    });
  });

  test("is nothing where it is over anyhow", () => {
    expect(withdrawalOf(approved, at(minutes(9)).toISOString(), cluster, keys.decision, now)).toBeNull();
    expect(withdrawalOf(approved, undefined, cluster, keys.decision, at(hours(5)))).toBeNull();
  });
});

describe("the memory of a cluster", () => {
  test("adds new withdrawals, and forgets those that are over or approved again", () => {
    const known = {
      list: [aWithdrawal({ id: "r-over", endsAt: at(minutes(5)).toISOString() }), aWithdrawal({ id: "r-again" })],
      notBefore: null,
    };

    const next = rememberWithdrawals(known, { ...nothing, withdrawn: [aWithdrawal()], leased: new Set(["r-again"]) });

    expect(next).toEqual({ list: [aWithdrawal()], notBefore: null });
  });

  test("says the same whatever the order, so that nothing is written for it", () => {
    const withdrawn = many(3);

    expect(rememberWithdrawals(noWithdrawals, { ...nothing, withdrawn })).toEqual(
      rememberWithdrawals(noWithdrawals, { ...nothing, withdrawn: withdrawn.toReversed() }),
    );
  });

  test("without more room does not trust an approval as old as the oldest one, and counts it as forgotten", () => {
    const withdrawn = many(maxWithdrawals + 3).toReversed();
    const { list, notBefore } = rememberWithdrawals(noWithdrawals, { ...nothing, withdrawn });

    expect(list).toHaveLength(maxWithdrawals);
    expect(list.map(({ id }) => id)).not.toContain("r-2");
    expect(notBefore).toBe(at(2).toISOString());
    expect(mayBeWithdrawn(approved, { list, notBefore }, keys.decision)).toBe(false);
    expect(mayBeWithdrawn(approved, { list, notBefore: approvedAt }, keys.decision)).toBe(true);
  });

  test("never forgets a lease that is still in the document, and never trusts a forgotten approval again", () => {
    const held = new Set(["r-0"]);
    const first = rememberWithdrawals(noWithdrawals, { ...nothing, withdrawn: many(maxWithdrawals + 3), held });
    const next = rememberWithdrawals(first, {
      ...nothing,
      withdrawn: [aWithdrawal({ id: "r-old", at: at(1).toISOString() })],
      held,
    });

    expect(first.list.map(({ id }) => id)).toContain("r-0");
    expect(first.notBefore).toBe(at(3).toISOString());
    expect(next).toEqual(first);
  });

  test("that is empty doubts no approval", () => {
    expect(mayBeWithdrawn(approved, noWithdrawals, keys.decision)).toBe(false);
  });
});

describe("two memories of one cluster, which takes leases in two ways,", () => {
  test("keep the withdrawals of both, and the newer one of the same request", () => {
    const one = { list: [aWithdrawal(), aWithdrawal({ id: "r-2" })], notBefore: at(1).toISOString() };
    const newer = aWithdrawal({ at: at(minutes(5)).toISOString() });
    const other = { list: [newer], notBefore: at(2).toISOString() };

    for (const both of [mergeWithdrawals(one, other), mergeWithdrawals(other, one)]) {
      expect(both.notBefore).toBe(at(2).toISOString());
      expect(both.list.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([newer, aWithdrawal({ id: "r-2" })]);
    }
    expect(mergeWithdrawals(one, noWithdrawals)).toEqual(one);
  });
});

describe("what a worker without the ledger removed", () => {
  const removed = removalWithoutLedger("r-1", now);

  test("is no revocation, and nothing of its record counts any more", () => {
    const memory = { list: [removed], notBefore: null };

    expect(isWithdrawn(approved, memory, keys.decision)).toBe(false);
    expect(withoutWithdrawn([approved], memory, keys.decision)).toEqual([]);
    expect(removedWithoutLedgerAt("r-1", memory)).toBe(now.toISOString());
  });

  test("never replaces a revocation, which protects from an old record", () => {
    const after = rememberWithdrawals(listed(), { ...nothing, withdrawn: [removed] });

    expect(after.list).toEqual([aWithdrawal()]);
    expect(mergeWithdrawals({ list: [removed], notBefore: null }, listed()).list).toEqual([aWithdrawal()]);
  });

  test("has only the room that revocations leave, and forgetting it makes no approval void", () => {
    const revoked = many(3);
    const removals = [1, 2, 3].map((minute) => removalWithoutLedger(`x-${minute}`, at(minutes(minute))));
    const later = { ...nothing, withdrawn: [...removals, ...revoked], limit: 5 };

    const after = rememberWithdrawals(noWithdrawals, later);

    expect(after.list.map(({ id }) => id)).toEqual(["r-0", "r-1", "r-2", "x-2", "x-3"]);
    expect(after.notBefore).toBeNull();
  });

  test("is forgotten after a week", () => {
    const memory = { list: [removed], notBefore: null };
    const inDays = (days: number) => ({ ...nothing, withdrawn: [], now: at(minutes(10) + hours(24 * days)) });

    expect(rememberWithdrawals(memory, inDays(6)).list).toEqual([removed]);
    expect(rememberWithdrawals(memory, inDays(8)).list).toEqual([]);
  });
});

const withdrawal = (id: string) => ({ id, at: at(0).toISOString(), endsAt: at(hours(4)).toISOString() });
const voided = { ...withdrawal("r-8k2m9x4q"), isVoid: true as const };
const removed = { ...withdrawal("r-9k2m9x4q"), withoutLedger: true as const };
const memory = { list: [withdrawal("r-7k2m9x4q"), voided, removed], notBefore: at(-hours(1)).toISOString() };
const tags = writeWithdrawalTags("payments", memory, keys.memory);
const key = "eks-access/withdrawn/r-7k2m9x4q";

test("withdrawals read back as written, whatever other tags the cluster has", () => {
  const reading = readWithdrawalTags("payments", { team: "platform", ...tags }, keys.memory);

  expect(reading).toEqual({ withdrawals: memory, untrusted: null });
  expect(readWithdrawalTags("payments", { team: "platform" }, keys.memory)).toEqual({
    withdrawals: noWithdrawals,
    untrusted: null,
  });
});

test("EKS takes the tags: their lengths and their characters", () => {
  for (const [name, value] of Object.entries(tags)) {
    expect(`${name}${value}`).toMatch(/^[A-Za-z0-9 +\-=._:/@]*$/);
    expect([name.length <= 128, value.length <= 256]).toEqual([true, true]);
  }
});

test("an id that no request of ours can have does not make EKS refuse the rest", () => {
  const list = [withdrawal("r-1"), withdrawal('{"$":1}'), withdrawal("x".repeat(65))];

  expect(Object.keys(writeWithdrawalTags("payments", { list, notBefore: null }, keys.memory))).toEqual([
    "eks-access/withdrawn/r-1",
  ]);
});

describe("is not trusted:", () => {
  const { [key]: text = "" } = tags;
  const later = at(hours(9)).toISOString();
  test.each([
    ["a later time", { ...tags, [key]: text.replace(at(0).toISOString(), later) }],
    ["an earlier end", { ...tags, [key]: text.replace(at(hours(4)).toISOString(), at(1).toISOString()) }],
    ["another request's", { ...tags, "eks-access/withdrawn/r-other": text }],
    ["no seal", { ...tags, [key]: text.slice(0, text.lastIndexOf(" ")) }],
    ["something behind the seal", { ...tags, [key]: `${text} more` }],
    ["that it came to nothing", { ...tags, [key]: text.replace("approved ", "void ") }],
    ["that it was removed without the ledger", { ...tags, [key]: text.replace("approved ", "removed ") }],
    ["no time", { ...tags, [key]: text.replace("approved ", "approved at ") }],
    ["nothing", { ...tags, [key]: "" }],
    ["another limit", { ...tags, "eks-access/forgotten": `${later} ${tags["eks-access/forgotten"]?.split(" ")[1]}` }],
    ["a limit that is no time", { ...tags, "eks-access/forgotten": "never" }],
  ])("%s", (_, changed) => {
    const { withdrawals, untrusted } = readWithdrawalTags("payments", changed, keys.memory);

    expect(untrusted).toMatch(/^the seal of the tag eks-access\/\S+ is not ours for this cluster$/);
    expect([...withdrawals.list.map(({ id }) => id), withdrawals.notBefore]).not.toContain("r-other");
    expect(withdrawals.list.filter((each) => !memory.list.some((known) => sameTimes(each, known)))).toEqual([]);
    expect([memory.notBefore, null]).toContain(withdrawals.notBefore);
  });

  const sameTimes = (a: object, b: object) => JSON.stringify(a) === JSON.stringify(b);

  test("another cluster's, and another key's", () => {
    expect(readWithdrawalTags("staging", tags, keys.memory).withdrawals).toEqual(noWithdrawals);
    expect(readWithdrawalTags("payments", tags, otherKeys.memory).withdrawals).toEqual(noWithdrawals);
  });
});

test("during a key rotation the tags of the old key are read, and written again with the first one", () => {
  const rotated = memoryKeys([aSecret("newer"), aSecret("old")]);
  const tags = writeWithdrawalTags("payments", memory, memoryKeys([aSecret("old")]));

  expect(readWithdrawalTags("payments", tags, rotated)).toEqual({ withdrawals: memory, untrusted: null });
  const { wanted, stale } = withdrawalTagChanges("payments", tags, memory, rotated);
  expect([Object.keys(wanted).toSorted(), stale]).toEqual([Object.keys(tags).toSorted(), []]);
});

describe("the calls to EKS", () => {
  test("are none if it remembers everything already", () => {
    expect(withdrawalTagChanges("payments", { team: "x", ...tags }, memory, keys.memory)).toEqual({
      wanted: {},
      stale: [],
    });
  });

  test("add what is new and remove what is over; other tags stay", () => {
    const [first, second] = memory.list;
    const present = {
      team: "x",
      ...writeWithdrawalTags("payments", { list: first ? [first] : [], notBefore: null }, keys.memory),
    };
    const after = { list: second ? [second] : [], notBefore: null };

    const { wanted, stale } = withdrawalTagChanges("payments", present, after, keys.memory);

    expect(Object.keys(wanted)).toEqual(["eks-access/withdrawn/r-8k2m9x4q"]);
    expect(stale).toEqual([key]);
  });
});

test("others' tags leave less room, and one place stays reserved for forgotten withdrawals", () => {
  const others = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`tag-${index}`, ""]));

  expect(roomForWithdrawals({})).toBe(maxWithdrawalTags);
  expect(roomForWithdrawals({ ...others(40), ...tags })).toBe(9);
  expect(roomForWithdrawals(others(49))).toBe(0);
  expect(roomForWithdrawals(others(50))).toBe(0);
});
