import { applyPatch, parsePatch, reversePatch } from "diff";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { decode } from "../../src/aws-auth/go-yaml/decode.ts";
import { parseYaml } from "../../src/aws-auth/go-yaml/parse-yaml.ts";
import {
  afterLine,
  applyEdits,
  editLines,
  flowList,
  insertLines,
  isStartOfLine,
  lineBreakOf,
  quote,
  readQuoted,
  removeLines,
  startOfLine,
  unifiedDiff,
} from "../../src/aws-auth/text-edit.ts";
import { anyCharacter } from "../any-text.ts";
import { isLong, stories } from "../form.ts";

describe("applyEdits", () => {
  it("applies edits by their place, in whatever order they are given", () => {
    const edits = [
      { start: 4, end: 5, text: "E" },
      { start: 0, end: 1, text: "" },
      { start: 2, end: 2, text: "-" },
    ];

    expect(applyEdits("abcdef", edits)).toBe("b-cdEf");
  });

  it("puts what is inserted where something is removed in front of it", () => {
    const edits = [
      { start: 1, end: 3, text: "" },
      { start: 1, end: 1, text: "x" },
    ];

    expect(applyEdits("abcd", edits)).toBe("axd");
  });
});

describe("lines", () => {
  it.each([
    ["LF", "a\nb", 2],
    ["CRLF", "a\r\nb", 3],
    ["CR", "a\rb", 2],
    ["NEL", "a\u0085b", 2],
    ["LS", "a\u2028b", 2],
    ["PS", "a\u2029b", 2],
    ["the end of the text", "a", 1],
  ])("end at %s", (_what, text, end) => {
    expect(afterLine(text, 0)).toBe(end);
    expect(startOfLine(text, text.length)).toBe(text.length === 1 ? 0 : end);
    expect(isStartOfLine(text, end)).toBe(text.length > 1);
  });

  it("an offset at the start of a line has passed the line before, but for the first", () => {
    expect(afterLine("a\nb\n", 2)).toBe(2);
    expect(afterLine("a\nb\n", 0)).toBe(2);
    expect(isStartOfLine("a", 0)).toBe(true);
  });

  it("are broken as the text breaks its first one", () => {
    expect(["a\r\nb\n", "a\nb\r\n", "a"].map(lineBreakOf)).toEqual(["\r\n", "\n", "\n"]);
  });
});

describe("editLines", () => {
  it("ends the last line for the edit, and leaves it open again", () => {
    const seen: string[] = [];

    const edited = editLines("a\r\nb", (whole) => {
      seen.push(whole);
      return [insertLines(whole.length, "c", "\r\n")];
    });

    expect(seen).toEqual(["a\r\nb\r\n"]);
    expect(edited).toBe("a\r\nb\r\nc");
  });

  it("adds nothing to a text that ends with a line break", () => {
    expect(editLines("a\n", (whole) => [insertLines(whole.length, "b", "\n")])).toBe("a\nb\n");
  });

  it("removes lines whole, the last one with the break before it", () => {
    expect(editLines("a\nb\nc", (whole) => [removeLines(whole, 3, 3)])).toBe("a\nc");
    expect(editLines("a\nb\nc", (whole) => [removeLines(whole, 4, 5)])).toBe("a\nb");
    expect(editLines("a", (whole) => [removeLines(whole, 0, 1)])).toBe("");
  });

  it("gives up where the edit does", () => {
    expect(editLines("a", () => null)).toBeNull();
  });
});

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

const line = fc.constantFrom("a\n", "b\n", "c\r\n", "-d\n", "+e\n", "@@ -1,1 +1,1 @@\n", "\\ No newline\n");
const last = fc.constantFrom("", "a", "-b");
const text = fc.tuple(fc.array(line, { maxLength: 30 }), last).map(([lines, end]) => lines.join("") + end);
/** With more differences than are compared line by line. */
const long = fc
  .tuple(text, text)
  .map(([start, end]): [string, string] => [`${start}${"old\n".repeat(600)}`, `${"new\n".repeat(600)}${end}`]);

test.each([
  ["of two short texts", fc.tuple(text, text), stories({ short: 100, long: 500 })],
  ["of two texts that have little in common", long, stories({ short: 3, long: 10 })],
])("a diff %s gives the new text from the old one, and the old one from the new one", (_, texts, runs) => {
  fc.assert(
    fc.property(texts, ([before, after]) => {
      fc.pre(before !== after);
      const [patch] = parsePatch(unifiedDiff("x", before, after));

      expect(patch && applyPatch(before, patch, { autoConvertLineEndings: false })).toBe(after);
      expect(patch && applyPatch(after, reversePatch(patch), { autoConvertLineEndings: false })).toBe(before);
    }),
    runs,
  );
});

describe("quote", () => {
  it.each([
    ["yes", '"yes"'],
    ['a"b\\c/d', '"a\\"b\\\\c/d"'],
    ["line\nbreak\ttab", '"line\\nbreak\\ttab"'],
    ["zoë 日本 €1 ½ ‐", '"zoë 日本 €1 ½ ‐"'],
    ["\u{1f600}\ud800", '"\u{1f600}\\ud800"'],
    ["\u007f\u0085\u00a0\u00ad", '"\\u007f\\u0085\\u00a0\\u00ad"'],
    ["a\u0301\u200b\u2028\u2029\ufeff\ue000", '"a\\u0301\\u200b\\u2028\\u2029\\ufeff\\ue000"'],
  ])("writes %j", (text, quoted) => {
    expect(quote(text)).toBe(quoted);
    expect(readQuoted(quoted)).toBe(text);
  });

  it("parts the items of a list by a comma and a space", () => {
    expect([flowList([]), flowList(["a"]), flowList(["a", "b"])]).toEqual(["[]", '["a"]', '["a", "b"]']);
  });
});

describe("readQuoted", () => {
  it.each(["", "12", "a", '"a', '["a"]', '"a" b', "'a'"])("reads nothing from %s", (text) => {
    expect(readQuoted(text)).toBeNull();
  });

  it("is read as the same text by go-yaml's rules, by YAML 1.1, by YAML 1.2 and by JSON", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        const quoted = quote(text);

        const { root } = parseYaml(quoted);
        expect(root === null ? null : decode(root)).toMatchObject({ type: "string", value: text });
        expect(parse(quoted, { version: "1.1" })).toBe(text);
        expect(parse(quoted, { version: "1.2" })).toBe(text);
        expect(JSON.parse(quoted)).toBe(text);
      }),
      stories({ short: 500, long: 3000 }),
    );
  });

  it.each([
    ["yes", '"yes"'],
    ["12", '"12"'],
    ["~", '"~"'],
    ["<<", '"<<"'],
    ['say "hi"', '"say \\"hi\\""'],
    ["back\\slash", '"back\\\\slash"'],
    ["two\nlines", '"two\\nlines"'],
    ["Zoë 東京 🚀", '"Zoë 東京 🚀"'],
    ["no\u00a0break", '"no\\u00a0break"'],
    ["next\u0085line", '"next\\u0085line"'],
    ["zero\u200bwidth", '"zero\\u200bwidth"'],
    ["\u2028", '"\\u2028"'],
    ["\ufeff", '"\\ufeff"'],
    ["\u007f", '"\\u007f"'],
  ])("writes %j as %s", (text, written) => {
    expect(quote(text)).toBe(written);
  });

  it("writes a list so that JSON reads it too", () => {
    expect(flowList(["a", "b c"])).toBe('["a", "b c"]');
    expect(flowList([])).toBe("[]");
  });
});
