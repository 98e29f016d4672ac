import { describe, expect, test } from "vitest";
import { problemsOf } from "../../../sandbox/slack/block-limits.ts";
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
