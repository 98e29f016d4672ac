import { expect, test } from "vitest";
import { problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import { input, many, plain, section, typed, x } from "./some-blocks.ts";

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
