import { expect, test } from "vitest";
import { commands } from "../../../src/slack/app/commands.ts";
import { describeEvent } from "../../../src/slack/app/payload.ts";

const words = new Set(commands.map(({ word }) => word));

test.each([
  ["a command", { command: "/eks-access", text: "request staging debug" }, "/eks-access request", null],
  [
    "a command about a request",
    { command: "/eks-access", text: " Approve r-7k2m9x4q" },
    "/eks-access approve",
    "r-7k2m9x4q",
  ],
  ["a word that is no command", { command: "/eks-access", text: "hunter2secret" }, "/eks-access", null],
  [
    "a click",
    { type: "block_actions", actions: [{ action_id: "approve", value: '{"request":"r-7k2m9x4q","digest":"0"}' }] },
    "click approve",
    "r-7k2m9x4q",
  ],
  ["a click without a value", { actions: [{ action_id: "home" }] }, "click home", null],
  [
    "a form",
    { type: "view_submission", view: { callback_id: "deny", private_metadata: "r-7k2m9x4q" } },
    "submit deny",
    "r-7k2m9x4q",
  ],
  ["an event", { event: { type: "app_home_opened" } }, "event app_home_opened", null],
  ["anything else", {}, "something of Slack", null],
])("%s has a name that is one of few, and the request that it speaks of", (_what, body, name, request) => {
  expect(describeEvent(body, words)).toEqual({ name, request });
});
