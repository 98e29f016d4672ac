import { describe, expect, test } from "vitest";
import {
  brokenLogBase,
  type ErasedEvent,
  PersonEraser,
  personPattern,
  sealLogBase,
} from "../../../src/access/audit/verify-log.ts";
import {
  type AuditEvent,
  type ChainedEvent,
  erasureMark,
  genesis,
  verifyChain,
} from "../../../src/access/audit-event.ts";
import { digestOfEvent } from "../../../src/access/seal.ts";
import { aLog } from "../../builders/a-log.ts";
import { anEvent } from "../../builders/an-event.ts";
import { keys, otherKeys } from "../../builders/keys.ts";

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
