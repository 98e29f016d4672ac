import { expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { actions, button, section } from "./a-client.ts";

const shown = (...blocks: readonly object[]) =>
  textOf({ text: "fallback", blocks: blocks.map((block) => ({ ...block })) });

test("a message without blocks shows its text, and one with blocks only those", () => {
  expect(shown()).toBe("fallback");
  expect(shown(section("seen"))).toBe("seen");
});

test("each block is a line, and each field: text, accessory, fields, buttons", () => {
  const fields = [
    { type: "mrkdwn", text: "*Cluster*\nprod" },
    { type: "mrkdwn", text: "*Level*\nviewer" },
  ];

  const text = shown(
    { type: "header", text: { type: "plain_text", text: "Access" } },
    { type: "divider" },
    { ...section("asks"), fields, accessory: button("Details", "details") },
    actions(button("Approve", "approve"), button("Deny", "deny")),
    { type: "context", elements: [{ type: "mrkdwn", text: "request r1" }] },
  );

  expect(text).toBe("Access\nasks [Details]\n*Cluster* prod\n*Level* viewer\n[Approve] [Deny]\nrequest r1");
});

test("Slack's escapes are read as a person reads them", () => {
  expect(shown(section("a &lt;b&gt; &amp;amp; c"))).toBe("a <b> &amp; c");
});

test("a date shows its fallback, and a link its text", () => {
  const text = shown(section("until <!date^1795535869^{date} {time}|24 November, 15:57>, <https://example.com|why>"));

  expect(text).toBe("until 24 November, 15:57, why");
});

test("an input shows its label and its value", () => {
  const element = { type: "plain_text_input", action_id: "text", initial_value: "4h" };
  const input = { type: "input", block_id: "for", label: { type: "plain_text", text: "For" }, element };
  const typed = { for: { text: { type: "plain_text_input", value: "8h" } } };

  expect(shown(input)).toBe("For [4h]");
  expect(textOf({ title: "Ask", blocks: [input], inputs: typed })).toBe("Ask\nFor [8h]");
});

test("rich text is read too", () => {
  const elements = [
    { type: "text", text: "see " },
    { type: "link", url: "https://example.com" },
  ];

  const text = shown({ type: "rich_text", elements: [{ type: "rich_text_section", elements }] });

  expect(text).toBe("see https://example.com");
});
