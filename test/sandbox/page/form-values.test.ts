import { expect, test } from "vitest";
import { inputsIn, valueFor } from "../../../sandbox/page/server/acts.ts";
import { input, menu, options, typed } from "../slack/some-blocks.ts";

const boxes = { type: "checkboxes", action_id: "c", options: options(2) };
const form = (fields: Record<string, string>) => new URLSearchParams(fields);

test("fields are found by block and action, whatever signs those are made of", () => {
  const blocks = [{ ...input(typed({ action_id: "a/1" })), block_id: "b c" }];

  expect(inputsIn(form({ "in/b%20c/a%2F1": "x" }), blocks)).toEqual([
    { field: { blockId: "b c", actionId: "a/1" }, value: "x" },
  ]);
});

test("an input that the form does not have yet is left as it is, boxes that nobody ticked are empty", () => {
  const blocks = [
    { ...input(typed()), block_id: "text" },
    { ...input(boxes), block_id: "boxes" },
    { type: "section", block_id: "section", accessory: menu() },
  ];

  expect(inputsIn(form({}), blocks)).toEqual([{ field: { blockId: "boxes", actionId: "c" }, value: [] }]);
});

test.each([
  ["plain_text_input", [""], null],
  ["plain_text_input", ["two\r\nlines"], "two\nlines"],
  ["static_select", ["1"], "1"],
  ["multi_users_select", ["U1", "U2"], ["U1", "U2"]],
  ["datetimepicker", ["2030-01-02T03:04"], new Date(2030, 0, 2, 3, 4).getTime() / 1000],
])("what a %s holds as %j is %j for Slack", (type, values, value) => {
  expect(valueFor({ type }, values)).toEqual(value);
});
