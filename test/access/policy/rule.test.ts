import { describe, expect, test } from "vitest";
import type { WorkingHours } from "../../../src/access/policy/cluster.ts";
import { clusterRule, hoursInWords, isWithin, levelsOffered } from "../../../src/access/policy/rule.ts";
import { aCluster } from "../../builders/a-cluster.ts";

const office: WorkingHours = { zone: "Europe/Zurich", days: [1, 2, 3, 4, 5], from: 540, to: 1080, outside: "refuse" };

describe("working hours of Monday to Friday, nine to six in Zurich,", () => {
  test.each<[string, string, boolean]>([
    ["a Monday at nine", "2026-03-02T08:00:00Z", true],
    ["a second before nine", "2026-03-02T07:59:59Z", false],
    ["a second before six", "2026-03-02T16:59:59Z", true],
    ["six", "2026-03-02T17:00:00Z", false],
    ["a Saturday at noon", "2026-03-07T11:00:00Z", false],
    ["nine by summer time", "2026-07-06T07:00:00Z", true],
    ["nine by winter time, in summer", "2026-07-06T06:59:00Z", false],
    ["a Friday evening that is Saturday further east", "2026-03-06T16:30:00Z", true],
  ])("%s: %s is within: %s", (_, moment, within) => {
    expect(isWithin(office, new Date(moment))).toBe(within);
  });

  test("read as people write them, in the order of the week", () => {
    expect(hoursInWords({ ...office, days: [5, 1] })).toBe("Mon, Fri, 09:00 to 18:00 (Europe/Zurich)");
    expect(hoursInWords({ ...office, days: [3, 2, 1] })).toMatch(/^Mon to Wed, 09:00/);
    expect(hoursInWords({ ...office, days: [7, 1, 2, 3, 4, 5, 6] })).toMatch(/^every day, 09:00/);
  });
});

test.each<[string, string, boolean]>([
  ["a Friday at ten in the evening", "2026-03-06T21:00:00Z", true],
  ["the Saturday morning after it", "2026-03-07T04:59:59Z", true],
  ["six that morning", "2026-03-07T05:00:00Z", false],
  ["the Monday morning after a Sunday", "2026-03-09T01:00:00Z", false],
  ["the first of two times half past two", "2026-10-25T00:30:00Z", true],
  ["the second of two times half past two", "2026-10-25T01:30:00Z", true],
  ["three, after an hour that does not exist", "2026-03-29T01:00:00Z", true],
])(
  "hours from ten in the evening to six belong to the day of their beginning: %s: %s is within: %s",
  (_, moment, within) => {
    const night = { ...office, days: [1, 2, 3, 4, 5, 6], from: 1320, to: 360 };

    expect(isWithin(night, new Date(moment))).toBe(within);
  },
);

test("the hours of a Sunday night end on Monday morning", () => {
  const night = { ...office, days: [7], from: 1320, to: 360 };

  expect(isWithin(night, new Date("2026-03-09T01:00:00Z"))).toBe(true);
  expect(isWithin(night, new Date("2026-03-10T01:00:00Z"))).toBe(false);
});

test("hours to 24:00 hold until midnight", () => {
  const late = { ...office, from: 0, to: 1440 };

  expect(isWithin(late, new Date("2026-03-02T22:59:59Z"))).toBe(true);
  expect(isWithin(late, new Date("2026-03-06T23:00:00Z"))).toBe(false);
});

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
