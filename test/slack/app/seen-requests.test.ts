import { describe, expect, test } from "vitest";
import { seenRequests } from "../../../src/slack/app/admit.ts";

/** A ledger that says of everything that it is new: what is known is known by the process itself. */
const forgetful = { takeTurn: async () => true };

describe("requests that a process has taken", () => {
  test("are known among the five thousand after them", async () => {
    const seen = seenRequests(forgetful);
    for (let index = 0; index < 5_000; index += 1) seen.isNewHere(`before ${index}`);
    seen.isNewHere("this");
    for (let index = 0; index < 5_000; index += 1) seen.isNewHere(`after ${index}`);

    expect(seen.isNewHere("this")).toBe(false);
    expect(await seen.isNew("this")).toBe(false);
  });

  test("are forgotten after twice as many, so that they do not fill the memory", () => {
    const seen = seenRequests(forgetful);
    seen.isNewHere("this");
    for (let index = 0; index < 10_001; index += 1) seen.isNewHere(`after ${index}`);

    expect(seen.isNewHere("this")).toBe(true);
  });

  test("are known by the ledger where another process took them", async () => {
    const taken = new Set<string>();
    const ledger = {
      takeTurn: async (name: string) => {
        const isFree = !taken.has(name);
        taken.add(name);
        return isFree;
      },
    };
    const [one, another] = [seenRequests(ledger), seenRequests(ledger)];

    expect(await one.isNew("this")).toBe(true);
    expect(await another.isNew("this")).toBe(false);
  });

  test.each([
    ["hangs", () => new Promise<boolean>(() => {})],
    ["fails", () => Promise.reject(new Error("Redis is gone"))],
  ])("are new where the ledger %s: an acknowledgement does not wait for it", async (_name, takeTurn) => {
    expect(await seenRequests({ takeTurn }).isNew("this")).toBe(true);
  });
});
