import { describe, expect, test } from "vitest";
import {
  type AuditEvent,
  type ChainedEvent,
  chainHash,
  erasureMark,
  genesis,
  toCloudEvent,
  verifyChain,
} from "../../src/access/audit-event.ts";
import { digestOfEvent } from "../../src/access/seal.ts";
import {
  brokenLogBase,
  type ErasedEvent,
  formatAnchor,
  PersonEraser,
  personPattern,
  readAnchor,
  sealLogBase,
  verifyLog,
} from "../../src/access/verify-log.ts";
import { aLog } from "../builders/a-log.ts";
import { anEvent } from "../builders/an-event.ts";
import { keys, otherKeys } from "../builders/keys.ts";

const beginning = { count: 0, hash: genesis, anchors: [] };

describe("a log with the anchors that were posted", () => {
  test("is whole if it contains each of them", () => {
    const log = aLog(5);
    const anchors = [1, 3, 5].map((count) => ({ count, hash: log[count - 1]?.hash ?? "" }));
    const verification = verifyLog(beginning, anchors);

    expect(verification.take(log.slice(0, 2))).toBeNull();
    expect(verification.take(log.slice(2))).toBeNull();
    expect(verification.end()).toEqual({ type: "whole", count: 5, head: log[4]?.hash });
  });

  test("is broken where it was replaced as a whole, with a chain of its own", () => {
    const posted = { count: 3, hash: aLog(3)[2]?.hash ?? "" };
    const replaced = aLog(5, "another reason");

    expect(verifyLog(beginning, [posted]).take(replaced)).toEqual({
      type: "broken",
      sequence: 3,
      message: `Event 3 does not match the anchor ${formatAnchor(posted)}.`,
    });
  });

  test.each(["before", "after"])(
    "is broken with two of one event that differ, if the other comes %s its own",
    (place) => {
      const log = aLog(5);
      const own = { count: 3, hash: log[2]?.hash ?? "" };
      const other = { count: 3, hash: aLog(3, "another reason")[2]?.hash ?? "" };
      const anchors = place === "before" ? [other, own] : [own, other];

      expect(verifyLog(beginning, anchors).take(log)).toMatchObject({ type: "broken", sequence: 3 });
    },
  );

  test("is broken at a changed event, whatever follows", () => {
    const log = aLog(5).map((each, index) =>
      index === 2 ? { ...each, event: { ...each.event, actor: "U0MALLORY" } } : each,
    );

    expect(verifyLog(beginning, []).take(log)).toMatchObject({ type: "broken", sequence: 3 });
  });

  test("is broken where it ends before one of them", () => {
    const log = aLog(5);
    const posted = [3, 5].map((count) => ({ count, hash: log[count - 1]?.hash ?? "" }));
    const verification = verifyLog(beginning, posted);
    verification.take(log.slice(0, 3));

    expect(verification.end()).toEqual({ type: "broken", sequence: 4, message: "Event 4 is missing." });
  });

  test("without its oldest events is whole from there on, with the anchors of the removed events", () => {
    const log = aLog(5);
    const met = { count: 1, hash: log[0]?.hash ?? "" };
    const base = { count: 2, hash: log[1]?.hash ?? "", anchors: [met] };
    const verification = verifyLog(base, [{ count: 0, hash: genesis }, met, base]);

    expect(verification.take(log.slice(2))).toBeNull();
    expect(verification.end()).toEqual({ type: "whole", count: 5, head: log[4]?.hash });
  });

  test.each([
    ["that nobody noted", []],
    ["of another log", [{ count: 1, hash: "1".repeat(64) }]],
  ])("is broken with an anchor of a removed event %s: the removed part may be of another log", (_, anchors) => {
    const log = aLog(5);
    const posted = { count: 1, hash: log[0]?.hash ?? "" };
    const verification = verifyLog({ count: 2, hash: log[1]?.hash ?? "", anchors }, [posted]);
    const broken = {
      type: "broken",
      sequence: 1,
      message: `The log begins after event 2 without the worker's signature.`,
    };

    expect(verification.take(log.slice(2))).toEqual(broken);
    expect(verification.end()).toEqual(broken);
  });

  test("is broken if the removed events do not end in the anchor of that place", () => {
    const log = aLog(5);
    const base = { count: 2, hash: log[1]?.hash ?? "", anchors: [] };
    const verification = verifyLog(base, [{ count: 2, hash: "0".repeat(64) }]);

    expect(verification.take(log.slice(2))).toMatchObject({ type: "broken", sequence: 2 });
    expect(verification.end()).toMatchObject({ type: "broken", sequence: 2 });
  });
});

describe("an anchor", () => {
  test("is read as it was written", () => {
    const anchor = { count: 12, hash: "a".repeat(64) };

    expect(readAnchor(` ${formatAnchor(anchor)}\n`)).toEqual(anchor);
  });

  test.each(["", "12", "12:abc", `-1:${"a".repeat(64)}`, `12:${"A".repeat(64)}`, `12:${"a".repeat(65)}`])(
    "is not read from %j",
    (text) => {
      expect(readAnchor(text)).toBeNull();
    },
  );
});

