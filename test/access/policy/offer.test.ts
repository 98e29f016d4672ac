import { expect, test } from "vitest";
import { clusterRule, levelsOffered } from "../../../src/access/policy/rule.ts";
import { aCluster } from "../../builders/a-cluster.ts";

const offered = (cluster: ReturnType<typeof aCluster>, memberships: readonly string[] = []) =>
  levelsOffered(cluster, { user: "U0ENGINEER", memberships }).map(({ name, maxDurationSeconds }) => [
    name,
    maxDurationSeconds,
  ]);

test("without a policy everyone can ask for every level, for its longest time", () => {
  expect(offered(aCluster())).toEqual([
    ["viewer", 8 * 3600],
    ["admin", 3600],
  ]);
});

test("a policy offers what a rule gives this person, no longer than the rule says", () => {
  const rules = [{ ...clusterRule, name: "team", who: ["S0TEAM"], levels: ["viewer"], maxDurationSeconds: 1800 }];

  expect(offered(aCluster({ rules }))).toEqual([]);
  expect(offered(aCluster({ rules }), ["S0TEAM"])).toEqual([["viewer", 1800]]);
});

test("a rule can't make a level longer than it is", () => {
  const rules = [{ ...clusterRule, maxDurationSeconds: 100 * 3600 }];

  expect(offered(aCluster({ rules }))).toContainEqual(["admin", 3600]);
});

test("a level is offered for good where the rule allows it", () => {
  const person = { user: "U0ENGINEER", memberships: [] };
  const permanentBy = (permanent: boolean) =>
    levelsOffered(aCluster({ rules: [{ ...clusterRule, permanent }] }), person).map((level) => level.permanent);

  expect(permanentBy(true)).toEqual([true, true]);
  expect(permanentBy(false)).toEqual([false, false]);
});

test("a cluster that is closed offers nothing", () => {
  expect(offered(aCluster({ quiet: "the books are closed" }))).toEqual([]);
});
