import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { decode } from "../../src/aws-auth/go-yaml/decode.ts";
import { parseYaml } from "../../src/aws-auth/go-yaml/parse-yaml.ts";
import { flowList, quote } from "../../src/aws-auth/text-edit.ts";
import { anyCharacter } from "../any-text.ts";
import { stories } from "../form.ts";

describe("quote", () => {
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
