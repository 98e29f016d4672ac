import { describe, expect, test } from "vitest";
import { problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { actions, button, input, menu, mrkdwn, plain, section, typed } from "./some-blocks.ts";

describe("a block", () => {
  test.each<[string, object, string]>([
    ["of an unknown type", { type: "rule" }, "unsupported type: rule [json-pointer:/blocks/0/type]"],
    ["without a type", { text: plain("x") }, "missing required field: type [json-pointer:/blocks/0]"],
    [
      "with a field too many",
      { type: "divider", text: "x" },
      "invalid additional property: text [json-pointer:/blocks/0]",
    ],
    ["without a field that it needs", { type: "header" }, "missing required field: text [json-pointer:/blocks/0]"],
    [
      "that is a section without text",
      { type: "section" },
      "must define either `text` or `fields` [json-pointer:/blocks/0]",
    ],
    [
      "that is a header in mrkdwn",
      { type: "header", text: mrkdwn("x") },
      "must be a valid enum value [json-pointer:/blocks/0/text/type]",
    ],
    ["that asks with a button", input(button()), "unsupported type: button [json-pointer:/blocks/0/element/type]"],
    [
      "with a button of no colour",
      actions(button({ style: "default" })),
      "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
    ],
    [
      "with a menu without options",
      actions(menu({ options: undefined })),
      "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
    ],
    [
      "with a longest input beyond 3000",
      input(typed({ max_length: 3001 })),
      "must be less than 3001 [json-pointer:/blocks/0/element/max_length]",
    ],
    [
      "with text outside its rich text's parts",
      { type: "rich_text", elements: [{ type: "text", text: "x" }] },
      "unsupported type: text [json-pointer:/blocks/0/elements/0/type]",
    ],
    [
      "with an action_id given twice",
      actions(button(), button()),
      "`action_id` already exists [json-pointer:/blocks/0/elements/1/action_id]",
    ],
  ])("%s is refused", (_name, block, words) => {
    const refused = problemsOf([block]);

    expect(refused).toContain(words);
  });

  test("with the block_id of another one is refused", () => {
    const refused = problemsOf([section({ block_id: "a" }), section({ block_id: "a" })]);

    expect(refused).toEqual(["`block_id` already exists [json-pointer:/blocks/1/block_id]"]);
  });

  test.each<[string, object]>([
    [
      "rich text",
      { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "x" }] }] },
    ],
    ["a menu beside its text", section({ accessory: menu() })],
    ["radio buttons", input({ type: "radio_buttons", options: [{ text: mrkdwn("*one*"), value: "1" }] })],
  ])("with %s is taken", (_name, block) => {
    expect(problemsOf([block])).toEqual([]);
  });
});
