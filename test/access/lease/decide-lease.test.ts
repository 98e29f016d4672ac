import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decideLease, isToEnd, type LeaseFacts, leaseRules } from "../../../src/access/lease/decide-lease.ts";

const folder = new URL("../../fixtures/reconcile/", import.meta.url);
const fixtures = readdirSync(folder).toSorted();

function readJson(rule: string, name: string) {
  return JSON.parse(readFileSync(new URL(`${rule}/${name}.json`, folder), "utf8"));
}

test("every rule has a fixture, and every fixture a rule", () => {
  expect(fixtures).toEqual(leaseRules.toSorted());
});

describe.each(fixtures)("the rule %s", (rule) => {
  test("decides its facts, and they come out as its fixture says", () => {
    const facts: LeaseFacts = readJson(rule, "facts");

    const decided = decideLease(facts);

    expect(decided).toEqual({ rule, outcome: readJson(rule, "outcome") });
  });

  test("ends a lease exactly where the rules of ends apply", () => {
    const facts: LeaseFacts = readJson(rule, "facts");

    const ends = isToEnd(facts);

    expect(ends).toBe(readJson(rule, "outcome").type === "end");
  });

  test("is overruled by what ends a lease", () => {
    const facts: LeaseFacts = readJson(rule, "facts");

    const outcomes = [
      { ...facts, due: "end" as const },
      { ...facts, isTakenBack: true },
      { ...facts, isOverInCluster: true },
    ].map((each) => decideLease(each).outcome);

    expect(outcomes).toEqual([{ type: "end" }, { type: "end" }, { type: "end" }]);
  });
});
