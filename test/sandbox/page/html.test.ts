import fc from "fast-check";
import { expect, test } from "vitest";
import { attributes, html, safeUrl } from "../../../sandbox/page/html.ts";

test("what is put into a template is escaped, between tags and in attributes", () => {
  const name = `<b title='x'>"&`;

  expect(html`<p title="${name}">${name}</p>`.markup).toBe(
    `<p title="&#60;b title=&#39;x&#39;&#62;&#34;&#38;">&#60;b title=&#39;x&#39;&#62;&#34;&#38;</p>`,
  );
});

test("markup that a template made is put in as it is, alone or in a list; what is not there is nothing", () => {
  const items = ["a", "b"].map((each) => html`<li>${each}</li>`);

  expect(html`<ul>${items}${false}${null}${undefined}${0}</ul>`.markup).toBe("<ul><li>a</li><li>b</li>0</ul>");
});

test("no text can end an attribute or begin a tag", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const { markup } = html`<p${attributes({ title: text })}>${text}</p>`;

      expect(markup.match(/[<>"]/g)).toHaveLength(6);
    }),
  );
});

test.each([
  ["https://docs.aws.amazon.com/eks", true],
  ["mailto:approver@example.com", true],
  ["javascript:alert(1)", false],
  ["data:text/html,<script>", false],
  ["//elsewhere", false],
  [undefined, false],
])("the address %s is followed: %s", (url, isSafe) => {
  expect(safeUrl(url) !== undefined).toBe(isSafe);
});
