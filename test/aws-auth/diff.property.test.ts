import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareLines } from "../../src/aws-auth/compare-lines.ts";
import { longestCommon } from "./longest-common.ts";

const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });

describe("compareLines", () => {
  it("gives back both texts", () => {
    fc.assert(
      fc.property(lines, lines, (old, now) => {
        const compared = compareLines(old, now);

        const without = (sign: string) => compared.filter((line) => line.sign !== sign).map((line) => line.text);
        expect(without("+")).toEqual(old);
        expect(without("-")).toEqual(now);
      }),
      { numRuns: 2000 },
    );
  });

  it("shows no more changes than are needed", () => {
    fc.assert(
      fc.property(lines, lines, (old, now) => {
        const compared = compareLines(old, now);

        const kept = compared.filter((line) => line.sign === " ").length;
        expect(kept).toBe(longestCommon(old, now));
      }),
      { numRuns: 500 },
    );
  });
});
