import fc from "fast-check";
import { expect, test } from "vitest";
import { nearest } from "../../../src/access/ask/read-part.ts";
import { cpuTimeOf } from "../../cpu-time.ts";

const known = ["staging", "production", "dev"];

test.each([
  ["stagin", "staging"],
  ["STAGING", "staging"],
  ["satging", "staging"],
  ["prodution", "production"],
  ["dev1", "dev"],
  ["edv", "dev"],
  ["prod", null],
  ["", null],
  ["elsewhere", null],
])("%j is taken for %s", (typed, word) => {
  expect(nearest(typed, known)).toBe(word);
});

test("a known word is its own nearest one", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1 }), (words) => {
      const lower = [...new Set(words.map((word) => word.toLowerCase()))];

      for (const word of lower) expect(nearest(word, lower)).toBe(word);
    }),
  );
});

test("a text of a hundred thousand characters is answered at once", () => {
  const many = Array.from({ length: 500 }, (_, index) => `cluster-${index}`);

  const took = cpuTimeOf(() => expect(nearest("x".repeat(100_000), many)).toBeNull());

  expect(took).toBeLessThan(500);
});
