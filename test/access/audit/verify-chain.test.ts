import { describe, expect, test } from "vitest";
import { type ChainedEvent, chainHash, genesis, verifyChain } from "../../../src/access/audit-event.ts";
import { digestOfEvent } from "../../../src/access/seal.ts";
import { aLog } from "../../builders/a-log.ts";
import { anEvent } from "../../builders/an-event.ts";

/** An event that an attacker with Redis edited, with a matching hash of its own. */
function forged(at: ChainedEvent, event: ChainedEvent["event"]): ChainedEvent {
  return { ...at, event, hash: chainHash(at.previous, digestOfEvent(event)) };
}

describe("a log", () => {
  test("that is unedited is whole, with its head", () => {
    const log = aLog(5);

    expect(verifyChain(log)).toEqual({ type: "whole", count: 5, head: log[4]?.hash });
  });

  test("without events is whole", () => {
    expect(verifyChain([])).toEqual({ type: "whole", count: 0, head: genesis });
  });

  test("is verified from any page on, with the head of the page before", () => {
    const log = aLog(5);

    expect(verifyChain(log.slice(2), log[1]?.hash, 3)).toMatchObject({ type: "whole", count: 3 });
  });
});

describe("the verdict names the place", () => {
  test.each(["type", "at", "actor", "request", "cluster", "detail"] as const)(
    "where the %s of an event was edited",
    (field) => {
      const log = aLog(5).map((each) =>
        each.sequence === 3
          ? { ...each, event: { ...each.event, [field]: field === "detail" ? { reason: "reason 3 " } : "edited" } }
          : each,
      );

      expect(verifyChain(log)).toEqual({ type: "broken", sequence: 3, message: "Event 3 was edited." });
    },
  );

  test("after which an event was edited with its hash", () => {
    const log = aLog(5).map((each) => (each.sequence === 3 ? forged(each, anEvent({ actor: "U0INTRUDER" })) : each));

    expect(verifyChain(log)).toEqual({
      type: "broken",
      sequence: 4,
      message: "Event 4 does not follow the one before it.",
    });
  });

  test("where an event was removed", () => {
    const log = aLog(5).filter((each) => each.sequence !== 3);

    expect(verifyChain(log)).toEqual({
      type: "broken",
      sequence: 3,
      message: "Event 3 is missing.",
    });
  });

  test("where an event was removed and the rest numbered again", () => {
    const log = aLog(5)
      .filter((each) => each.sequence !== 3)
      .map((each, index) => ({ ...each, sequence: index + 1 }));

    expect(verifyChain(log)).toMatchObject({ type: "broken", sequence: 3 });
  });

  test("where two events changed places", () => {
    const [first, second, third, ...rest] = aLog(5);
    const log = [first, third, second, ...rest].flatMap((each) => each ?? []);

    expect(verifyChain(log)).toMatchObject({ type: "broken", sequence: 2 });
  });

  test("where an event was inserted", () => {
    const log = aLog(5);
    const inserted = { sequence: 3, event: anEvent({ actor: "U0INTRUDER" }), previous: log[1]?.hash ?? "", hash: "" };
    const forgery = forged(inserted, inserted.event);
    const shifted = log.slice(2).map((each) => ({ ...each, sequence: each.sequence + 1 }));

    expect(verifyChain([...log.slice(0, 2), forgery, ...shifted])).toMatchObject({ type: "broken", sequence: 4 });
  });

  test("where the first event is gone", () => {
    expect(verifyChain(aLog(3).slice(1))).toMatchObject({ type: "broken", sequence: 1 });
  });
});
