import { describe, expect, test } from "vitest";
import { problemsOf, problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import {
  actions,
  button,
  confirm,
  input,
  many,
  menu,
  mrkdwn,
  options,
  plain,
  section,
  typed,
  x,
} from "./some-blocks.ts";

const withConfirm = (more: object) => actions(button({ confirm: confirm(more) }));
const withOption = (option: object) => actions(menu({ options: [{ text: plain("x"), value: "v", ...option }] }));

describe("a text", () => {
  test.each<[string, number, (text: string) => object, string]>([
    ["of a section", 3000, (text) => section({ text: mrkdwn(text) }), "/text/text"],
    ["of a field", 2000, (text) => section({ fields: [mrkdwn(text)] }), "/fields/0/text"],
    ["of a header", 150, (text) => ({ type: "header", text: plain(text) }), "/text/text"],
    ["of a context", 3000, (text) => ({ type: "context", elements: [mrkdwn(text)] }), "/elements/0/text"],
    ["on a button", 75, (text) => actions(button({ text: plain(text) })), "/elements/0/text/text"],
    ["in a button's value", 2000, (value) => actions(button({ value })), "/elements/0/value"],
    ["in an action_id", 255, (action_id) => actions(button({ action_id })), "/elements/0/action_id"],
    ["in a block_id", 255, (block_id) => section({ block_id }), "/block_id"],
    ["of a confirmation's title", 100, (text) => withConfirm({ title: plain(text) }), "/elements/0/confirm/title/text"],
    ["of a confirmation", 300, (text) => withConfirm({ text: mrkdwn(text) }), "/elements/0/confirm/text/text"],
    ["of its yes", 30, (text) => withConfirm({ confirm: plain(text) }), "/elements/0/confirm/confirm/text"],
    ["of its no", 30, (text) => withConfirm({ deny: plain(text) }), "/elements/0/confirm/deny/text"],
    ["of an option", 75, (text) => withOption({ text: plain(text) }), "/elements/0/options/0/text/text"],
    ["in an option's value", 150, (value) => withOption({ value }), "/elements/0/options/0/value"],
    [
      "that describes an option",
      75,
      (text) => withOption({ description: plain(text) }),
      "/elements/0/options/0/description/text",
    ],
    ["of a placeholder", 150, (text) => input(typed({ placeholder: plain(text) })), "/element/placeholder/text"],
    ["of an input's label", 2000, (text) => input(typed(), { label: plain(text) }), "/label/text"],
    ["of an input's hint", 2000, (text) => input(typed(), { hint: plain(text) }), "/hint/text"],
    ["in an input", 3000, (initial_value) => input(typed({ initial_value })), "/element/initial_value"],
  ])("%s has at most %i characters", (_name, limit, block, place) => {
    const allowed = problemsOf([block(x(limit))]);
    const refused = problemsOf([block(x(limit + 1))]);

    expect(allowed).toEqual([]);
    expect(refused).toContain(`must be less than ${limit + 1} characters [json-pointer:/blocks/0${place}]`);
  });

  test.each<[string, (text: string) => object, string]>([
    ["of a section", (text) => section({ text: mrkdwn(text) }), "/text/text"],
    ["of a header", (text) => ({ type: "header", text: plain(text) }), "/text/text"],
    ["on a button", (text) => actions(button({ text: plain(text) })), "/elements/0/text/text"],
    ["in an option's value", (value) => withOption({ value }), "/elements/0/options/0/value"],
  ])("%s is not empty", (_name, block, place) => {
    const refused = problemsOf([block("")]);

    expect(refused).toContain(`must be more than 0 characters [json-pointer:/blocks/0${place}]`);
  });
});

describe("a list", () => {
  const ids = (count: number) => many(count, (n) => button({ action_id: `a${n}` }));

  test.each<[string, number, (count: number) => object, string]>([
    ["of fields", 10, (count) => section({ fields: many(count, () => mrkdwn("x")) }), "/fields"],
    ["of actions", 25, (count) => actions(...ids(count)), "/elements"],
    ["of a context", 10, (count) => ({ type: "context", elements: many(count, () => mrkdwn("x")) }), "/elements"],
    ["of a menu's options", 100, (count) => actions(menu({ options: options(count) })), "/elements/0/options"],
    [
      "of radio buttons",
      10,
      (count) => actions({ type: "radio_buttons", options: options(count) }),
      "/elements/0/options",
    ],
  ])("%s has at most %i items, and at least one", (_name, limit, block, place) => {
    const allowed = [...problemsOf([block(1)]), ...problemsOf([block(limit)])];
    const tooMany = problemsOf([block(limit + 1)]);
    const none = problemsOf([block(0)]);

    expect(allowed).toEqual([]);
    expect(tooMany).toContain(`no more than ${limit} items allowed [json-pointer:/blocks/0${place}]`);
    expect(none).toContain(`no less than 1 items allowed [json-pointer:/blocks/0${place}]`);
  });

  test("of blocks has at most 50", () => {
    const allowed = problemsOf(many(50, () => ({ type: "divider" })));
    const refused = problemsOf(many(51, () => ({ type: "divider" })));

    expect(allowed).toEqual([]);
    expect(refused).toEqual(["no more than 50 items allowed [json-pointer:/blocks]"]);
  });
});

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

const modal = (more: object = {}) => ({
  type: "modal",
  title: plain("Title"),
  submit: plain("Send"),
  blocks: [input(typed())],
  ...more,
});

test.each<[string, number, (text: string) => object, string]>([
  ["title", 24, (text) => ({ title: plain(text) }), "/title/text"],
  ["submit button", 24, (text) => ({ submit: plain(text) }), "/submit/text"],
  ["close button", 24, (text) => ({ close: plain(text) }), "/close/text"],
  ["private metadata", 3000, (private_metadata) => ({ private_metadata }), "/private_metadata"],
  ["callback_id", 255, (callback_id) => ({ callback_id }), "/callback_id"],
])("a modal's %s has at most %i characters", (_name, limit, change, place) => {
  const allowed = problemsOfView(modal(change(x(limit))));
  const refused = problemsOfView(modal(change(x(limit + 1))));

  expect(allowed).toEqual([]);
  expect(refused).toEqual([`must be less than ${limit + 1} characters [json-pointer:/view${place}]`]);
});

test("a modal has at most 100 blocks", () => {
  const allowed = problemsOfView(modal({ blocks: many(100, () => ({ type: "divider" })) }));
  const refused = problemsOfView(modal({ blocks: many(101, () => ({ type: "divider" })) }));

  expect(allowed).toEqual([]);
  expect(refused).toEqual(["no more than 100 items allowed [json-pointer:/view/blocks]"]);
});

test("a modal that asks for something needs a way to send it", () => {
  const asking = problemsOfView(modal({ submit: undefined }));
  const telling = problemsOfView(modal({ submit: undefined, blocks: [section()] }));

  expect(asking).toEqual(["missing required field: submit [json-pointer:/view]"]);
  expect(telling).toEqual([]);
});

test("a modal says where the cursor is when it opens", () => {
  expect(problemsOfView(modal({ blocks: [input(typed()), input(typed({ focus_on_load: true }))] }))).toEqual([]);
});

test("the Home tab has no title", () => {
  const home = { type: "home", blocks: [section()] };

  expect(problemsOfView(home)).toEqual([]);
  expect(problemsOfView({ ...home, title: plain("x") })).toEqual([
    "invalid additional property: title [json-pointer:/view]",
  ]);
});
