import { expect, test } from "vitest";
import { findInput } from "../../../sandbox/slack/inputs.ts";
import { findButton } from "../../../sandbox/slack/person.ts";
import { button, menu } from "./some-blocks.ts";

test("of equal buttons, the one in its block is clicked", () => {
  const line = (id: string) => ({ type: "actions", block_id: id, elements: [button({ value: id })] });

  const { element } = findButton([line("first"), line("second")], { blockId: "second", actionId: "go" });

  expect(element.value).toBe("second");
});

test("of two menus in one block, the one with the action_id is chosen in", () => {
  const blocks = [{ type: "actions", block_id: "both", elements: [menu(), menu({ action_id: "b" })] }];

  expect(findInput(blocks, { blockId: "both", actionId: "b" }).actionId).toBe("b");
  expect(() => findInput(blocks, { blockId: "both", actionId: "c" })).toThrow('there is no field "both c" here');
});
