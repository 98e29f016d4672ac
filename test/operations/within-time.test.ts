import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withinTime } from "../../src/operations/deadlines.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new Promise<string>(() => {});

test("what is done in time is what it came to, and no clock runs on that would hold it", async () => {
  expect(await withinTime(Promise.resolve("done"), 200, "late")).toBe("done");
  expect(vi.getTimerCount()).toBe(0);
});

test("what fails in time fails, and no clock runs on", async () => {
  await expect(withinTime(Promise.reject(new Error("no")), 200, "late")).rejects.toThrow("no");
  expect(vi.getTimerCount()).toBe(0);
});

test("what takes longer is late, not before its time and no later", async () => {
  const outcome = vi.fn();
  void withinTime(never, 200, "late").then(outcome);

  await vi.advanceTimersByTimeAsync(199);
  expect(outcome).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(outcome).toHaveBeenCalledExactlyOnceWith("late");
});
