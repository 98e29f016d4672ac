import { describe, expect, test } from "vitest";
import { blocks } from "../../../sandbox/page/blocks/block.ts";
import { inputsOf } from "../../../sandbox/slack/inputs.ts";
import { storedBlocks } from "../../../sandbox/slack/message-content.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { actions, button, confirm, input, menu, mrkdwn, options, plain, section, typed } from "../slack/some-blocks.ts";
import { aSurface } from "./a-reader.ts";

/** Blocks as they are shown, with what stands in their inputs at first. */
function shown(given: readonly object[], change: Parameters<typeof aSurface>[0] = {}): string {
  const list = storedBlocks(given);
  return blocks(list, aSurface({ inputs: inputsOf(list), ...change }))
    .map(({ markup }) => markup)
    .join("");
}

describe("what is shown", () => {
  test.each([
    ["a header", { type: "header", text: plain("Title &") }, "<h3>Title &#38;</h3>"],
    ["a divider", { type: "divider" }, "<hr>"],
    ["context", { type: "context", elements: [mrkdwn("*a*")] }, "<strong>a</strong>"],
    ["fields", { type: "section", fields: [mrkdwn("*Level*\nviewer")] }, "<strong>Level</strong>\nviewer"],
    ["markdown", { type: "markdown", text: "# Title\n**bold**" }, "<strong>Title</strong>\n<strong>bold</strong>"],
    ["an alert", { type: "alert", level: "error", text: plain("No") }, '<div class="alert error">No</div>'],
    ["a picture", { type: "image", image_url: "https://a.example/b.png", alt_text: "A plan" }, "A plan</a>"],
  ])("%s", (_, block, markup) => {
    expect(shown([block])).toContain(markup);
  });

  test("rich text: styles, links, people, lists and code", () => {
    const text = (words: string, style: object = {}) => ({ type: "text", text: words, style });
    const list = {
      type: "rich_text_list",
      style: "ordered",
      elements: [{ type: "rich_text_section", elements: [text("one")] }],
    };
    const part = {
      type: "rich_text_section",
      elements: [text("b", { bold: true }), { type: "user", user_id: "U0APPROVER" }],
    };
    const code = { type: "rich_text_preformatted", elements: [text("x < y")] };

    const markup = shown([{ type: "rich_text", elements: [part, list, code] }]);

    expect(markup).toContain('<strong>b</strong><span class="mention">@approver</span>');
    expect(markup).toContain('<ol class="indent-0" start="1"><li><div>one</div></li></ol>');
    expect(markup).toContain("x &#60; y</code></pre>");
  });

  test("a table with its first row as the heading", () => {
    const cell = (text: string) => ({ type: "raw_text", text });

    const markup = shown([{ type: "table", rows: [[cell("Cluster")], [cell("staging")]] }]);

    expect(markup).toContain('<th scope="col" class="left">Cluster</th>');
    expect(markup).toContain('<td class="left">staging</td>');
  });

  test("the text of a block that the page has no picture for", () => {
    expect(shown([{ type: "carousel", title: plain("Cards") }])).toContain("Cards");
  });

  test.each([...Object.entries(states), ...Object.entries(longestStates).slice(0, 1)])(
    "everything of the message of a request that is %s",
    (_, request) => {
      const markup = shown([...approvalMessage(request).blocks]);

      expect(markup).not.toContain("unknown");
      expect(markup).not.toContain("undefined");
    },
  );
});

