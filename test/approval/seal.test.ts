import fc from "fast-check";
import { expect, test } from "vitest";
import { isSealed, seal, sealKeysFrom } from "../../src/approval/seal.ts";
import { otherKeys, sealKeys } from "../builders/seal-keys.ts";

const value = { request: "r-1", by: "U0APPROVER" };
const [oldSecret, newSecret] = ["the old secret of thirty-two characters", "the new secret of thirty-two characters"];

test("a seal holds for its value, whatever the order of the keys", () => {
  const text = seal("decision", value, sealKeys);

  expect(isSealed("decision", { by: "U0APPROVER", request: "r-1" }, text, sealKeys)).toBe(true);
});

test("a seal does not hold for another value, another purpose or another installation", () => {
  const text = seal("decision", value, sealKeys);

  expect(isSealed("decision", { ...value, by: "U0INTRUDER" }, text, sealKeys)).toBe(false);
  expect(isSealed("annotation", value, text, sealKeys)).toBe(false);
  expect(isSealed("decision", value, text, otherKeys)).toBe(false);
});

test("while keys are rotated the seals of both hold, and the first key makes new ones", () => {
  const before = seal("decision", value, sealKeysFrom([oldSecret]));
  const both = sealKeysFrom([newSecret, oldSecret]);

  expect(isSealed("decision", value, before, both)).toBe(true);
  expect(seal("decision", value, both)).toBe(seal("decision", value, sealKeysFrom([newSecret])));
  expect(isSealed("decision", value, before, sealKeysFrom([newSecret]))).toBe(false);
});

test("a seal shows nothing of the secret, and is stable over restarts", () => {
  const text = seal("decision", value, sealKeysFrom([oldSecret]));

  expect(text).toMatch(/^[0-9a-f]{8}\.[0-9a-f]{64}$/);
  expect(text).toBe(seal("decision", value, sealKeysFrom([oldSecret])));
});

test("one flipped bit anywhere in a seal breaks it", () => {
  const bytes = Buffer.from(seal("decision", value, sealKeys));

  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (index, bit) => {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(index) ^ (1 << bit), index);

      expect(isSealed("decision", value, flipped.toString("latin1"), sealKeys)).toBe(false);
    }),
  );
});

test.each([
  ["nothing", ""],
  ["a key id alone", `${sealKeys[0].id}.`],
  ["something behind it", `${seal("decision", value, sealKeys)}00`],
  ["something behind it that is no hex", `${seal("decision", value, sealKeys)}.zz`],
  ["upper case", seal("decision", value, sealKeys).toUpperCase()],
  ["half of it", seal("decision", value, sealKeys).slice(0, 40)],
])("a seal with %s does not hold", (_, text) => {
  expect(isSealed("decision", value, text, sealKeys)).toBe(false);
});
