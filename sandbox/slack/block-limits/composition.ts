import { anySchema, byType, type Check, flag, list, object, oneOf, rule, string } from "./check.ts";

/** @see https://docs.slack.dev/reference/block-kit/composition-objects */

export const type = (name: string) => oneOf(name);

export const blockId = string({ min: 1, max: 255 });

export const actionId = string({ min: 1, max: 255 });

export const url = string({ min: 1, max: 3000 });

export const plainText = (max: number) =>
  object({ type: type("plain_text"), text: string({ min: 1, max }) }, { emoji: flag });

export const mrkdwn = (max: number) =>
  object({ type: type("mrkdwn"), text: string({ min: 1, max }) }, { verbatim: flag });

/** Either kind of text. */
export const anyText = (max: number): Check => anySchema(byType({ plain_text: plainText(max), mrkdwn: mrkdwn(max) }));

export const colour = oneOf("primary", "danger");

export const confirm = object(
  { title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
  { style: colour },
);

const optionWith = (text: Check) =>
  object({ text, value: string({ min: 1, max: 150 }) }, { description: anyText(75), url });

/** An option of a menu: its text is plain. */
export const option = optionWith(plainText(75));

/** An option of checkboxes and radio buttons: its text may be mrkdwn. */
export const richOption = optionWith(anyText(75));

const optionGroup = object({ label: plainText(75), options: list(option, { min: 1, max: 100 }) });

/** The two ways to give a static menu its options. */
export const menuOptions = {
  options: list(option, { min: 1, max: 100 }),
  option_groups: list(optionGroup, { min: 1, max: 100 }),
};

export const hasOptions = rule(
  (menu) => (menu.options === undefined) === (menu.option_groups === undefined),
  "must define either `options` or `option_groups`",
);

export const dispatchActionConfig = object({
  trigger_actions_on: list(oneOf("on_enter_pressed", "on_character_entered"), { min: 1, max: 2 }),
});

export const conversationFilter = object(
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
