import { expect, test } from "vitest";
import { textOf } from "../../../src/sandbox/slack/text-of.ts";
import { actions, button, section } from "./a-client.ts";

const shown = (...blocks: readonly object[]) =>
  textOf({ text: "fallback", blocks: blocks.map((block) => ({ ...block })) });

test("a message without blocks shows its text, and one with blocks only those", () => {
  expect(shown()).toBe("fallback");
  expect(shown(section("seen"))).toBe("seen");
});

test("each block is a line: text, fields, accessory, buttons", () => {
  const fields = [
    { type: "mrkdwn", text: "*Cluster*" },
    { type: "mrkdwn", text: "prod" },
  ];

  const text = shown(
    { type: "header", text: { type: "plain_text", text: "Access" } },
    { type: "divider" },
    { type: "section", fields, accessory: button("Details", "details") },
    actions(button("Approve", "approve"), button("Deny", "deny")),
    { type: "context", elements: [{ type: "mrkdwn", text: "request r1" }] },
  );

  expect(text).toBe("Access\n*Cluster* prod [Details]\n[Approve] [Deny]\nrequest r1");
});

test("Slack's escapes are read as a person reads them", () => {
  expect(shown(section("a &lt;b&gt; &amp;amp; c"))).toBe("a <b> &amp; c");
});

test("rich text, images and tables are read too", () => {
  const text = shown(
    {
      type: "rich_text",
      elements: [
        {
          type: "rich_text_section",
          elements: [
            { type: "text", text: "see " },
            { type: "link", url: "https://example.com" },
          ],
        },
      ],
    },
    { type: "image", alt_text: "a diagram", image_url: "https://example.com/x.png" },
    {
      type: "table",
      rows: [
        [
          { type: "raw_text", text: "a" },
          { type: "raw_text", text: "b" },
        ],
      ],
    },
  );

  expect(text).toBe("see https://example.com\na diagram\na b");
});
