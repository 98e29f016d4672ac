import { expect, it } from "vitest";
import { finish } from "../../src/aws-auth/go-yaml/budget.ts";
import { readDocument } from "../../src/aws-auth/read-document.ts";
import { offerEdit } from "../../src/aws-auth/repair.ts";

const entry = (name: string, username = name) =>
  `- rolearn: arn:aws:iam::111122223333:role/${name}\n  username: ${username}\n  groups: [viewers]\n`;

/** Offers a text in the place of three entries, as if to repair the second. */
function offer(text: string) {
  const before = readDocument({ mapRoles: entry("a") + entry("b") + entry("c") }).document;
  const [, second] = before.entries;
  if (second === undefined) throw new Error("there is no second entry");
  return finish(offerEdit(before, { entry: second, text, code: "code", message: "It repairs." }));
}

it.each([
  ["the entry is another", entry("a") + entry("d") + entry("c")],
  ["the entry is gone", entry("a") + entry("c")],
])("an edit is offered where %s, and all others are what they were", (_what, text) => {
  expect(offer(text)).toMatchObject({
    code: "code",
    section: "mapRoles",
    line: 4,
    message: "It repairs.",
    plan: { type: "planned", after: { mapRoles: text }, refused: [] },
  });
});

it.each([
  ["an entry before it is another", entry("a", "x") + entry("d") + entry("c")],
  ["an entry behind it is another", entry("a") + entry("d") + entry("c", "x")],
  ["an entry before it is gone", entry("b") + entry("c")],
  ["an entry behind it is gone", entry("a") + entry("b")],
  ["two entries are gone", entry("a")],
  ["all entries are gone", ""],
  ["an entry came along", entry("a") + entry("x") + entry("b") + entry("c")],
  ["an entry came along at its place", entry("a") + entry("b") + entry("x") + entry("c")],
  ["others changed places", entry("c") + entry("b") + entry("a")],
])("nothing is offered where %s", (_what, text) => {
  expect(offer(text)).toBeNull();
});

it("nothing is offered that can't be read, though but one entry is lost", () => {
  const before = readDocument({ mapRoles: entry("a") }).document;
  const [only] = before.entries;

  const repair =
    only === undefined
      ? undefined
      : finish(offerEdit(before, { entry: only, text: "- [\n", code: "code", message: "It repairs." }));

  expect(repair).toBeNull();
});
