import { describe, expect, test } from "vitest";
import { problemsOf, problemsOfView } from "../../../src/sandbox/slack/block-limits.ts";

const plain = (text: string) => ({ type: "plain_text", text });
const mrkdwn = (text: string) => ({ type: "mrkdwn", text });
const x = (count: number) => "x".repeat(count);
const options = (count: number) => Array.from({ length: count }, (_, n) => ({ text: plain(`o${n}`), value: `${n}` }));
const button = (more: object = {}) => ({ type: "button", text: plain("Go"), action_id: "go", ...more });
const actions = (...elements: readonly object[]) => ({ type: "actions", elements });
const section = (more: object = {}) => ({ type: "section", text: mrkdwn("x"), ...more });
const input = (element: object, more: object = {}) => ({ type: "input", label: plain("Label"), element, ...more });
const typed = (more: object = {}) => ({ type: "plain_text_input", action_id: "a", ...more });
const menu = (more: object = {}) => ({ type: "static_select", action_id: "a", options: options(1), ...more });
const many = (count: number, make: (n: number) => object) => Array.from({ length: count }, (_, n) => make(n));

/** For each rule: what is just allowed, what is just too much, and Slack's words for it. */
const limits: readonly (readonly [string, readonly object[], readonly object[], string])[] = [
  [
    "50 blocks",
    many(50, () => ({ type: "divider" })),
    many(51, () => ({ type: "divider" })),
    "no more than 50 items allowed [json-pointer:/blocks]",
  ],
  [
    "3000 characters in a section",
    [section({ text: mrkdwn(x(3000)) })],
    [section({ text: mrkdwn(x(3001)) })],
    "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
  ],
  [
    "a section's text is not empty",
    [section()],
    [section({ text: mrkdwn("") })],
    "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
  ],
  [
    "10 fields",
    [section({ fields: many(10, () => mrkdwn("x")) })],
    [section({ fields: many(11, () => mrkdwn("x")) })],
    "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
  ],
  [
    "2000 characters in a field",
    [section({ fields: [mrkdwn(x(2000))] })],
    [section({ fields: [mrkdwn(x(2001))] })],
    "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
  ],
  [
    "a section has text or fields",
    [{ type: "section", fields: [mrkdwn("x")] }],
    [{ type: "section" }],
    "must define either `text` or `fields` [json-pointer:/blocks/0]",
  ],
  [
    "150 characters in a header",
    [{ type: "header", text: plain(x(150)) }],
    [{ type: "header", text: plain(x(151)) }],
    "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
  ],
  [
    "a header is plain",
    [{ type: "header", text: plain("x") }],
    [{ type: "header", text: mrkdwn("x") }],
    "must be a valid enum value [json-pointer:/blocks/0/text/type]",
  ],
  [
    "25 elements in an actions block",
    [actions(...many(25, (n) => button({ action_id: `a${n}` })))],
    [actions(...many(26, (n) => button({ action_id: `a${n}` })))],
    "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
  ],
  [
    "an actions block is not empty",
    [actions(button())],
    [actions()],
    "no less than 1 items allowed [json-pointer:/blocks/0/elements]",
  ],
  [
    "10 elements in a context",
    [{ type: "context", elements: many(10, () => mrkdwn("x")) }],
    [{ type: "context", elements: many(11, () => mrkdwn("x")) }],
    "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
  ],
  [
    "75 characters on a button",
    [actions(button({ text: plain(x(75)) }))],
    [actions(button({ text: plain(x(76)) }))],
    "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
  ],
  [
    "2000 characters in a button's value",
    [actions(button({ value: x(2000) }))],
    [actions(button({ value: x(2001) }))],
    "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
  ],
  [
    "two colours of buttons",
    [actions(button({ style: "danger" }))],
    [actions(button({ style: "default" }))],
    "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
  ],
  [
    "255 characters in an action_id",
    [actions(button({ action_id: x(255) }))],
    [actions(button({ action_id: x(256) }))],
    "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
  ],
  [
    "255 characters in a block_id",
    [section({ block_id: x(255) })],
    [section({ block_id: x(256) })],
    "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
  ],
  [
    "block ids are different",
    [section({ block_id: "a" }), section({ block_id: "b" })],
    [section({ block_id: "a" }), section({ block_id: "a" })],
    "`block_id` already exists [json-pointer:/blocks/1/block_id]",
  ],
  [
    "action ids in a block are different",
    [actions(button(), button({ action_id: "b" }))],
    [actions(button(), button())],
    "`action_id` already exists [json-pointer:/blocks/0/elements/1/action_id]",
  ],
  [
    "a confirmation's title",
    [
      actions(
        button({ confirm: { title: plain(x(100)), text: mrkdwn("x"), confirm: plain("Yes"), deny: plain("No") } }),
      ),
    ],
    [
      actions(
        button({ confirm: { title: plain(x(101)), text: mrkdwn("x"), confirm: plain("Yes"), deny: plain("No") } }),
      ),
    ],
    "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]",
  ],
  [
    "100 options",
    [actions(menu({ options: options(100) }))],
    [actions(menu({ options: options(101) }))],
    "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
  ],
  [
    "75 characters in an option",
    [actions(menu({ options: [{ text: plain(x(75)), value: "v" }] }))],
    [actions(menu({ options: [{ text: plain(x(76)), value: "v" }] }))],
    "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
  ],
  [
    "150 characters in an option's value",
    [actions(menu({ options: [{ text: plain("x"), value: x(150) }] }))],
    [actions(menu({ options: [{ text: plain("x"), value: x(151) }] }))],
    "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
  ],
  [
    "a menu has options",
    [actions(menu())],
    [actions(menu({ options: undefined }))],
    "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
  ],
  [
    "5 options in an overflow menu",
    [actions({ type: "overflow", options: options(5) })],
    [actions({ type: "overflow", options: options(6) })],
    "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
  ],
  [
    "10 checkboxes",
    [actions({ type: "checkboxes", options: options(10) })],
    [actions({ type: "checkboxes", options: options(11) })],
    "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]",
  ],
  [
    "150 characters in a placeholder",
    [input(typed({ placeholder: plain(x(150)) }))],
    [input(typed({ placeholder: plain(x(151)) }))],
    "must be less than 151 characters [json-pointer:/blocks/0/element/placeholder/text]",
  ],
  [
    "3000 characters in an input",
    [input(typed({ max_length: 3000 }))],
    [input(typed({ max_length: 3001 }))],
    "must be less than 3001 [json-pointer:/blocks/0/element/max_length]",
  ],
  [
    "an input's label",
    [input(typed(), { label: plain(x(2000)) })],
    [input(typed(), { label: plain(x(2001)) })],
    "must be less than 2001 characters [json-pointer:/blocks/0/label/text]",
  ],
  [
    "a button is no input",
    [input(typed())],
    [input(button())],
    "unsupported type: button [json-pointer:/blocks/0/element/type]",
  ],
  ["a known type", [{ type: "divider" }], [{ type: "rule" }], "unsupported type: rule [json-pointer:/blocks/0/type]"],
  [
    "no unknown field",
    [{ type: "divider" }],
    [{ type: "divider", text: "x" }],
    "invalid additional property: text [json-pointer:/blocks/0]",
  ],
  [
    "no missing field",
    [{ type: "header", text: plain("x") }],
    [{ type: "header" }],
    "missing required field: text [json-pointer:/blocks/0]",
  ],
  [
    "100 rows in a table",
    [{ type: "table", rows: many(100, () => [{ type: "raw_text", text: "x" }]) }],
    [{ type: "table", rows: many(101, () => [{ type: "raw_text", text: "x" }]) }],
    "no more than 100 items allowed [json-pointer:/blocks/0/rows]",
  ],
  [
    "12,000 characters of markdown",
    [{ type: "markdown", text: x(12_000) }],
    [{ type: "markdown", text: x(12_001) }],
    "must be less than 12001 characters [json-pointer:/blocks/0/text]",
  ],
  [
    "an image has a source",
    [{ type: "image", alt_text: "x", image_url: "https://example.com/x.png" }],
    [{ type: "image", alt_text: "x" }],
    "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]",
  ],
  [
    "rich text is made of its elements",
    [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "x" }] }] }],
    [{ type: "rich_text", elements: [{ type: "text", text: "x" }] }],
    "unsupported type: text [json-pointer:/blocks/0/elements/0/type]",
  ],
];

