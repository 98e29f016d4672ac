import { z } from "zod";

const text = z.string();
const named = z.looseObject({ id: text });
/** What a field of a form holds. */
const field = z.looseObject({ value: text.nullish(), selected_option: z.looseObject({ value: text }).nullish() });
const values = z.record(text, z.record(text, field));

/** What Bolt reads of everything that a person does, before any handler does. */
const byPerson = {
  user: named,
  team: named.nullish(),
  enterprise: named.nullish(),
  channel: z.looseObject({}).optional(),
  trigger_id: text.optional(),
  response_url: text.optional(),
  response_urls: z.array(z.looseObject({ response_url: text })).optional(),
  function_data: z.looseObject({}).nullish(),
};

const shapes = {
  event: z.looseObject({
    event: z.union([
      z.looseObject({
        type: z.literal("app_home_opened"),
        user: text,
        tab: text,
        channel: text.optional(),
        view: z.looseObject({}).nullish(),
      }),
      z.looseObject({
        type: text.refine((type) => type !== "app_home_opened"),
        user: z.union([text, z.looseObject({})]).optional(),
        channel: z.union([text, z.looseObject({})]).optional(),
        item: z.looseObject({}).optional(),
        subteam: z.looseObject({}).optional(),
      }),
    ]),
    authorizations: z.array(z.looseObject({})).nullish(),
    response_url: z.undefined().optional(),
    response_urls: z.undefined().optional(),
    function_data: z.undefined().optional(),
  }),
  command: z.looseObject({
    command: text,
    text,
    user_id: text,
    trigger_id: text.optional(),
    channel_id: text.optional(),
    response_url: text.optional(),
    response_urls: z.undefined().optional(),
    function_data: z.undefined().optional(),
  }),
  search: z.looseObject({ ...byPerson, type: z.literal("block_suggestion"), action_id: text, value: text }),
  click: z.looseObject({
    ...byPerson,
    type: z.literal("block_actions"),
    actions: z
      .array(z.looseObject({ type: text, action_id: text, value: text.nullish(), action_ts: text.optional() }))
      .min(1),
    view: named
      .extend({ callback_id: text, private_metadata: text, state: z.looseObject({ values }).optional() })
      .nullish(),
  }),
  form: z.looseObject({
    ...byPerson,
    type: z.literal("view_submission"),
    view: named.extend({ callback_id: text, private_metadata: text, state: z.looseObject({ values }) }),
  }),
  /** Nobody waits for what closing a form does. */
  closed: z.looseObject({ ...byPerson, type: z.literal("view_closed"), view: z.looseObject({}) }),
  challenge: z.looseObject({ type: z.literal("url_verification"), challenge: text }),
  sslCheck: z.looseObject({ ssl_check: z.literal("1") }),
};

/**
 * Whether a body has the shape of something that Slack sends this app. A signature proves who sent a body and not what it holds,
 * and Bolt reads into bodies without looking. What is not of such a shape would fail somewhere inside instead of here.
 */
export function isOfSlacksShape(body: object): boolean {
  return shapes[kindOf(body)].safeParse(body).success;
}

/** Bolt asks in this order, and so the order decides what a body is that could be two things. */
function kindOf(body: object): keyof typeof shapes {
  const has = (name: string) => Object.hasOwn(body, name);
  if (has("ssl_check")) return "sslCheck";
  const type = Object.getOwnPropertyDescriptor(body, "type")?.value;
  if (type === "url_verification") return "challenge";
  if (has("event")) return "event";
  if (has("command")) return "command";
  if (has("name") || type === "block_suggestion") return "search";
  if (has("actions")) return "click";
  return type === "view_closed" ? "closed" : "form";
}
