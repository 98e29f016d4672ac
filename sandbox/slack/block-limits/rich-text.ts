import { anything, byType, flag, list, object, oneOf, string, whole } from "./check.ts";
import { blockId, type } from "./composition.ts";

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
