import { block, everywhere } from "./blocks.ts";
import { byType, type Check, flag, list, number, object, oneOf, rule, string, whole } from "./check.ts";
import { anyText, buttons, contextActions, image, mrkdwn, plainText, richText, type, url } from "./elements.ts";

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

const { actions, context, divider, header, image: imageBlock, input, rich_text, section, video } = everywhere;

const container = block(
  "container",
  {
    child_blocks: list(
      byType({ actions, context, divider, header, image: imageBlock, input, rich_text, section, table, video }),
      { max: 10 },
    ),
  },
  {
    title: plainText(150),
    rich_text_title: richText,
    subtitle: anyText(150),
    width: oneOf("narrow", "standard", "wide", "full"),
    icon: image,
    is_collapsible: flag,
    default_collapsed: flag,
    has_header_divider: flag,
  },
  rule(
    (value) => value.title === undefined && value.rich_text_title === undefined,
    "must define either `title` or `rich_text_title`",
  ),
);

const source = object({ type: type("url"), url, text: string({ min: 1 }) });

const taskCard = block(
  "task_card",
  {
    task_id: string({ min: 1 }),
    title: string({ min: 1 }),
    status: oneOf("pending", "in_progress", "complete", "error"),
  },
  { details: richText, output: richText, sources: list(source) },
);

/** The blocks that only a message shows, beside those that every surface does. */
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
  container,
  markdown: block("markdown", { text: string({ min: 1, max: 12_000 }) }),
  plan: block("plan", { title: string({ min: 1 }) }, { tasks: list(byType({ task_card: taskCard })) }),
  table,
  task_card: taskCard,
};

/** The blocks of a message: at most 50. */
export const messageBlocks: Check = list(byType(inMessages), { max: 50 });
