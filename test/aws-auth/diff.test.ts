import { describe, expect, it } from "vitest";
import { unifiedDiff } from "../../src/aws-auth/text-edit.ts";
import { isLong } from "../form.ts";

/** Of a mebibyte: a ConfigMap holds one. */
const quarters = isLong ? 4 : 1;

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

  it("joins changes with touching context, and separates the others", () => {
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

  const lines = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name} ${index}\n`).join("");

  it("finds a shortest script of up to a thousand differences", () => {
    const diff = unifiedDiff(
      "x",
      `${lines("old", 250)}common\n${lines("old", 250)}`,
      `${lines("now", 250)}common\n${lines("now", 250)}`,
    );

    expect(diff.split("\n").filter((line) => line === " common")).toHaveLength(1);
  });

  it("shows one block where there are more", () => {
    const diff = unifiedDiff("x", `${lines("old", 501)}end`, `${lines("now", 501)}end\n`);

    const removed = lines("-old", 501);
    const added = lines("+now", 501);
    const expected = `--- a/x\n+++ b/x\n@@ -1,502 +1,502 @@\n${removed}-end\n\\ No newline at end of file\n${added}+end\n`;
    expect(diff).toBe(expected);
  });

  it("keeps a carriage return and a separator of Unicode in its line", () => {
    const diff = unifiedDiff("x", "a\r\nb\u2028c\rd\n", "a\nb\u2028c\rd\n");

    expect(diff).toBe("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\r\n+a\n b\u2028c\rd\n");
  });

  it("compares a text of very many lines to its end", () => {
    const many = "a\n".repeat(200_000);

    expect(unifiedDiff("long", many, `b\n${many}c\n`)).toContain("@@ -1,3 +1,4 @@\n+b\n a\n a\n a\n");
  });

  it.each([
    ["whose lines are all others", lines("old", 30_000 * quarters), lines("now", 30_000 * quarters)],
    [
      "of short lines in another order",
      "a\nb\nb\n".repeat(42_000 * quarters),
      "b\na\nb\na\n".repeat(32_000 * quarters),
    ],
  ])("compares two large texts %s in bounded time", (_, before, after) => {
    const diff = unifiedDiff("x", before, after);

    expect(diff).toContain("@@ -1,");
  });
});
