import { describe, expect, it } from "vitest";
import { goFold, goLower, isAscii } from "../../src/aws-auth/document.ts";

describe("letters are lowered as strings.ToLower of Go does", () => {
  it.each([
    ["ROLE/Admin", "role/admin"],
    ["Ä", "ä"],
    ["\u0130", "i"],
    ["\u212a", "k"],
    ["\u017f", "\u017f"],
    ["\u{10400}", "\u{10428}"],
    ["ẞ", "ß"],
    ["ÄB\u0130C", "äbic"],
  ])("%s", (text, lowered) => {
    expect(goLower(text)).toBe(lowered);
  });
});

describe("letters match as strings.EqualFold of Go has it", () => {
  it.each([
    ["Role", "rOLE"],
    ["s", "\u017f"],
    ["K", "\u212a"],
    ["ß", "ẞ"],
    ["\u{10400}", "\u{10428}"],
    ["σ", "ς"],
    ["ǅ", "ǆ"],
    ["äS", "Ä\u017f"],
  ])("%s and %s do", (some, other) => {
    expect(goFold(some)).toBe(goFold(other));
  });

  it.each([
    ["i", "\u0131"],
    ["I", "\u0130"],
    ["\u0131", "\u0130"],
    ["ss", "ß"],
    ["a", "ä"],
  ])("%s and %s don't", (some, other) => {
    expect(goFold(some)).not.toBe(goFold(other));
  });
});

it("a text is ASCII up to its last character", () => {
  expect(["", "aZ~\u007f", "a\u0080", "a\uffff", "\u{1f600}"].map(isAscii)).toEqual([true, true, false, false, false]);
});
