import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { type DecisionPublicKeys, publicKeys, signingKeys } from "../../src/access/seal.ts";
import { RecentResults, rememberingSeals } from "../../src/operations/bounds.ts";

interface Upper {
  readonly upper: string;
}

/** Which of these texts, each of a place of its own unless one is named, had to be worked out. */
function workedOut(recent: RecentResults<Upper>, texts: readonly string[], place?: string): readonly string[] {
  const worked: string[] = [];
  for (const text of texts) {
    recent.of(place ?? text, text, () => {
      worked.push(text);
      return { upper: text.toUpperCase() };
    });
  }
  return worked;
}

test("the same text is worked out once", () => {
  const recent = new RecentResults<Upper>(10);

  const worked = workedOut(recent, ["abc", "abc", "abd", "abc"]);

  expect(worked).toEqual(["abc", "abd"]);
  expect(recent.get("abc", "abc")).toEqual({ upper: "ABC" });
});

test("of one place the newest text is remembered", () => {
  const recent = new RecentResults<Upper>(6);

  const worked = workedOut(recent, ["abc", "abd", "abd", "abc"], "record");

  expect(worked).toEqual(["abc", "abd", "abc"]);
  expect(workedOut(recent, ["xyz"])).toEqual(["xyz"]);
  expect(recent.get("record", "abc")).toEqual({ upper: "ABC" });
});

test("the text that was not used for longest goes when there is no room", () => {
  const recent = new RecentResults<Upper>(6);
  workedOut(recent, ["abc", "def", "abc", "ghi"]);

  const worked = workedOut(recent, ["abc", "def"]);

  expect(worked).toEqual(["def"]);
});

test("a text with more than there is room for leaves the others", () => {
  const recent = new RecentResults<Upper>(6);
  workedOut(recent, ["abc", "0123456789"]);

  const worked = workedOut(recent, ["abc", "0123456789"]);

  expect(worked).toEqual(["0123456789"]);
});

test("a text too short to be worth its room is worked out each time", () => {
  const recent = new RecentResults<Upper>(10, 3);

  const worked = workedOut(recent, ["ab", "abc", "ab", "abc"]);

  expect(worked).toEqual(["ab", "abc", "ab"]);
});

test("what throws is tried again", () => {
  const recent = new RecentResults<Upper>(6);
  const fail = () => recent.of("abc", "abc", () => JSON.parse("{"));

  expect(fail).toThrow(SyntaxError);
  expect(workedOut(recent, ["abc"])).toEqual(["abc"]);
});

const decision = { by: "U0APPROVER", at: "2026-11-26T10:00:00.000Z" };

/** Keys that count how often a seal is really verified. */
function countedKeys() {
  const pair = generateKeyPairSync("ed25519");
  const keys: DecisionPublicKeys = publicKeys([pair.publicKey]);
  let verified = 0;
  const counted: DecisionPublicKeys = {
    ids: keys.ids,
    isSealed: (purpose, value, seal) => {
      verified += 1;
      return keys.isSealed(purpose, value, seal);
    },
  };
  const seal = signingKeys<"decision">(pair.privateKey).seal("decision", decision);
  return { keys: rememberingSeals(counted), seal, verified: () => verified };
}

test("a valid seal is verified once", () => {
  const { keys, seal, verified } = countedKeys();

  const answers = [1, 2, 3].map(() => keys.isSealed("decision", { ...decision }, seal));

  expect(answers).toEqual([true, true, true]);
  expect(verified()).toBe(1);
});

test("a difference of one field, one purpose or one letter of the seal is verified again, and is false", () => {
  const { keys, seal } = countedKeys();
  keys.isSealed("decision", decision, seal);

  const forged = [
    keys.isSealed("decision", { ...decision, by: "U0ENGINEER" }, seal),
    keys.isSealed("review", decision, seal),
    keys.isSealed("decision", decision, `${seal.slice(0, -2)}${seal.endsWith("AA") ? "AQ" : "AA"}`),
    keys.isSealed("decision", decision, [seal]),
    keys.isSealed("decision", decision, undefined),
  ];

  expect(forged).toEqual([false, false, false, false, false]);
});

test("a seal of one key is not valid for another", () => {
  const { keys, seal } = countedKeys();
  keys.isSealed("decision", decision, seal);

  const { keys: others } = countedKeys();

  expect(others.isSealed("decision", decision, seal)).toBe(false);
});
