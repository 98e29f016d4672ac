import { z } from "zod";
import { isObject, type JsonObject, listAt, textAt } from "../json.ts";

/** Those that the product sends; Slack refuses unknown ones too. @see https://docs.slack.dev/reference/block-kit */

const type = <const Name extends string>(name: Name) => ({ type: z.literal(name) });

const flag = z.boolean().optional();

const id = z.string().min(1).max(255);

const plainText = (max: number) =>
  z.strictObject({ ...type("plain_text"), text: z.string().min(1).max(max), emoji: flag });

const mrkdwn = (max: number) => z.strictObject({ ...type("mrkdwn"), text: z.string().min(1).max(max), verbatim: flag });

const texts = (max: number) => z.discriminatedUnion("type", [plainText(max), mrkdwn(max)]);

const manySchemas = "failed to match all allowed schemas";

/** If Slack has several schemas for a place, it says so before the problem. */
const anySchema = (schema: z.ZodType) =>
  z.unknown().superRefine((value, context) => {
    const { error } = schema.safeParse(value, { error: inWords });
    if (error) context.addIssue({ code: "custom", message: manySchemas });
    for (const { path, message } of error?.issues ?? []) context.addIssue({ code: "custom", path, message });
  });

const anyText = (max: number) => anySchema(texts(max));

const colour = z.enum(["primary", "danger"]).optional();

