import { expect, test } from "vitest";
import { mrkdwn } from "../../../sandbox/page/blocks/mrkdwn.ts";
import { approver, aReader } from "./a-reader.ts";

const shown = (text: string, reader = aReader()) => mrkdwn(text, reader).markup;

test.each([
  ["*bold*, _italic_, ~struck~", "<strong>bold</strong>, <em>italic</em>, <s>struck</s>"],
  ["`a *b* &lt;c&gt;`", "<code>a *b* &#60;c&#62;</code>"],
  [
    '`a`: *`b`* "`c`" /`d`/ x`e`',
    "<code>a</code>: <strong><code>b</code></strong> &#34;<code>c</code>&#34; /<code>d</code>/ x`e`",
  ],
  ["said\n>why not\nso", "said\n<blockquote>why not</blockquote>so"],
  ["<@U0APPROVER>", '<span class="mention">@approver</span>'],
  ["<@U0ENGINEER>", '<span class="mention me">@engineer</span>'],
  ["<@U0NOBODY>", '<span class="mention">@U0NOBODY</span>'],
  ["<#C0ACCESS>", '<span class="mention">#cluster-access</span>'],
  ["<!subteam^S0LEADS>", '<span class="mention">@s0leads</span>'],
  ["<!here>", '<span class="mention">@here</span>'],
  [":warning: :no-such-emoji:", "⚠️ :no-such-emoji:"],
  [
    "<https://a.example/?b=1&amp;c|there>",
    '<a href="https://a.example/?b=1&#38;c" target="_blank" rel="noreferrer">there</a>',
  ],
  ["<javascript:alert(1)|there>", "<span>there</span>"],
  ["&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;alert(1)&#60;/script&#62;"],
])("%s is shown as %s", (text, markup) => {
  expect(shown(text)).toBe(markup);
});

test("each reader sees a time in the own time zone", () => {
  const text = `<!date^${Date.parse("2030-05-06T15:30:00Z") / 1000}^{date_short_pretty} {time}|later>`;

  expect(shown(text)).toContain(">today 17:30</time>");
  expect(shown(text, aReader({ user: approver }))).toContain(">tomorrow 00:30</time>");
});

test("an invalid date shows its fallback text", () => {
  expect(shown("<!date^soon^{date}|in a moment>")).toBe('<span class="mention">in a moment</span>');
});

test("the lines of a difference are distinguishable", () => {
  const { markup } = mrkdwn("```--- a/mapUsers\n+++ b/mapUsers\n a\n-b\n+c\n```", aReader());

  expect(markup).toContain("--- a/mapUsers\n+++ b/mapUsers\n a\n<del>-b\n</del><ins>+c\n</ins>");
});
