import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, type Json } from "../../src/access/seal.ts";

test("equal values give equal text, in whatever order their keys were written", () => {
  const one = canonicalJson({ b: [1, { d: null, c: "x" }], a: true });
  const other = canonicalJson({ a: true, b: [1, { c: "x", d: null }] });

  expect(one).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
  expect(other).toBe(one);
});

test("a field that is undefined is not there", () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
});

test("the text is JSON of the same value, whatever the value is, so different values never share one", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json);

      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
