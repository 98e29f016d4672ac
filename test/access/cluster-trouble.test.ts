import { describe, expect, test } from "vitest";
import { type ClusterTrouble, hasNewCause, isClusterDue, nextClusterTry } from "../../src/access/retry.ts";
import { at } from "../builders/times.ts";

const away = { code: "aws-unreachable", message: "AWS could not be reached" };
const refused = { code: "aws-access-denied", message: "AWS refused sts:AssumeRole" };
const moment = (seconds: number, change: { configuration?: string; chance?: number } = {}) => ({
  now: at(seconds),
  configuration: "one",
  chance: 0,
  ...change,
});

/** Fails whenever it is due, so often; when that was, in seconds from the first. */
function failing(times: number, chance = 0): { readonly waits: readonly number[]; readonly last: ClusterTrouble } {
  let trouble = nextClusterTry(null, away, moment(0, { chance }));
  const waits: number[] = [];
  for (let nth = 1; nth < times; nth += 1) {
    const now = new Date(trouble.retryAt);
    waits.push((now.getTime() - Date.parse(trouble.at)) / 1000);
    trouble = nextClusterTry(trouble, away, { now, configuration: "one", chance });
  }
  return { waits, last: trouble };
}

describe("a cluster that can't be worked on", () => {
  test("is tried after waits that double up to 15 minutes, and stay there", () => {
    expect(failing(13).waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  test("is tried up to a quarter earlier, by chance", () => {
    expect(failing(4, 1).waits).toEqual([0.75, 1.5, 3]);
  });

  test("is tried no later for what fails before its next try, and that counts as no try", () => {
    const { last } = failing(8);

    const again = nextClusterTry(last, away, { ...moment(0), now: new Date(Date.parse(last.at) + 1) });

    expect(again).toMatchObject({ attempts: last.attempts, retryAt: last.retryAt });
  });

  test("is due where its next try is later than any wait: a person wrote it into Redis", () => {
    const forged = { ...failing(8).last, retryAt: at(10_000).toISOString() };

    const again = nextClusterTry(forged, away, moment(1_000));

    expect(isClusterDue(forged, at(1_000))).toBe(true);
    expect(again.retryAt).toBe(at(1_256).toISOString());
  });

  test("is due, and begins again, where a clock that was ahead dated its failure", () => {
    const ahead = nextClusterTry(null, away, moment(1_200));

    const again = nextClusterTry(ahead, away, moment(0));

    expect(isClusterDue(ahead, at(0))).toBe(true);
    expect(again).toMatchObject({ attempts: 1, since: at(0).toISOString(), retryAt: at(1).toISOString() });
  });

  test("begins again after the end of its last trouble", () => {
    const over = { ...failing(8).last, overAt: at(4_000).toISOString() };

    const anew = nextClusterTry(over, away, moment(5_000));

    expect(anew).toMatchObject({ attempts: 1, since: at(5_000).toISOString(), overAt: null });
    expect(hasNewCause(over, anew)).toBe(true);
  });

  test("begins again with another configuration", () => {
    const { last } = failing(8);

    const anew = nextClusterTry(last, away, moment(5_000, { configuration: "two" }));

    expect(anew).toMatchObject({ attempts: 1, since: at(5_000).toISOString(), retryAt: at(5_001).toISOString() });
    expect(hasNewCause(last, anew)).toBe(true);
  });

  test("has a new cause where it fails in another way, once for each way", () => {
    const first = nextClusterTry(null, away, moment(0));
    const second = nextClusterTry(first, away, moment(10));
    const third = nextClusterTry(second, refused, moment(20));
    const fourth = nextClusterTry(third, away, moment(30));

    expect([hasNewCause(null, first), hasNewCause(first, second)]).toEqual([true, false]);
    expect([hasNewCause(second, third), hasNewCause(third, fourth)]).toEqual([true, false]);
    expect(fourth.since).toBe(at(0).toISOString());
  });

  test("is due at its next try, and not before", () => {
    const { last } = failing(13);
    const retryAt = Date.parse(last.retryAt);

    expect([isClusterDue(last, new Date(retryAt - 1)), isClusterDue(last, new Date(retryAt))]).toEqual([false, true]);
  });
});
