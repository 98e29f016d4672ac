import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnnotation, readingOf, writeAnnotation } from "../../../src/access/lease/annotation.ts";
import { memoryKeys } from "../../../src/access/seal.ts";
import { anyCharacter } from "../../any-text.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { aSecret, keys, otherKeys } from "../../builders/keys.ts";
import { at, hours } from "../../builders/times.ts";

const holdings = [
  aHolding({ arn: "arn:aws:iam::111122223333:role/a", shares: [aShare(), aShare({ id: "r-2" })] }),
  aHolding({ arn: "arn:aws:iam::111122223333:role/b", entryAdded: false, added: [] }),
];
const withdrawals = {
  list: [{ id: "r-0", at: at(0).toISOString(), endsAt: at(hours(8)).toISOString() }],
  notBefore: at(-hours(1)).toISOString(),
};
const text = writeAnnotation("staging", holdings, keys.memory, withdrawals) ?? "";

test("what is written is read back, whole", () => {
  expect(readAnnotation("staging", text, keys.memory)).toEqual({ type: "holdings", holdings, withdrawals });
});

test("any memory survives the round trip", () => {
  const name = fc.string({ unit: anyCharacter, maxLength: 20 });
  const moment = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const share = fc.record(
    {
      // Of one id there is one share.
      id: fc.uuid(),
      groups: fc.array(name, { maxLength: 3 }),
      endsAt: fc.constant(at(hours(4)).toISOString()),
      level: name,
      requester: name,
      askedBy: name,
      emergency: fc.boolean(),
      approvers: fc.array(name, { maxLength: 3 }),
    },
    { requiredKeys: ["id", "groups", "endsAt", "level", "requester", "emergency", "approvers"] },
  );
  const holding = fc.record(
    {
      arn: name,
      entryAdded: fc.boolean(),
      added: fc.array(name, { maxLength: 3 }),
      shares: fc.array(share, { maxLength: 3 }),
      beside: fc.array(name, { maxLength: 3 }),
      hidden: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: ["arn", "entryAdded", "added", "shares"] },
  );

  const held = fc.uniqueArray(holding, { minLength: 1, maxLength: 4, selector: ({ arn }) => arn });
  const gone = fc.record({
    list: fc.array(
      fc.oneof(
        fc.record(
          { id: name, at: moment, endsAt: moment, isVoid: fc.constant(true as const) },
          { requiredKeys: ["id", "at", "endsAt"] },
        ),
        fc.record({ id: name, at: moment, endsAt: moment, withoutLedger: fc.constant(true as const) }),
      ),
      { maxLength: 3 },
    ),
    notBefore: fc.option(moment),
  });

  fc.assert(
    fc.property(held, gone, (holdings, withdrawals) => {
      const text = writeAnnotation("staging", holdings, keys.memory, withdrawals) ?? "";

      const sorted = holdings.toSorted((a, b) => (a.arn < b.arn ? -1 : 1));
      expect(readAnnotation("staging", text, keys.memory)).toEqual({ type: "holdings", holdings: sorted, withdrawals });
      expect(readingOf(holdings, withdrawals)).toEqual(readAnnotation("staging", text, keys.memory));
    }),
  );
});

test("without anything to remember there is no annotation", () => {
  expect(writeAnnotation("staging", [], keys.memory)).toBeNull();
  expect(readAnnotation("staging", undefined, keys.memory)).toEqual({ type: "absent" });
});

test("the order in which holdings are gathered does not change the text, so that nothing is written for it", () => {
  expect(writeAnnotation("staging", holdings.toReversed(), keys.memory, withdrawals)).toBe(text);
});

test("the annotation of the old key is still read while keys are rotated", () => {
  const old = writeAnnotation("staging", holdings, memoryKeys([aSecret("old")])) ?? "";
  const rotated = memoryKeys([aSecret("newer"), aSecret("old")]);

  expect(readAnnotation("staging", old, rotated).type).toBe("holdings");
});

describe("an annotation is not trusted", () => {
  test.each([
    ["that was copied from another cluster", "production", text],
    ["that is not JSON", "staging", "{"],
    ["that is empty", "staging", ""],
    ["that is no object", "staging", "[]"],
    ["that is null", "staging", "null"],
    ["of another version", "staging", text.replace('"v":1', '"v":2')],
    ["without its revocations", "staging", text.replace(/"gone":.*,"before"/, '"before"')],
    ["in which a withdrawal was taken out", "staging", text.replace(/"gone":\[.*?\]\]/, '"gone":[]')],
    ["in which a withdrawal ends sooner", "staging", text.replace(String(at(hours(8)).getTime()), "1")],
    ["that forgets from when on it knows all", "staging", text.replace(/"before":"[^"]*"/, '"before":null')],
    ["in which a lease passes for a broken glass", "staging", text.replace('}],"gone"', ',"glass":["r-1"]}],"gone"')],
    ["without a seal", "staging", text.replace(/,"seal":"[^"]*"/, "")],
    ["with a seal of the wrong type", "staging", text.replace(/"seal":"[^"]*"/, '"seal":1')],
    ["whose list holds no objects", "staging", text.replace(/"held":\[.*\],"gone"/, '"held":[1],"gone"')],
    ["in which an end was moved", "staging", text.replace("13:00:00", "23:00:00")],
    ["in which a group was added", "staging", text.replace('["eks-access:viewers"]', '["system:masters"]')],
    ["in which an entry passes for ours", "staging", text.replace('"new":false', '"new":true')],
    ["in which a principal was exchanged", "staging", text.replace("role/a", "role/c")],
    ["in which the approver was exchanged", "staging", text.replace("U0APPROVER", "U0ENGINEER")],
  ])("%s", (_, cluster, forged) => {
    expect(forged === text && cluster === "staging").toBe(false);
    expect(readAnnotation(cluster, forged, keys.memory)).toMatchObject({ type: "untrusted" });
  });

  test("that another installation sealed", () => {
    const theirs = writeAnnotation("staging", holdings, otherKeys.memory) ?? "";

    expect(readAnnotation("staging", theirs, keys.memory)).toEqual({
      type: "untrusted",
      message: `this worker lacks its key ${otherKeys.memory.ids[0]}`,
    });
  });

  test("whatever its text, and reading it never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: anyCharacter }), fc.json()), (any) => {
        expect(readAnnotation("staging", any, keys.memory).type).toBe("untrusted");
      }),
    );
  });
});

/** The API server takes 256 KiB of annotations in all; 6 KiB are left to others. */
const roomBytes = 250 * 1024;

test("250 KiB hold 1,100 leases of principals with names of 40 characters and one group each", () => {
  const many = Array.from({ length: 1_100 }, (_, index) => {
    const share = aShare({
      id: `r-${String(index).padStart(10, "0")}`,
      requester: "U0123456789",
      approvers: ["U0123456789"],
    });
    return aHolding({ arn: `arn:aws:iam::111122223333:role/${String(index).padStart(40, "n")}`, shares: [share] });
  });

  const size = Buffer.byteLength(writeAnnotation("staging", many, keys.memory) ?? "");

  expect(size).toBeLessThan(roomBytes);
  expect(size * (1_200 / 1_100)).toBeGreaterThan(roomBytes);
});