describe("what can be clicked", () => {
  test("a button tells which message, block and action it is", () => {
    const markup = shown([{ ...actions(button()), block_id: "decide" }]);

    expect(markup).toContain(
      '<input type="hidden" name="as" value="U0ENGINEER"><input type="hidden" name="ts" value="1">',
    );
    expect(markup).toContain(
      '<input type="hidden" name="block" value="decide"><input type="hidden" name="action" value="go">',
    );
  });

  test("a button with a confirmation opens a dialog, and that one has the form", () => {
    const markup = shown([{ ...actions(button({ confirm: confirm() })), block_id: "b" }]);

    expect(markup).toMatch(/<button type="button" class="button plain" data-opens="m-1-confirm-b-go-"/);
    expect(markup.indexOf("<form")).toBeGreaterThan(markup.indexOf('<dialog id="m-1-confirm-b-go-"'));
    expect(markup).toContain(">Yes</button>");
  });

  test("each option of an overflow menu is a button of its own", () => {
    const markup = shown([section({ accessory: { type: "overflow", action_id: "more", options: options(2) } })]);

    expect(markup.match(/name="option" value="o[01]"/g)).toHaveLength(2);
  });

  test("a button with an address leads there, and tells the app", () => {
    const markup = shown([actions(button({ url: "https://a.example/" }))]);

    expect(markup).toContain('href="https://a.example/" target="_blank" rel="noreferrer" data-click="');
  });
});

describe("what can be filled in", () => {
  test.each([
    ["plain_text_input", {}, '<input type="text"'],
    ["plain_text_input", { multiline: true }, "<textarea"],
    ["email_text_input", {}, '<input type="email"'],
    ["url_text_input", {}, '<input type="url"'],
    ["number_input", { is_decimal_allowed: false }, 'inputmode="decimal"'],
    ["rich_text_input", {}, "<textarea"],
    ["datepicker", { initial_date: "2030-01-02" }, '<input type="date" value="2030-01-02"'],
    ["timepicker", { initial_time: "10:30" }, '<input type="time" value="10:30"'],
    ["datetimepicker", { initial_date_time: 1_900_000_000 }, '<input type="datetime-local" value="2030-'],
    ["static_select", { options: options(2), initial_option: options(2)[1] }, '<option value="1" selected>o1</option>'],
    ["users_select", {}, '<option value="U0APPROVER">@approver</option>'],
    ["channels_select", {}, '<option value="C0ACCESS">#cluster-access</option>'],
    ["conversations_select", {}, '<option value="C0ACCESS">#cluster-access</option>'],
    ["external_select", {}, "data-suggest="],
    ["radio_buttons", { options: options(2) }, 'type="radio"'],
    ["checkboxes", { options: options(2), initial_options: [options(2)[0]] }, 'type="checkbox" name="in/b/a" checked'],
    ["multi_static_select", { options: options(2) }, 'type="checkbox"'],
    ["multi_users_select", {}, 'type="checkbox"'],
  ])("%s", (type, more, markup) => {
    expect(shown([input({ type, action_id: "a", ...more }, { block_id: "b" })])).toContain(markup);
  });

  test("an input has its label, its hint and what is wrong with it", () => {
    const given = input(typed(), { block_id: "why", hint: plain("In one sentence"), optional: true });

    const markup = shown([given], { errors: { why: "Please say more." }, form: "f" });

    expect(markup).toContain('<label for="m-1-in-why-a">Label <span class="optional">(optional)</span></label>');
    expect(markup).toContain('aria-describedby="m-1-in-why-a-hint m-1-in-why-a-error" aria-invalid="true"');
    expect(markup).toContain('<p class="error" id="m-1-in-why-a-error">Please say more.</p>');
    expect(markup).toContain(' form="f"');
  });

  test("several boxes are a group with a name", () => {
    const ticks = { type: "checkboxes", action_id: "a", options: options(2) };

    expect(shown([input(ticks)])).toMatch(/<fieldset class="field" ><legend>Label<\/legend>/);
  });

  test("a menu in a section tells the app at once, one in an input block only where it asks for it", () => {
    expect(shown([section({ accessory: menu() })])).toContain("data-choose=");
    expect(shown([input(menu())])).not.toContain("data-choose=");
    expect(shown([input(menu(), { dispatch_action: true })])).toContain("data-choose=");
  });

  test("the headings of options are shown", () => {
    const groups = [{ label: plain("Europe"), options: options(1) }];

    const markup = shown([input({ type: "static_select", action_id: "a", option_groups: groups })]);

    expect(markup).toContain('<optgroup label="Europe"><option value="0">o0</option></optgroup>');
  });
});
