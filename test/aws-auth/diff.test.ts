import { describe, expect, it } from "vitest";
import { compareLines } from "../../src/aws-auth/compare-lines.ts";
import { unifiedDiff } from "../../src/aws-auth/diff.ts";
import { longestCommon } from "./longest-common.ts";

/** Every text of up to so many lines, each of them one of two. */
function textsUpTo(length: number): string[][] {
  if (length === 0) return [[]];
  const shorter = textsUpTo(length - 1);
  const longest = shorter.filter((text) => text.length === length - 1);
  return [
    ...shorter,
    ...longest.flatMap((text) => [
      [...text, "a"],
      [...text, "b"],
    ]),
  ];
}

describe("compareLines", () => {
  it("gives back both texts, with as many lines in common as they have", () => {
    const texts = textsUpTo(5);
    const pairs = texts.flatMap((old) => texts.map((now) => [old, now] as const));

    const compared = pairs.map(([old, now]) => compareLines(old, now));

    const without = (lines: ReturnType<typeof compareLines>, sign: string) =>
      lines.filter((line) => line.sign !== sign).map((line) => line.text);
    const kept = compared.map((lines) => lines.filter((line) => line.sign === " ").length);
    expect(pairs).toHaveLength(63 * 63);
    expect(compared.map((lines) => [without(lines, "+"), without(lines, "-")])).toEqual(pairs);
    expect(kept).toEqual(pairs.map(([old, now]) => longestCommon(old, now)));
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

  const lines = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name} ${index}`);
  const signs = (old: readonly string[], now: readonly string[]) =>
    compareLines(old, now)
      .map((line) => line.sign)
      .join("");

  it("finds a shortest script of up to a thousand differences", () => {
    const script = signs(
      [...lines("old", 250), "common", ...lines("old", 250)],
      [...lines("now", 250), "common", ...lines("now", 250)],
    );

    expect(script).toBe(`${"-".repeat(250)}${"+".repeat(250)} ${"-".repeat(250)}${"+".repeat(250)}`);
  });

  it("shows one block where there are more, between the lines that are the same at the start and the end", () => {
    const script = signs(
      ["head", "er", ...lines("old", 250), "common", ...lines("old", 251), "tail"],
      ["head", "er", ...lines("now", 250), "common", ...lines("now", 250), "tail"],
    );

    expect(script).toBe(`  ${"-".repeat(502)}${"+".repeat(501)} `);
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

    const first = [" 0", " 1", "-2", "+2!", " 3", " 4", " 5", " 6", " 7", "-8", "+8!", " 9", " 10", " 11"];
    const second = [" 17", " 18", " 19", "-20", "+20!", " 21", " 22", " 23"];
    const hunks = ["@@ -1,12 +1,12 @@", ...first, "@@ -18,7 +18,7 @@", ...second];
    expect(diff).toBe(text("--- a/x", "+++ b/x", ...hunks));
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

it("a text of very many lines is compared to its end", () => {
  const lines = "a\n".repeat(200_000);

  expect(unifiedDiff("long", lines, `b\n${lines}c\n`)).toContain("@@ -1,3 +1,4 @@\n+b\n a\n a\n a\n");
});
