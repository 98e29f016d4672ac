import { expect, it } from "vitest";
import { splitDocuments } from "../../src/aws-auth/config-map.ts";

it.each([
  ["", [[0, 0, ""]]],
  ["a\n", [[0, 0, "a\n"]]],
  [
    "a\n---\nb\n",
    [
      [0, 0, "a\n"],
      [2, 1, "---\nb\n"],
    ],
  ],
  [
    "---\na\n--- b\n---",
    [
      [0, 0, "---\na\n"],
      [6, 2, "--- b\n"],
      [12, 3, "---"],
    ],
  ],
  [
    "a\r\n---\r\nb",
    [
      [0, 0, "a\r\n"],
      [3, 1, "---\r\nb"],
    ],
  ],
  ["a: |\n  ---\n  b\n----\n---x\n", [[0, 0, "a: |\n  ---\n  b\n----\n---x\n"]]],
])("%j is cut where a line begins with a marker", (text, expected) => {
  expect(splitDocuments(text).map((part) => [part.offset, part.line, part.text])).toEqual(expected);
});
