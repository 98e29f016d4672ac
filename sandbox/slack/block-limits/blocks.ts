import { anySchema, byType, type Check, flag, list, object, rule, string } from "./check.ts";
import {
  anyText,
  blockId,
  buttons,
  hasImageSource,
  image,
  imageSource,
  mrkdwn,
  pickers,
  plainText,
  richText,
  selects,
  textInputs,
  type,
  url,
} from "./elements.ts";

/** @see https://docs.slack.dev/reference/block-kit/blocks */

export const block = (
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

/** The blocks that every surface shows. */
export const everywhere = {
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

/** The blocks of a modal or a Home tab: at most 100. */
export const viewBlocks: Check = list(byType(everywhere), { max: 100 });
