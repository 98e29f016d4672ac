import { pino } from "pino";
import { expect, test } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { FailureLog } from "../../src/operations/log.ts";
import { at, hours } from "../builders/times.ts";

const denied = new AccessError("cluster-forbidden", "The API server refused get configmaps");
const about = { cluster: "staging" };

/** A log of repeated failures. */
function aLog() {
  const lines: { level: number; msg: string; tries?: number; err?: { code: string } }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const clock = { now: at(0) };
  const failures = new FailureLog(log, () => clock.now);
  const fail = (times: number, error: unknown = denied) => {
    for (let time = 0; time < times; time += 1) failures.failed("reconcile failed", about, error);
  };
  return { lines, clock, failures, fail };
}

test("each cause is logged once with its stack, and then how often it came: at the 2nd, 4th, 8th … time", () => {
  const { lines, fail } = aLog();

  fail(100);

  expect(lines.filter(({ err }) => err)).toHaveLength(1);
  expect(lines.slice(1).map(({ tries }) => tries)).toEqual([2, 4, 8, 16, 32, 64]);
});

test("another cause has its stack, too, and causes that take turns are each new once", () => {
  const { lines, fail } = aLog();

  for (let round = 0; round < 10; round += 1) {
    fail(1);
    fail(1, new AccessError("cluster-unreachable", "The API server did not answer"));
  }

  expect(lines.filter(({ err }) => err).map(({ err }) => err?.code)).toEqual([
    "cluster-forbidden",
    "cluster-unreachable",
  ]);
});

test("a cause that names another request of AWS each time is the same one", () => {
  const { lines, fail } = aLog();

  for (const id of ["1b2c", "9f8e"]) fail(1, new Error(`500 (request 0a1b2c3d-0000-4000-8000-00000000${id}, try 17)`));

  expect(lines.filter(({ err }) => err)).toHaveLength(1);
});

test("a recovery is logged once with the number of failures, and a new failure has its stack again", () => {
  const { lines, failures, fail } = aLog();
  fail(3);

  failures.over("reconcile failed", about);
  failures.over("reconcile failed", about);
  fail(1);

  expect(lines.map(({ msg, tries, err }) => [msg, tries, err !== undefined])).toEqual([
    ["reconcile failed", undefined, true],
    ["reconcile failed", 2, false],
    ["reconcile failed: it works again", 3, false],
    ["reconcile failed", undefined, true],
  ]);
});

test("what has not failed for an hour is not remembered", () => {
  const { lines, clock, fail } = aLog();
  fail(1);
  clock.now = at(hours(1.1));

  fail(1);

  expect(lines.filter(({ err }) => err)).toHaveLength(2);
});
