import { describe, expect, it } from "vitest";
import {
  afterLine,
  applyEdits,
  editLines,
  insertLines,
  isStartOfLine,
  lineBreakOf,
  removeLines,
  startOfLine,
} from "../../src/aws-auth/text-edit.ts";

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
