import { expect, test } from "vitest";
import { examineMemory } from "../../src/bin/doctor.ts";
import { aPlannedMigration } from "../builders/a-migration.ts";
import { aLeasedRequest } from "../builders/a-request.ts";

const placeOf = (key: string) => ({ cluster: "staging", seal: `${key}.${"0".repeat(64)}` });
const leaseOf = (key: string) => aLeasedRequest({ place: placeOf(key) });
const [newest, older, gone] = ["aaaaaaaa", "bbbbbbbb", "cccccccc"];

test("says how many leases and migrations an older memory key still seals, and which key is missing", () => {
  const begun = { name: "switch-mode", at: "2026-11-29T08:00:00.000Z", place: placeOf(older) };
  const open = [leaseOf(newest), leaseOf(older), aPlannedMigration({ begun }), leaseOf(gone)];

  expect(examineMemory(open, [newest, older])).toMatchObject([
    { result: "not asked", detail: `keep the memory key ${older}: 2 open leases or migrations need it` },
    {
      result: "no",
      detail: `1 open lease or migration needs the memory key ${gone}, which this worker lacks`,
      remedy: "Add the key to MEMORY_KEYS again.",
    },
  ]);
});

test("says when no open lease needs an older memory key, and nothing of an only key", () => {
  const open = [leaseOf(newest), aLeasedRequest({ place: { cluster: "", seal: "no key" } })];

  expect(examineMemory(open, [newest, older])).toMatchObject([
    { result: "yes", detail: `no open lease or migration needs the older memory key ${older}` },
  ]);
  expect(examineMemory(open, [newest])).toEqual([]);
});
