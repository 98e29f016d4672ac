import { expect, test } from "vitest";
import { inputsIn } from "../../../sandbox/page/acts.ts";
import { input, menu, options, typed } from "../slack/some-blocks.ts";

const form = (fields: Record<string, string>) => new URLSearchParams(fields);
const text = (form: URLSearchParams) =>
  inputsIn(form, [{ ...input(typed()), block_id: "b" }]).map(({ value }) => value);

test("fields are found by block and action, whatever signs those are made of", () => {
  const blocks = [{ ...input(typed({ action_id: "a/1" })), block_id: "b c" }];

  expect(inputsIn(form({ "in/b%20c/a%2F1": "x" }), blocks)).toEqual([
    { field: { blockId: "b c", actionId: "a/1" }, value: "x" },
  ]);
});

test("an input that the form does not have yet is left as it is, and so is a menu outside an input block", () => {
  const radios = { type: "radio_buttons", action_id: "r", options: options(2) };
  const blocks = [
    { ...input(typed()), block_id: "text" },
    { ...input(radios), block_id: "radios" },
    { type: "section", block_id: "section", accessory: menu() },
  ];

  expect(inputsIn(form({ "in/section/a": "0" }), blocks)).toEqual([]);
});

test.each([
  ["", null],
  ["two\r\nlines", "two\nlines"],
])("what the browser holds as %j is %j for Slack", (value, expected) => {
  expect(text(form({ "in/b/a": value }))).toEqual([expected]);
});
