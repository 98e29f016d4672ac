import { applyPatch, parsePatch, reversePatch } from "diff";
import fc from "fast-check";
import { expect, test } from "vitest";
import { unifiedDiff } from "../../src/aws-auth/index.ts";
import { stories } from "../form.ts";

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
