import { describe, expect, it } from "vitest";
import { flowList, quote, readQuoted } from "../../src/aws-auth/text-edit.ts";

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
});
