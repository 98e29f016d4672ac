import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  decideBeginning,
  decideDrift,
  decideFailure,
  decideShare,
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
  ...reconcileRules.begin.map((rule) => [rule, decideBeginning] as const),
  ...reconcileRules.drift.map((rule) => [rule, decideDrift] as const),
  ...reconcileRules.failure.map((rule) => [rule, decideFailure] as const),
  ...reconcileRules.share.map((rule) => [rule, decideShare] as const),
])("the rule %s", (rule, decide) => {
  test("decides its facts, and they come out as its fixture says", () => {
    const facts = readJson(rule, "facts");

    const decided = decide(facts);

    expect(decided).toEqual({ rule, outcome: readJson(rule, "outcome") });
  });
});
