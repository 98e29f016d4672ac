import { EventEmitter, once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { callInParallel } from "../../src/operations/parallel.ts";

describe("calls over few connections", () => {
  const items = (count: number) => Array.from({ length: count }, (_, index) => index);

  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  /** How many of so many calls run at once. */
  async function mostAtOnce(count: number): Promise<number> {
    let running = 0;
    let most = 0;
    await callInParallel(items(count), async () => {
      running += 1;
      most = Math.max(most, running);
      await nextTurn();
      running -= 1;
    });
    return most;
  }

  test("eight quick calls need one connection, and each eight more need another one, up to sixteen", async () => {
    expect(await Promise.all([1, 8, 9, 40, 1000].map(mostAtOnce))).toEqual([1, 1, 2, 5, 16]);
  });

  test("waiting calls do not delay the others: another connection begins each half second", async () => {
    const begun: number[] = [];
    const answer = new EventEmitter();
    const answered = once(answer, "answer");
    const all = callInParallel(items(40), async (item) => {
      begun.push(item);
      await answered;
    });
    expect(begun).toHaveLength(5);

    vi.advanceTimersByTime(1_000);
    expect(begun).toHaveLength(7);
    vi.advanceTimersByTime(20_000);
    expect(begun).toHaveLength(16);

    answer.emit("answer");
    await all;
    expect(begun).toEqual(items(40));
  });

  test("each item is tried, and the first failure is thrown after all", async () => {
    const tried: number[] = [];

    const all = callInParallel(items(4), async (item) => {
      await nextTurn();
      tried.push(item);
      if (item > 1) throw new Error(`no ${item}`);
    });

    await expect(all).rejects.toThrow("no 2");
    expect(tried).toEqual(items(4));
  });
});
