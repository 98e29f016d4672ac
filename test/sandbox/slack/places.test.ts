import { expect, test } from "vitest";
import { filledInput, findInput } from "../../../sandbox/slack/inputs.ts";
import { findClickable } from "../../../sandbox/slack/person.ts";
import { button, menu, options, plain } from "./some-blocks.ts";

test("of buttons that are alike, the one in its block is clicked", () => {
  const line = (id: string) => ({ type: "actions", block_id: id, elements: [button({ value: id })] });

  const { used } = findClickable([line("first"), line("second")], { blockId: "second", actionId: "go" });

  expect(used.element.value).toBe("second");
});

test("an option of an overflow menu is clicked by the menu's place and its text", () => {
  const menus = { type: "overflow", action_id: "more", options: options(3) };
  const blocks = [{ type: "section", block_id: "line", text: plain("x"), accessory: menus }];

  const { chosen } = findClickable(blocks, { blockId: "line", actionId: "more", option: "o1" });

  expect(chosen).toEqual({ selected_option: { text: plain("o1"), value: "1" } });
});

test("of two menus in one block, the one with the action_id is chosen in", () => {
  const blocks = [{ type: "actions", block_id: "both", elements: [menu(), menu({ action_id: "b" })] }];

  expect(findInput(blocks, { blockId: "both", actionId: "b" }).actionId).toBe("b");
  expect(() => findInput(blocks, { blockId: "both", actionId: "c" })).toThrow('there is no field "both c" here');
});

test("what is typed into a rich text input comes as rich text", () => {
  const filled = filledInput({ type: "rich_text_input", action_id: "a" }, "two words");

  expect(filled.rich_text_value).toEqual({
    type: "rich_text",
    elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "two words" }] }],
  });
});
