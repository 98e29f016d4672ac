import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { startInParallel } from "../../src/operations/deadlines.ts";

test("each result is there before the last one, a bounded number run at once, and a failure holds up no other", async () => {
  let [running, most] = [0, 0];
  const act = async (item: number) => {
    running += 1;
    most = Math.max(most, running);
    await nextTurn();
    running -= 1;
    if (item === 1) throw new Error("the second one fails");
    if (item === 6) await new Promise(() => {});
    return item * 10;
  };

  const results = startInParallel([0, 1, 2, 3, 4, 5, 6], act, 3);
  const settled = await Promise.allSettled(results.slice(0, 6));

  expect(settled.map((each) => (each.status === "fulfilled" ? each.value : "failed"))).toEqual([
    ...[0, "failed", 20, 30, 40, 50],
  ]);
  expect(most).toBe(3);
});

test("a failure that no one takes ends no process", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);

  startInParallel([0, 1], () => Promise.reject(new Error("late")), 1);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  process.off("unhandledRejection", note);

  expect(unhandled).toEqual([]);
});