const confirm = z
  .strictObject({
    ...{ title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
    style: colour,
  })
  .optional();

/** The text of a menu's option is plain; that of a radio button can be mrkdwn. */
const optionWith = (text: z.ZodType) =>
  z.strictObject({ text, value: z.string().min(1).max(150), description: anyText(75).optional() });

const option = optionWith(plainText(75));

const richOption = optionWith(anyText(75));

const asking = { action_id: id.optional(), confirm, placeholder: plainText(150).optional() };

const choosing = { ...asking, initial_option: option.optional() };

const button = z.strictObject({
  ...type("button"),
  ...{ text: plainText(75), action_id: id.optional(), confirm, style: colour },
  ...{ value: z.string().max(2000).optional(), accessibility_label: z.string().min(1).max(75).optional() },
});

const least = z.int().min(0).optional();

const choices = [
  z
    .strictObject({ ...type("static_select"), ...choosing, options: z.array(option).min(1).max(100).optional() })
    .refine((menu) => menu.options !== undefined, "must define either `options` or `option_groups`"),
  z.strictObject({ ...type("external_select"), ...choosing, min_query_length: least }),
  z.strictObject({ ...type("users_select"), ...asking, initial_user: z.string().min(1).optional() }),
  z.strictObject({
    ...type("multi_external_select"),
    ...asking,
    min_query_length: least,
    initial_options: z.array(option).min(1).max(100).optional(),
    max_selected_items: z.int().min(1).optional(),
  }),
  z.strictObject({
    ...type("radio_buttons"),
    options: z.array(richOption).min(1).max(10),
    ...{ action_id: id.optional(), confirm, initial_option: richOption.optional() },
  }),
] as const;

const plainTextInput = z.strictObject({
  ...type("plain_text_input"),
  ...{ action_id: id.optional(), placeholder: plainText(150).optional(), multiline: flag, focus_on_load: flag },
  dispatch_action_config: z
    .strictObject({
      trigger_actions_on: z
        .array(z.enum(["on_enter_pressed", "on_character_entered"]))
        .min(1)
        .max(2),
    })
    .optional(),
  initial_value: z.string().max(3000).optional(),
  max_length: z.int().min(1).max(3000).optional(),
});

const style = z.strictObject({ bold: flag, italic: flag, strike: flag, code: flag }).optional();

const some = z.string().min(1);

const richTextParts = z.discriminatedUnion("type", [
  z.strictObject({ ...type("text"), text: some, style }),
  z.strictObject({ ...type("link"), url: some, style, text: z.string().optional() }),
]);

const richTextPart = <const Name extends string>(name: Name) =>
  z.strictObject({ ...type(name), elements: z.array(richTextParts) });

const block = <const Name extends string, Fields extends z.ZodRawShape>(name: Name, fields: Fields) =>
  z.strictObject({ ...type(name), block_id: id.optional(), ...fields });

const acting = z.discriminatedUnion("type", [button, ...choices]);

const input = z.discriminatedUnion("type", [...choices, plainTextInput]);

const parts = z.discriminatedUnion("type", [richTextPart("rich_text_section"), richTextPart("rich_text_preformatted")]);

const blocks = z.discriminatedUnion("type", [
  block("actions", { elements: z.array(acting).min(1).max(25) }),
  block("context", { elements: z.array(texts(3000)).min(1).max(10) }),
  block("divider", {}),
  block("header", { text: plainText(150) }),
  block("input", {
    ...{ label: plainText(2000), element: anySchema(input), hint: plainText(2000).optional() },
    ...{ optional: flag, dispatch_action: flag },
  }),
  block("rich_text", { elements: z.array(parts).min(1) }),
  block("section", {
    text: anyText(3000).optional(),
    fields: z.array(anyText(2000)).min(1).max(10).optional(),
    accessory: anySchema(acting).optional(),
  }).refine(({ text, fields }) => text !== undefined || fields !== undefined, "must define either `text` or `fields`"),
]);

const messageBlocks = z.array(blocks).max(50);

/** The blocks of a modal or a Home tab: at most 100. */
const viewBlocks = z.array(blocks).max(100);

/** Slack's words with a JSON pointer: `… [json-pointer:/blocks/0/text/text]`. Empty: Slack takes the blocks. */
export function problemsOf(blocks: unknown): readonly string[] {
  return [...problemsIn(messageBlocks, blocks, "/blocks"), ...idsGivenTwice(blocks, "/blocks")];
}

export function problemsOfView(view: unknown): readonly string[] {
  const home = isObject(view) && view.type === "home";
  return [
    ...problemsIn(home ? homeView : modal, view, "/view"),
    ...idsGivenTwice(isObject(view) ? view.blocks : [], "/view/blocks"),
    ...(home ? [] : submitMissing(view)),
  ];
}

const common = {
  blocks: viewBlocks,
  private_metadata: z.string().max(3000).optional(),
  callback_id: z.string().max(255).optional(),
};

const homeView = z.strictObject({ ...type("home"), ...common });

const modal = z.strictObject({
  ...type("modal"),
  ...{ title: plainText(24), close: plainText(24).optional(), submit: plainText(24).optional(), ...common },
});

const missing = "missing required field: ";

function problemsIn(schema: z.ZodType, value: unknown, at: string): readonly string[] {
  const { error } = schema.safeParse(value, { error: inWords });
  return (error?.issues ?? []).map(({ path, message }) =>
    problem(message, [at, ...(message.startsWith(missing) ? path.slice(0, -1) : path)].map(String).join("/")),
  );
}

const ofKind: Readonly<Record<string, string>> = { int: "an integer", array: "an array", object: "an object" };

const unitOf: Readonly<Record<string, string>> = { string: " characters", number: "", int: "" };

/** Slack's words for a problem that zod found. */
function inWords(issue: z.core.$ZodRawIssue): string {
  const name = String(issue.path?.at(-1));
  switch (issue.code) {
    case "invalid_union": {
      const given = isObject(issue.input) ? issue.input.type : undefined;
      return given === undefined ? `${missing}${name}` : `unsupported type: ${given}`;
    }
    case "unrecognized_keys":
      return `invalid additional property: ${issue.keys.join(", ")}`;
    case "too_big":
      if (issue.origin === "array") return `no more than ${issue.maximum} items allowed`;
      return `must be less than ${Number(issue.maximum) + 1}${unitOf[issue.origin]}`;
    case "too_small":
      if (issue.origin === "array") return `no less than ${issue.minimum} items allowed`;
      return `must be ${issue.origin === "string" ? "more" : "greater"} than ${Number(issue.minimum) - 1}${unitOf[issue.origin]}`;
    case "invalid_type":
      if (issue.input === undefined) return `${missing}${name}`;
      return `must provide ${ofKind[issue.expected] ?? `a ${issue.expected}`}`;
    default:
      return issue.input === undefined ? `${missing}${name}` : "must be a valid enum value";
  }
}

function problem(what: string, at: string): string {
  return `${what} [json-pointer:${at}]`;
}

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
