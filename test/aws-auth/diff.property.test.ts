import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareLines } from "../../src/aws-auth/compare-lines.ts";
import { unifiedDiff } from "../../src/aws-auth/diff.ts";

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

  it("numbers each line by what stands before it", () => {
    const compared = compareLines(["a", "b", "c"], ["a", "x", "c"]);

    expect(compared).toEqual([
      { sign: " ", text: "a", old: 0, now: 0 },
      { sign: "-", text: "b", old: 1, now: 1 },
      { sign: "+", text: "x", old: 2, now: 1 },
      { sign: " ", text: "c", old: 2, now: 2 },
    ]);
  });

  it("gives up on a shortest script where texts have next to nothing in common", () => {
    const old = Array.from({ length: 1200 }, (_, index) => `old ${index}`);
    const now = Array.from({ length: 1200 }, (_, index) => `now ${index}`);

    const compared = compareLines([...old, "common", ...old], [...now, "common", ...now]);

    expect(compared).toHaveLength(4802);
  });
});

describe("unifiedDiff", () => {
  const text = (...all: string[]) => all.map((line) => `${line}\n`).join("");

  it("is empty for the same text", () => {
    expect(unifiedDiff("x", "a\n", "a\n")).toBe("");
    expect(unifiedDiff("x", null, null)).toBe("");
  });

  it("shows three lines around a change", () => {
    const diff = unifiedDiff(
      "x",
      text("1", "2", "3", "4", "5", "6", "7", "8", "9"),
      text("1", "2", "3", "4", "V", "6", "7", "8", "9"),
    );

    expect(diff).toBe("--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+V\n 6\n 7\n 8\n");
  });

  it("joins changes whose context touches, and parts those whose does not", () => {
    const old = Array.from({ length: 30 }, (_, index) => `${index}`);
    const now = old.map((line) => (["2", "8", "20"].includes(line) ? `${line}!` : line));

    const diff = unifiedDiff("x", text(...old), text(...now));

    expect(diff.match(/^@@.*$/gm)).toEqual(["@@ -1,12 +1,12 @@", "@@ -18,7 +18,7 @@"]);
  });

  it("keeps changes apart that have seven lines between them", () => {
    const old = Array.from({ length: 20 }, (_, index) => `${index}`);
    const now = old.map((line) => (["3", "11"].includes(line) ? `${line}!` : line));

    const diff = unifiedDiff("x", text(...old), text(...now));

    expect(diff.match(/^@@.*$/gm)).toEqual(["@@ -1,7 +1,7 @@", "@@ -9,7 +9,7 @@"]);
  });

  it("says when a text has no line break at its end", () => {
    const diff = unifiedDiff("x", "a\nb", "a\nb\n");

    expect(diff).toBe("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
  });

  it("shows a text that comes and one that goes", () => {
    expect(unifiedDiff("x", null, "a\n")).toBe("--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n");
    expect(unifiedDiff("x", "a\n", null)).toBe("--- a/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
  });
});

function longestCommon(some: readonly string[], others: readonly string[]): number {
  let row = new Array<number>(others.length + 1).fill(0);
  for (const line of some) {
    const next = [0];
    for (const [index, other] of others.entries()) {
      next.push(line === other ? (row[index] ?? 0) + 1 : Math.max(row[index + 1] ?? 0, next[index] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
