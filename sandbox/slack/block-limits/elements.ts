import { anySchema, anything, byType, type Check, flag, list, object, oneOf, rule, string, whole } from "./check.ts";

/** @see https://docs.slack.dev/reference/block-kit/composition-objects */

export const type = (name: string) => oneOf(name);

export const blockId = string({ min: 1, max: 255 });

const actionId = string({ min: 1, max: 255 });

export const url = string({ min: 1, max: 3000 });

export const plainText = (max: number) =>
  object({ type: type("plain_text"), text: string({ min: 1, max }) }, { emoji: flag });

export const mrkdwn = (max: number) =>
  object({ type: type("mrkdwn"), text: string({ min: 1, max }) }, { verbatim: flag });

/** Either kind of text. */
export const anyText = (max: number): Check => anySchema(byType({ plain_text: plainText(max), mrkdwn: mrkdwn(max) }));

const colour = oneOf("primary", "danger");

const confirm = object(
  { title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
  { style: colour },
);

const optionWith = (text: Check) =>
  object({ text, value: string({ min: 1, max: 150 }) }, { description: anyText(75), url });

/** An option of a menu: its text is plain. */
const option = optionWith(plainText(75));

/** An option of checkboxes and radio buttons: its text may be mrkdwn. */
const richOption = optionWith(anyText(75));

const optionGroup = object({ label: plainText(75), options: list(option, { min: 1, max: 100 }) });

/** The two ways to give a static menu its options. */
const menuOptions = {
  options: list(option, { min: 1, max: 100 }),
  option_groups: list(optionGroup, { min: 1, max: 100 }),
};

const hasOptions = rule(
  (menu) => (menu.options === undefined) === (menu.option_groups === undefined),
  "must define either `options` or `option_groups`",
);

const dispatchActionConfig = object({
  trigger_actions_on: list(oneOf("on_enter_pressed", "on_character_entered"), { min: 1, max: 2 }),
});

const conversationFilter = object(
  {},
  {
    include: list(oneOf("im", "mpim", "private", "public"), { min: 1 }),
    exclude_external_shared_channels: flag,
    exclude_bot_users: flag,
  },
);

const slackFile = object({}, { url: string({ min: 1 }), id: string({ min: 1 }) });

/** An image is given by its address or by a file of Slack's. */
export const imageSource = { image_url: url, slack_file: slackFile };

export const hasImageSource = rule(
  (image) => (image.image_url === undefined) === (image.slack_file === undefined),
  "must define either `image_url` or `slack_file`",
);

/** @see https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */

const some = string({ min: 1 });

const style = object({}, { bold: flag, italic: flag, strike: flag, code: flag, underline: flag });

const inline = (name: string, required: Parameters<typeof object>[0], optional: Parameters<typeof object>[1] = {}) =>
  object({ type: type(name), ...required }, { style, ...optional });

const text = inline("text", { text: some });

const link = inline("link", { url: some }, { text: string(), unsafe: flag });

const inlineElement = byType({
  text,
  link,
  broadcast: inline("broadcast", { range: oneOf("here", "channel", "everyone") }),
  color: inline("color", { value: some }),
  channel: inline("channel", { channel_id: some }),
  date: inline("date", { timestamp: whole(), format: some }, { url: some, fallback: some }),
  emoji: inline("emoji", { name: some }, { unicode: some, url: some }),
  team: inline("team", { team_id: some }),
  user: inline("user", { user_id: some }),
  usergroup: inline("usergroup", { usergroup_id: some }),
});

const border = { border: oneOf(0, 1) };

const section = object({ type: type("rich_text_section"), elements: list(inlineElement) });

const richTextElement = byType({
  rich_text_section: section,
  rich_text_list: object(
    { type: type("rich_text_list"), elements: list(section, { min: 1 }), style: oneOf("bullet", "ordered") },
    { ...border, indent: whole({ min: 0, max: 8 }), offset: whole({ min: 0 }) },
  ),
  rich_text_quote: object({ type: type("rich_text_quote"), elements: list(inlineElement) }, border),
  rich_text_preformatted: object(
    { type: type("rich_text_preformatted"), elements: list(byType({ text, link })) },
    { ...border, language: anything },
  ),
});

export const richText = object(
  { type: type("rich_text"), elements: list(richTextElement, { min: 1 }) },
  { block_id: blockId },
);

/** @see https://docs.slack.dev/reference/block-kit/block-elements */

const acting = { action_id: actionId };
const asking = { ...acting, confirm };
const focusing = { ...asking, focus_on_load: flag };
const choosing = { ...focusing, placeholder: plainText(150) };
const many = { ...choosing, max_selected_items: whole({ min: 1 }) };
const typing = {
  ...acting,
  focus_on_load: flag,
  placeholder: plainText(150),
  dispatch_action_config: dispatchActionConfig,
};

const id = string({ min: 1 });
const date = string({ like: /^\d{4}-\d{2}-\d{2}$/ });
const time = string({ like: /^([01]\d|2[0-3]):[0-5]\d$/ });
const number = string({ min: 1, like: /^-?\d+(\.\d+)?$/ });
const label = { accessibility_label: string({ max: 75 }) };

const menu = (name: string, fields: Readonly<Record<string, Check>>, together?: Check) =>
  object({ type: type(name) }, { ...choosing, ...fields }, together);
const multiMenu = (name: string, fields: Readonly<Record<string, Check>>, together?: Check) =>
  object({ type: type(name) }, { ...many, ...fields }, together);

export const image = object(
  { type: type("image"), alt_text: string({ min: 1, max: 2000 }) },
  { ...imageSource },
  hasImageSource,
);

export const buttons = {
  button: object(
    { type: type("button"), text: plainText(75) },
    { ...asking, ...label, value: string({ max: 2000 }), url, style: colour },
  ),
  workflow_button: object(
    { type: type("workflow_button"), text: plainText(75), workflow: anything },
    { ...asking, ...label, style: colour },
  ),
  overflow: object({ type: type("overflow"), options: list(option, { min: 1, max: 5 }) }, asking),
};

export const selects = {
  static_select: menu("static_select", { ...menuOptions, initial_option: option }, hasOptions),
  external_select: menu("external_select", { initial_option: option, min_query_length: whole({ min: 0 }) }),
  users_select: menu("users_select", { initial_user: id }),
  conversations_select: menu("conversations_select", {
    initial_conversation: id,
    default_to_current_conversation: flag,
    response_url_enabled: flag,
    filter: conversationFilter,
  }),
  channels_select: menu("channels_select", { initial_channel: id, response_url_enabled: flag }),
  multi_static_select: multiMenu(
    "multi_static_select",
    { ...menuOptions, initial_options: list(option, { min: 1 }) },
    hasOptions,
  ),
  multi_external_select: multiMenu("multi_external_select", {
    initial_options: list(option, { min: 1 }),
    min_query_length: whole({ min: 0 }),
  }),
  multi_users_select: multiMenu("multi_users_select", { initial_users: list(id) }),
  multi_conversations_select: multiMenu("multi_conversations_select", {
    initial_conversations: list(id),
    default_to_current_conversation: flag,
    filter: conversationFilter,
  }),
  multi_channels_select: multiMenu("multi_channels_select", { initial_channels: list(id) }),
};

export const pickers = {
  checkboxes: object(
    { type: type("checkboxes"), options: list(richOption, { min: 1, max: 10 }) },
    { ...focusing, initial_options: list(richOption, { min: 1 }) },
  ),
  radio_buttons: object(
    { type: type("radio_buttons"), options: list(richOption, { min: 1, max: 10 }) },
    { ...focusing, initial_option: richOption },
  ),
  datepicker: object({ type: type("datepicker") }, { ...choosing, initial_date: date }),
  timepicker: object({ type: type("timepicker") }, { ...choosing, initial_time: time, timezone: id }),
  datetimepicker: object(
    { type: type("datetimepicker") },
    { ...focusing, initial_date_time: whole({ min: 1_000_000_000, max: 9_999_999_999 }) },
  ),
};

const lengthsInOrder = rule(
  (input) =>
    typeof input.min_length === "number" && typeof input.max_length === "number" && input.min_length > input.max_length,
  "`min_length` must not be greater than `max_length`",
);

export const textInputs = {
  plain_text_input: object(
    { type: type("plain_text_input") },
    {
      ...typing,
      initial_value: string({ max: 3000 }),
      multiline: flag,
      min_length: whole({ min: 0, max: 3000 }),
      max_length: whole({ min: 1, max: 3000 }),
    },
    lengthsInOrder,
  ),
  email_text_input: object({ type: type("email_text_input") }, { ...typing, initial_value: id }),
  url_text_input: object({ type: type("url_text_input") }, { ...typing, initial_value: id }),
  number_input: object(
    { type: type("number_input"), is_decimal_allowed: flag },
    { ...typing, initial_value: number, min_value: number, max_value: number },
  ),
  rich_text_input: object(
    { type: type("rich_text_input") },
    {
      ...typing,
      initial_value: anything,
      min_lines: whole({ min: 1, max: 100 }),
      max_lines: whole({ min: 1, max: 100 }),
    },
  ),
  file_input: object(
    { type: type("file_input") },
    { ...acting, filetypes: list(id), max_files: whole({ min: 1, max: 10 }) },
  ),
};

const feedback = object({ text: plainText(75), value: string({ max: 2000 }) }, label);

export const contextActions = {
  feedback_buttons: object(
    { type: type("feedback_buttons"), positive_button: feedback, negative_button: feedback },
    acting,
  ),
  icon_button: object(
    { type: type("icon_button"), icon: oneOf("trash"), text: plainText(75) },
    { ...asking, ...label, value: string({ max: 2000 }), visible_to_user_ids: list(id) },
  ),
};
