import { describe, expect, test } from "vitest";
import { blocks } from "../../../sandbox/page/conversation.ts";
import { inputsOf } from "../../../sandbox/slack/inputs.ts";
import { storedBlocks } from "../../../sandbox/slack/message-content.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { actions, button, confirm, input, menu, mrkdwn, options, plain, section, typed } from "../slack/some-blocks.ts";
import { aSurface } from "./a-reader.ts";

/** Blocks as they are shown, with what is in their inputs at first. */
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
  ])("%s", (_, block, markup) => {
    expect(shown([block])).toContain(markup);
  });

  test("rich text: styles, links and code", () => {
    const text = (words: string, style: object = {}) => ({ type: "text", text: words, style });
    const link = { type: "link", url: "https://a.example/", text: "there" };
    const part = { type: "rich_text_section", elements: [text("b", { bold: true }), link] };
    const code = { type: "rich_text_preformatted", elements: [text("x < y")] };

    const markup = shown([{ type: "rich_text", elements: [part, code] }]);

    expect(markup).toContain('<strong>b</strong><a href="https://a.example/"');
    expect(markup).toContain("x &#60; y</code></pre>");
  });

  test("the text of a block that the page has no picture for", () => {
    expect(shown([{ type: "carousel", text: plain("Cards") }])).toContain("Cards");
  });

  test.each([...Object.entries(states), ...Object.entries(longestStates).slice(0, 1)])(
    "everything of the message of a request that is %s",
    (_, request) => {
      const markup = shown([...approvalMessage(request, aCluster()).blocks]);

      expect(markup).not.toContain("unknown");
      expect(markup).not.toContain("undefined");
    },
  );
});

describe("what can be clicked", () => {
  test("a button names its message, block and action", () => {
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

    expect(markup).toMatch(/<button type="button" class="button plain" data-opens="m-1-confirm-b-go"/);
    expect(markup.indexOf("<form")).toBeGreaterThan(markup.indexOf('<dialog id="m-1-confirm-b-go"'));
    expect(markup).toContain('<h2 id="m-1-confirm-b-go-title">');
    expect(markup).toContain(">Yes</button>");
  });
});

describe("what can be filled in", () => {
  test.each([
    ["plain_text_input", {}, '<input type="text"'],
    ["plain_text_input", { multiline: true }, "<textarea"],
    ["static_select", { options: options(2), initial_option: options(2)[1] }, '<option value="1" selected>o1</option>'],
    ["external_select", {}, "data-suggest="],
    ["radio_buttons", { options: options(2) }, 'type="radio"'],
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

  test("several radio buttons are a group with a name", () => {
    const ticks = { type: "radio_buttons", action_id: "a", options: options(2) };

    expect(shown([input(ticks)])).toMatch(/<fieldset class="field" ><legend>Label<\/legend>/);
  });

  test("a menu in a section reaches the app at once, one in an input block only if it asks for it", () => {
    expect(shown([section({ accessory: menu() })])).toContain("data-choose=");
    expect(shown([input(menu())])).not.toContain("data-choose=");
    expect(shown([input(menu(), { dispatch_action: true })])).toContain("data-choose=");
  });
});
