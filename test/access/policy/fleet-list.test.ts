import { describe, expect, test } from "vitest";
import {
  type FleetCluster,
  type FleetList,
  type FleetLook,
  nextFleet,
  readFleetList,
  sealFleetList,
} from "../../../src/access/policy/fleet-list.ts";
import { aFleetCluster } from "../../builders/a-fleet.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const day = hours(24) * 1000;
const rules = { deciding: new Set(["env"]), holdMs: day, isHeld: () => false };
const { account, region, eksName } = aFleetCluster();

/** A look at this time (seconds) that finds `payments` with these tags; null: not at all. */
function look(seconds: number, tags: FleetCluster["tags"] | null, hasLooked = true): FleetLook {
  const found = tags === null ? [] : [{ account, region, eksName, tags }];
  return { found, hasLooked: () => hasLooked, at: at(seconds) };
}

/** The list after looks, each soon after the one before, and the changes of the last one. */
function afterLooks(start: FleetList | null, ...looks: readonly FleetLook[]) {
  let list = start;
  let changes: ReturnType<typeof nextFleet>["changes"] = [];
  for (const each of looks) ({ list, changes } = nextFleet(list, each, rules));
  return { cluster: list?.clusters[0], changes: changes.map(({ type }) => type), details: changes };
}

const listed = (change: Partial<FleetCluster> = {}): FleetList => ({
  at: at(0).toISOString(),
  clusters: [aFleetCluster(change)],
});

test("a new cluster counts at once", () => {
  const { cluster, changes } = afterLooks(null, look(0, { env: "production" }));

  expect(cluster).toEqual(aFleetCluster());
  expect(changes).toEqual(["added"]);
});

test("tags that decide nothing change nothing", () => {
  const { cluster, changes } = afterLooks(listed(), look(minutes(5), { env: "production", build: "42" }));

  expect(cluster).toMatchObject({
    tags: { env: "production", build: "42" },
    waiting: null,
    seenAt: at(minutes(5)).toISOString(),
  });
  expect(changes).toEqual([]);
});

describe("a tag that decides", () => {
  const dev = { env: "dev" };

  test("counts a day after it changed, with a change reported at both times and not in between", () => {
    const looks = [5, 10].map((each) => look(minutes(each), dev));
    const first = afterLooks(listed(), ...looks.slice(0, 1));
    const then = afterLooks(listed(), ...looks);
    const all = [...looks, ...Array.from({ length: 48 }, (_, index) => look(hours(0.5 * (index + 1)), dev))];
    const soon = afterLooks(listed(), ...all);
    const last = afterLooks(listed(), ...all, look(hours(24) + minutes(6), dev));

    expect(first.details).toMatchObject([
      { type: "changed", from: { env: "production" }, tags: dev, countsAt: at(hours(24) + minutes(5)).toISOString() },
    ]);
    expect(first.cluster?.tags).toEqual({ env: "production" });
    expect([then.changes, soon.changes]).toEqual([[], []]);
    expect(soon.cluster?.tags).toEqual({ env: "production" });
    expect(last.details).toMatchObject([{ type: "changed", countsAt: null }]);
    expect(last.cluster).toMatchObject({ tags: dev, waiting: null });
  });

  test("begins its day again when it is another one", () => {
    const { cluster, changes } = afterLooks(listed(), look(minutes(5), dev), look(minutes(50), { env: "test" }));

    expect(cluster?.waiting).toEqual({ tags: { env: "test" }, since: at(minutes(50)).toISOString() });
    expect(changes).toEqual(["changed"]);
  });

  test("that is restored is reported, and nothing waits", () => {
    const { cluster, changes } = afterLooks(listed(), look(minutes(5), dev), look(minutes(9), { env: "production" }));

    expect(cluster).toMatchObject({ tags: { env: "production" }, waiting: null });
    expect(changes).toEqual(["restored"]);
  });

  test("does not count earlier when the cluster leaves the fleet and comes back", () => {
    const { cluster, changes } = afterLooks(listed(), look(minutes(5), null), look(minutes(9), dev));

    expect(cluster).toMatchObject({ tags: { env: "production" }, waiting: { tags: dev }, goneSince: null });
    expect(changes).toEqual(["changed"]);
  });

  test("counts at once if AWS has not shown the cluster for an hour: its old tags prove nothing", () => {
    const { cluster, details } = afterLooks(listed(), look(minutes(61), dev));

    expect(cluster).toMatchObject({ tags: dev, waiting: null });
    expect(details).toMatchObject([{ type: "changed", countsAt: null }]);
  });
});

describe("a cluster that AWS does not show", () => {
  test("is gone, and leaves the list after a day", () => {
    const gone = afterLooks(listed(), look(minutes(5), null));
    const still = afterLooks(listed(), look(minutes(5), null), look(hours(20), null));
    const left = afterLooks(listed(), look(minutes(5), null), look(hours(25), null));

    expect(gone).toMatchObject({ changes: ["gone"], cluster: { goneSince: at(minutes(5)).toISOString() } });
    expect(still).toMatchObject({
      changes: [],
      cluster: aFleetCluster({ seenAt: at(hours(20)).toISOString(), goneSince: at(minutes(5)).toISOString() }),
    });
    expect(left).toMatchObject({ changes: ["removed"], cluster: undefined });
  });

  test("stays while a lease is not over there", () => {
    const before = listed({ goneSince: at(0).toISOString() });

    const { list, changes } = nextFleet(before, look(hours(99), null), { ...rules, isHeld: () => true });

    expect([list.clusters.length, changes]).toEqual([1, []]);
  });

  test("stays as it was where AWS did not answer", () => {
    const { cluster, changes } = afterLooks(listed(), look(minutes(5), null, false));

    expect([cluster, changes]).toEqual([aFleetCluster(), []]);
  });
});

describe("a list in Redis", () => {
  const list = listed();

  test.each([
    ["of a worker", sealFleetList(list, keys.preview), list],
    ["without a seal of ours", sealFleetList(list, otherKeys.preview), null],
    [
      "with another tag",
      { ...sealFleetList(list, keys.preview), clusters: [aFleetCluster({ tags: { env: "dev" } })] },
      null,
    ],
    ["with another time", { ...sealFleetList(list, keys.preview), at: at(5).toISOString() }, null],
    ["of the future", sealFleetList({ ...list, at: at(minutes(9)).toISOString() }, keys.preview), null],
    ["of another form", "no list", null],
  ])("%s", (_, stored, read) => {
    expect(readFleetList(stored, keys.preview, at(minutes(1)))).toEqual(read);
  });
});
