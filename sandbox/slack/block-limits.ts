import { isObject, type JsonObject, listAt, textAt } from "../json.ts";
import {
  anySchema,
  byType,
  type Check,
  flag,
  list,
  object,
  oneOf,
  problem,
  rule,
  string,
  whole,
} from "./block-check.ts";

/** Those that the product sends; Slack refuses unknown ones too. @see https://docs.slack.dev/reference/block-kit */

const type = (name: string) => oneOf(name);

const id = string({ min: 1, max: 255 });

const plainText = (max: number) => object({ type: type("plain_text"), text: string({ min: 1, max }) }, { emoji: flag });

const mrkdwn = (max: number) => object({ type: type("mrkdwn"), text: string({ min: 1, max }) }, { verbatim: flag });

const texts = (max: number) => byType({ plain_text: plainText(max), mrkdwn: mrkdwn(max) });

const anyText = (max: number): Check => anySchema(texts(max));

const colour = oneOf("primary", "danger");

const confirm = object(
  { title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
  { style: colour },
);

/** The text of a menu's option is plain; that of a radio button can be mrkdwn. */
const optionWith = (text: Check) => object({ text, value: string({ min: 1, max: 150 }) }, { description: anyText(75) });

const option = optionWith(plainText(75));

const richOption = optionWith(anyText(75));

const choosing = { action_id: id, confirm, placeholder: plainText(150), initial_option: option };

const button = object(
  { type: type("button"), text: plainText(75) },
  { action_id: id, confirm, style: colour, value: string({ max: 2000 }) },
);

const choices = {
  static_select: object(
    { type: type("static_select") },
    { ...choosing, options: list(option, { min: 1, max: 100 }) },
    rule((menu) => menu.options === undefined, "must define either `options` or `option_groups`"),
  ),
  external_select: object({ type: type("external_select") }, { ...choosing, min_query_length: whole({ min: 0 }) }),
  users_select: object(
    { type: type("users_select") },
    { action_id: id, confirm, placeholder: plainText(150), initial_user: string({ min: 1 }) },
  ),
  multi_external_select: object(
    { type: type("multi_external_select") },
    {
      ...{ action_id: id, confirm, placeholder: plainText(150), min_query_length: whole({ min: 0 }) },
      initial_options: list(option, { min: 1, max: 100 }),
      max_selected_items: whole({ min: 1 }),
    },
  ),
  radio_buttons: object(
    { type: type("radio_buttons"), options: list(richOption, { min: 1, max: 10 }) },
    { action_id: id, confirm, initial_option: richOption },
  ),
};

const plainTextInput = object(
  { type: type("plain_text_input") },
  {
    ...{ action_id: id, placeholder: plainText(150), multiline: flag, focus_on_load: flag },
    dispatch_action_config: object({
      trigger_actions_on: list(oneOf("on_enter_pressed", "on_character_entered"), { min: 1, max: 2 }),
    }),
    initial_value: string({ max: 3000 }),
    max_length: whole({ min: 1, max: 3000 }),
  },
);

const some = string({ min: 1 });

const style = { style: object({}, { bold: flag, italic: flag, strike: flag, code: flag }) };

const richTextParts = byType({
  text: object({ type: type("text"), text: some }, style),
  link: object({ type: type("link"), url: some }, { ...style, text: string() }),
});

const richTextPart = (name: string) => object({ type: type(name), elements: list(richTextParts) });

const block = (
  name: string,
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
  together?: Check,
) => object({ type: type(name), ...required }, { block_id: id, ...optional }, together);

const acting = byType({ button, ...choices });

const blocks = byType({
  actions: block("actions", { elements: list(acting, { min: 1, max: 25 }) }),
  context: block("context", { elements: list(texts(3000), { min: 1, max: 10 }) }),
  divider: block("divider", {}),
  header: block("header", { text: plainText(150) }),
  input: block(
    "input",
    { label: plainText(2000), element: anySchema(byType({ ...choices, plain_text_input: plainTextInput })) },
    { hint: plainText(2000), optional: flag, dispatch_action: flag },
  ),
  rich_text: block("rich_text", {
    elements: list(
      byType({
        rich_text_section: richTextPart("rich_text_section"),
        rich_text_preformatted: richTextPart("rich_text_preformatted"),
      }),
      { min: 1 },
    ),
  }),
  section: block(
    "section",
    {},
    {
      text: anyText(3000),
      fields: list(anyText(2000), { min: 1, max: 10 }),
      accessory: anySchema(acting),
    },
    rule((value) => value.text === undefined && value.fields === undefined, "must define either `text` or `fields`"),
  ),
});

const messageBlocks: Check = list(blocks, { max: 50 });

/** The blocks of a modal or a Home tab: at most 100. */
const viewBlocks: Check = list(blocks, { max: 100 });

/** Slack's words with a JSON pointer: `… [json-pointer:/blocks/0/text/text]`. Empty: Slack takes the blocks. */
export function problemsOf(
  blocks: unknown,
  surface: "message" | "view" = "message",
  at = "/blocks",
): readonly string[] {
  const check = surface === "message" ? messageBlocks : viewBlocks;
  return [...check(blocks, at), ...idsGivenTwice(blocks, at)];
}

export function problemsOfView(view: unknown): readonly string[] {
  const home = isObject(view) && view.type === "home";
  return [...(home ? homeView : modal)(view, "/view"), ...(home ? [] : submitMissing(view))];
}

const common = {
  private_metadata: string({ max: 3000 }),
  callback_id: string({ max: 255 }),
};

const blocksOfView: Check = (blocks, at) => problemsOf(blocks, "view", at);

const homeView = object({ type: type("home"), blocks: blocksOfView }, common);

const modal = object(
  { type: type("modal"), title: plainText(24), blocks: blocksOfView },
  {
    ...common,
    close: plainText(24),
    submit: plainText(24),
  },
);

/** A modal with inputs needs a submit button. */
function submitMissing(view: unknown): readonly string[] {
  const asks = listAt(view, "blocks").some((block) => block.type === "input");
  return asks && isObject(view) && view.submit === undefined
    ? [problem("missing required field: submit", "/view")]
    : [];
}

function idsGivenTwice(blocks: unknown, at: string): readonly string[] {
  const all = listAt({ blocks }, "blocks");
  const ofBlocks = twice(all, "block_id").map((index) =>
    problem("`block_id` already exists", `${at}/${index}/block_id`),
  );
  const ofActions = all.flatMap((block, index) =>
    twice(listAt(block, "elements"), "action_id").map((element) =>
      problem("`action_id` already exists", `${at}/${index}/elements/${element}/action_id`),
    ),
  );
  return [...ofBlocks, ...ofActions];
}

function twice(objects: readonly JsonObject[], key: string): readonly number[] {
  const ids = objects.map((object) => textAt(object, key));
  return ids.flatMap((id, index) => (id !== undefined && ids.indexOf(id) < index ? [index] : []));
}

/** Slack refuses more than about 13,200 as `msg_blocks_too_long`. */
export function lengthOfText(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + lengthOfText(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [key, field]) => sum + (key === "text" && typeof field === "string" ? field.length : lengthOfText(field)),
    0,
  );
}

/** @see https://github.com/slackapi/bolt-js/issues/2509 */
export const longestText = 13_200;
