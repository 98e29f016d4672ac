import { describe, expect, test } from "vitest";
import {
  maxWithdrawalTags,
  noWithdrawals,
  readWithdrawalTags,
  roomForWithdrawals,
  withdrawalTagChanges,
  writeWithdrawalTags,
} from "../../../src/access/lease/withdrawal.ts";
import { memoryKeys } from "../../../src/access/seal.ts";
import { aSecret, keys, otherKeys } from "../../builders/keys.ts";
import { at, hours } from "../../builders/times.ts";

const withdrawal = (id: string) => ({ id, at: at(0).toISOString(), endsAt: at(hours(4)).toISOString() });
const nothing = { ...withdrawal("r-8k2m9x4q"), isVoid: true as const };
const removed = { ...withdrawal("r-9k2m9x4q"), withoutLedger: true as const };
const memory = { list: [withdrawal("r-7k2m9x4q"), nothing, removed], notBefore: at(-hours(1)).toISOString() };
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
