import { describe, expect, test } from "vitest";
import { formatAnchor, readAnchor, verifyLog } from "../../../src/access/audit/verify-log.ts";
import { genesis, toCloudEvent } from "../../../src/access/audit-event.ts";
import { aLog } from "../../builders/a-log.ts";

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