test("an event as a CloudEvent names its cluster, request and place, and keeps what the chain is over", () => {
  const [, event] = aLog(2);

  expect(event && toCloudEvent(event)).toEqual({
    specversion: "1.0",
    id: `2-${event?.hash.slice(0, 16)}`,
    source: `/eks-access/clusters/${event?.event.cluster}`,
    type: `eks-access.${event?.event.type}`,
    subject: "r-2",
    time: event?.event.at,
    datacontenttype: "application/json",
    sequence: "000000000000002",
    chainprevious: event?.previous,
    chainhash: event?.hash,
    data: event?.event,
  });
});

// CloudEvents 1.0: "If present, MUST be a non-empty string".
test("an event about no request has no subject as a CloudEvent", () => {
  const [event] = aLog(1);

  expect(event && toCloudEvent({ ...event, event: { ...event.event, request: "" } })).not.toHaveProperty("subject");
});

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
      message: "Event 4 breaks the chain.",
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

const person = personPattern(["U0ALICE", 'alice+"x"@example.com']);

function leftOf(events: readonly Partial<AuditEvent>[], own: readonly string[] = []) {
  const eraser = new PersonEraser(person, own, "erased-1");
  return events.map((each, index) => {
    const event = anEvent(each);
    return eraser.take({ sequence: index + 1, event, previous: genesis, hash: genesis })?.event ?? null;
  });
}

describe("the pattern of a person", () => {
  test.each(["U0ALICE", '"U0ALICE"', "links:U0ALICE", "U0ALICE 111122223333"])("recognises them in %s", (text) => {
    expect(person.test(text)).toBe(true);
  });

  test.each(["U0ALICE2", "XU0ALICE", "u0alice", "alice@example.com"])("finds no one in %s", (text) => {
    expect(person.test(text)).toBe(false);
  });

  test("recognises a text with signs that JSON escapes", () => {
    expect(person.test(JSON.stringify({ email: 'alice+"x"@example.com' }))).toBe(true);
  });
});

describe("of the events of a person", () => {
  const wish = { level: "viewer", groups: ["a"], reason: "my cat is ill", principal: "arn:…/alice" };

  test("stays what the review report needs, under another name", () => {
    const [created] = leftOf([{ actor: "U0ALICE", detail: wish }]);

    expect(created).toEqual(anEvent({ actor: "erased-1", detail: { level: "viewer", groups: ["a"] } }));
  });

  test("nothing personal stays in later ones of their request, which don't name them", () => {
    const [, active] = leftOf([
      { actor: "U0BOB", detail: { ...wish, requester: "U0ALICE" } },
      { type: "lease.active", actor: "worker", detail: { username: "alice@example.com" } },
    ]);

    expect(active).toEqual(anEvent({ type: "lease.active", actor: "worker", detail: {} }));
  });

  test("nothing changes in those of another person's request", () => {
    expect(leftOf([{ request: "r-bob", actor: "U0BOB", detail: { ...wish, requester: "U0BOB" } }])).toEqual([null]);
  });

  test("other approvers keep their names", () => {
    const [approved] = leftOf([
      { type: "request.approved", actor: "U0BOB", detail: { approvers: ["U0ALICE", "U0BOB"] } },
    ]);

    expect(approved).toMatchObject({ actor: "U0BOB", detail: { approvers: ["erased-1", "U0BOB"] } });
  });

  test("events of others stay as they are, and what is erased is not erased again", () => {
    const erased = anEvent({ actor: "erased-0", detail: { level: "viewer" }, request: "r-2" });

    expect(leftOf([{ actor: "U0ALICE2" }, erased], ["r-2"])).toEqual([null, null]);
  });
});

describe("a log with erased events", () => {
  const log = aLog(4);
  const erasedEvent: ErasedEvent = {
    event: anEvent({ actor: "erased-1" }),
    digest: digestOfEvent(log[1]?.event ?? {}),
  };
  const erase = ({ event, digest }: ErasedEvent): readonly ChainedEvent[] =>
    log.map((each) => (each.sequence === 2 ? { ...each, event, erased: digest } : each));
  const erasures = new Map(erase(erasedEvent).flatMap((each) => [[each.sequence, erasureMark(each) ?? ""] as const]));

  test("is whole, with the head that it had", () => {
    expect(verifyChain(erase(erasedEvent), genesis, 1, erasures)).toEqual(verifyChain(log));
  });

  test("is broken if the worker did not sign the erasure", () => {
    expect(verifyChain(erase(erasedEvent))).toEqual({
      type: "broken",
      sequence: 2,
      message: "Event 2 was erased without the worker's signature.",
    });
  });

  test("is broken if the rest was edited, or has another digest", () => {
    const edited = { ...erasedEvent, event: anEvent({ actor: "U0MALLORY" }) };
    const replaced = { ...erasedEvent, digest: digestOfEvent(anEvent({ actor: "U0MALLORY" })) };

    for (const forged of [edited, replaced]) {
      expect(verifyChain(erase(forged), genesis, 1, erasures)).toMatchObject({ type: "broken", sequence: 2 });
    }
  });

  test("has a beginning that another key, or an attacker without one, can't make", () => {
    const base = { count: 0, hash: genesis, anchors: [], erasures };

    expect(brokenLogBase(sealLogBase(base, keys.preview), keys.preview)).toBeNull();
    for (const seal of [
      null,
      sealLogBase(base, otherKeys.preview).seal,
      sealLogBase({ ...base, erasures: new Map() }, keys.preview).seal,
    ]) {
      expect(brokenLogBase({ ...base, seal }, keys.preview)?.message).toContain("without the worker's signature");
    }
  });
});