describe("a message", () => {
  test.each(limits)("holds to the limit: %s", (_name, allowed, refused, words) => {
    const before = problemsOf(allowed);
    const after = problemsOf(refused);

    expect(before).toEqual([]);
    expect(after).toContain(words);
  });
});

describe("a view", () => {
  const modal = (more: object = {}) => ({
    type: "modal",
    title: plain("Title"),
    submit: plain("Send"),
    blocks: [input(typed())],
    ...more,
  });

  test.each<[string, object, object, string]>([
    [
      "100 blocks",
      { blocks: many(100, () => ({ type: "divider" })) },
      { blocks: many(101, () => ({ type: "divider" })) },
      "no more than 100 items allowed [json-pointer:/view/blocks]",
    ],
    [
      "24 characters in the title",
      { title: plain(x(24)) },
      { title: plain(x(25)) },
      "must be less than 25 characters [json-pointer:/view/title/text]",
    ],
    [
      "24 characters on its buttons",
      { submit: plain(x(24)) },
      { submit: plain(x(25)) },
      "must be less than 25 characters [json-pointer:/view/submit/text]",
    ],
    [
      "3000 characters of private metadata",
      { private_metadata: x(3000) },
      { private_metadata: x(3001) },
      "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ],
    ["a way to send its inputs", {}, { submit: undefined }, "missing required field: submit [json-pointer:/view]"],
    [
      "no markdown block",
      {},
      { blocks: [{ type: "markdown", text: "x" }] },
      "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
    ],
  ])("holds to the limit: %s", (_name, allowed, refused, words) => {
    const before = problemsOfView(modal(allowed));
    const after = problemsOfView(modal(refused));

    expect(before).toEqual([]);
    expect(after).toContain(words);
  });

  test("of the Home tab has no title", () => {
    const home = { type: "home", blocks: [section()] };

    expect(problemsOfView(home)).toEqual([]);
    expect(problemsOfView({ ...home, title: plain("x") })).toEqual([
      "invalid additional property: title [json-pointer:/view]",
    ]);
  });
});
