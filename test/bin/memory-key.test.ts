import { expect, test } from "vitest";
import { keysIn } from "../../src/access/seal.ts";
import { examineMemory, examineOlder } from "../../src/bin/examine-ledger.ts";
import { aPlannedMigration } from "../builders/a-migration.ts";
import { aLeasedRequest } from "../builders/a-request.ts";

const placeOf = (key: string) => ({ cluster: "staging", seal: `${key}.${"0".repeat(64)}` });
const leaseOf = (key: string) => aLeasedRequest({ place: placeOf(key) });
const [newest, older, gone] = ["aaaaaaaa", "bbbbbbbb", "cccccccc"];

test("says how many records need an older key, and which memory key is missing", () => {
  const begun = { name: "switch-mode", at: "2026-11-29T08:00:00.000Z", place: placeOf(older) };
  const open = [leaseOf(newest), leaseOf(older), aPlannedMigration({ begun }), leaseOf(gone)];
  const ids = [newest, older, newest];

  expect(examineOlder("memory", { ids }, open.map(keysIn))).toMatchObject([
    { result: "not asked", detail: `keep the memory key ${older}: 2 records need it` },
  ]);
  expect(examineMemory(open, ids)).toMatchObject([
    {
      result: "no",
      detail: `1 open lease or migration needs the memory key ${gone}, which this worker lacks`,
      remedy: "Unless it was stolen, add it to MEMORY_KEYS again.",
    },
  ]);
});

test("says when nothing needs an older key, and nothing of an only key", () => {
  const typed = aLeasedRequest({ place: { cluster: "", seal: "no key" } });
  const open = [leaseOf(newest), { ...typed, reason: `"seal":"${older}.` }].map(keysIn);

  expect(examineOlder("memory", { ids: [newest, older] }, open)).toMatchObject([
    { result: "yes", detail: `nothing needs the memory key ${older}, which only verifies` },
  ]);
  expect(examineOlder("memory", { ids: [newest] }, open)).toEqual([]);
});
