import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  decideFailure,
  decideLease,
  decideShare,
  endsByRule,
  type LeaseFacts,
  reconcileRules,
} from "../../../src/access/lease/decide-lease.ts";

const folder = new URL("../../fixtures/reconcile/", import.meta.url);

function readJson(rule: string, name: string) {
  return JSON.parse(readFileSync(new URL(`${rule}/${name}.json`, folder), "utf8"));
}

test("every rule has a fixture, and every fixture a rule", () => {
  const fixtures = readdirSync(folder);

  expect(fixtures.toSorted()).toEqual(Object.values(reconcileRules).flat().toSorted());
});

describe.each([
  ...reconcileRules.lease.map((rule) => [rule, decideLease] as const),
  ...reconcileRules.failure.map((rule) => [rule, decideFailure] as const),
  ...reconcileRules.share.map((rule) => [rule, decideShare] as const),
])("the rule %s", (rule, decide) => {
  test("decides its facts, and they come out as its fixture says", () => {
    const facts = readJson(rule, "facts");

    const decided = decide(facts);

    expect(decided).toEqual({ rule, outcome: readJson(rule, "outcome") });
  });
});

describe.each(reconcileRules.lease)("the rule %s", (rule) => {
  test("ends a lease, or tries to, exactly where the rules of ends apply", () => {
    const facts: LeaseFacts = readJson(rule, "facts");

    const ends = endsByRule(facts);

    expect(ends).toBe(["end", "put-off"].includes(readJson(rule, "outcome").type));
  });

  test("is overruled by what ends a lease", () => {
    const facts: LeaseFacts = { ...readJson(rule, "facts"), refusal: null };

    const outcomes = [
      { ...facts, due: "end" as const },
      { ...facts, wasWithdrawn: true },
      { ...facts, isOverInCluster: true },
    ].map((each) => decideLease(each).outcome);

    expect(outcomes).toEqual([{ type: "end" }, { type: "end" }, { type: "end" }]);
  });
});
