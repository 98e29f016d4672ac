import { anySchema, byType, type Check, flag, list, number, object, oneOf, rule, string, whole } from "./check.ts";
import { anyText, blockId, hasImageSource, imageSource, mrkdwn, plainText, type, url } from "./composition.ts";
import { buttons, contextActions, image, pickers, selects, textInputs } from "./elements.ts";
import { richText } from "./rich-text.ts";

/** @see https://docs.slack.dev/reference/block-kit/blocks */

const block = (
  name: string,
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
  together?: Check,
) => object({ type: type(name), ...required }, { block_id: blockId, ...optional }, together);

const actionElement = byType({ ...buttons, ...selects, ...pickers, rich_text_input: textInputs.rich_text_input });
const accessory = byType({ ...buttons, ...selects, ...pickers, image });
const inputElement = byType({ ...selects, ...pickers, ...textInputs });
const contextElement = byType({ image, plain_text: plainText(3000), mrkdwn: mrkdwn(3000) });

const section = block(
  "section",
  {},
  {
    text: anyText(3000),
    fields: list(anyText(2000), { min: 1, max: 10 }),
    accessory: anySchema(accessory),
    expand: flag,
  },
  rule((value) => value.text === undefined && value.fields === undefined, "must define either `text` or `fields`"),
);

const rawText = object({ type: type("raw_text"), text: string({ min: 1 }) });
const rawNumber = object({ type: type("raw_number"), value: number, text: string({ min: 1 }) });
const cell = byType({ raw_text: rawText, raw_number: rawNumber, rich_text: richText });

const table = block(
  "table",
  {
    rows: list(list(cell, { min: 1, max: 20 }), {
      min: 1,
      max: 100,
    }),
  },
  {
    column_settings: list(object({}, { align: oneOf("left", "center", "right"), is_wrapped: flag }), { max: 20 }),
  },
);

const everywhere = {
  actions: block("actions", { elements: list(actionElement, { min: 1, max: 25 }) }),
  context: block("context", { elements: list(contextElement, { min: 1, max: 10 }) }),
  divider: block("divider", {}),
  header: block("header", { text: plainText(150) }),
  image: block(
    "image",
    { alt_text: string({ min: 1, max: 2000 }) },
    { ...imageSource, title: plainText(2000) },
    hasImageSource,
  ),
  input: block(
    "input",
    { label: plainText(2000), element: anySchema(inputElement) },
    { hint: plainText(2000), optional: flag, dispatch_action: flag },
  ),
  rich_text: richText,
  section,
  video: block(
    "video",
    { alt_text: string({ min: 1 }), title: plainText(199), thumbnail_url: url, video_url: url },
    {
      author_name: string({ max: 49 }),
      description: plainText(200),
      provider_icon_url: url,
      provider_name: string(),
      title_url: url,
    },
  ),
};

const card = block(
  "card",
  {},
  {
    hero_image: image,
    icon: image,
    title: mrkdwn(150),
    subtitle: mrkdwn(150),
    body: mrkdwn(200),
    actions: list(buttons.button),
  },
  rule(
    (value) => [value.hero_image, value.title, value.actions, value.body].every((part) => part === undefined),
    "must define at least one of `hero_image`, `title`, `actions` or `body`",
  ),
);

const inMessages = {
  ...everywhere,
  alert: block("alert", { text: anyText(3000) }, { level: oneOf("default", "info", "warning", "error", "success") }),
  card,
  carousel: block("carousel", { elements: list(byType({ card }), { min: 1, max: 10 }) }),
  context_actions: block("context_actions", { elements: list(byType(contextActions), { min: 1, max: 5 }) }),
  data_table: block(
    "data_table",
    {
      rows: list(list(cell)),
      caption: string({ min: 1 }),
    },
    { page_size: whole({ min: 1, max: 100 }), row_header_column_index: whole({ min: 0 }) },
  ),
  markdown: block("markdown", { text: string({ min: 1, max: 12_000 }) }),
  table,
};

/** The blocks of a message: at most 50. */
export const messageBlocks: Check = list(byType(inMessages), { max: 50 });

/** The blocks of a modal or a Home tab: at most 100. */
export const viewBlocks: Check = list(byType(everywhere), { max: 100 });
