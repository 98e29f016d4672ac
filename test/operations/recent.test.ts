import { expect, test } from "vitest";
import { Recent } from "../../src/operations/recent.ts";

interface Upper {
  readonly upper: string;
}

/** Which of these texts, each of a place of its own unless one is named, had to be worked out. */
function workedOut(recent: Recent<Upper>, texts: readonly string[], place?: string): readonly string[] {
  const worked: string[] = [];
  for (const text of texts) {
    recent.of(place ?? text, text, () => {
      worked.push(text);
      return { upper: text.toUpperCase() };
    });
  }
  return worked;
}

test("the same text is worked out once", () => {
  const recent = new Recent<Upper>(10);

  const worked = workedOut(recent, ["abc", "abc", "abd", "abc"]);

  expect(worked).toEqual(["abc", "abd"]);
  expect(recent.get("abc", "abc")).toEqual({ upper: "ABC" });
});

test("of one place the newest text is remembered", () => {
  const recent = new Recent<Upper>(6);

  const worked = workedOut(recent, ["abc", "abd", "abd", "abc"], "record");

  expect(worked).toEqual(["abc", "abd", "abc"]);
  expect(workedOut(recent, ["xyz"])).toEqual(["xyz"]);
  expect(recent.get("record", "abc")).toEqual({ upper: "ABC" });
});

test("the text that was not used for longest goes when there is no room", () => {
  const recent = new Recent<Upper>(6);
  workedOut(recent, ["abc", "def", "abc", "ghi"]);

  const worked = workedOut(recent, ["abc", "def"]);

  expect(worked).toEqual(["def"]);
});

test("a text with more than there is room for leaves the others", () => {
  const recent = new Recent<Upper>(6);
  workedOut(recent, ["abc", "0123456789"]);

  const worked = workedOut(recent, ["abc", "0123456789"]);

  expect(worked).toEqual(["0123456789"]);
});

test("what throws is tried again", () => {
  const recent = new Recent<Upper>(6);
  const fail = () => recent.of("abc", "abc", () => JSON.parse("{"));

  expect(fail).toThrow(SyntaxError);
  expect(workedOut(recent, ["abc"])).toEqual(["abc"]);
});
