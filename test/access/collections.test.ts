import { expect, test } from "vitest";
import { groupsBy, keptWith, putNewest } from "../../src/access/collections.ts";

test("items of one key stay together, in their order", () => {
  const groups = groupsBy(["apple", "bean", "avocado"], (word) => word.charAt(0));

  expect([...groups]).toEqual([
    ["a", ["apple", "avocado"]],
    ["b", ["bean"]],
  ]);
});

test("what belongs to an object is made once for it, and anew for another one", () => {
  let made = 0;
  const numberOf = keptWith((_: object) => ++made);
  const [one, other] = [{}, {}];

  expect([numberOf(one), numberOf(other), numberOf(one)]).toEqual([1, 2, 1]);
});

test("the oldest goes when there are too many, and what is put again is the newest", () => {
  const kept = new Map<string, number>();

  for (const name of ["one", "two", "one", "three"]) putNewest(kept, name, 1, 2);

  expect([...kept.keys()]).toEqual(["one", "three"]);
});
