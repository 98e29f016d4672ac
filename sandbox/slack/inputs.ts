import { isObject, type JsonObject, listAt, objectAt, textAt } from "./json.ts";

/** The values of a view's inputs: `state.values` of Slack's payloads, by block_id and action_id. */
export type Inputs = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** What a person may put into an input: a text, an option's value or text, ids, or several of them. */
export type InputValue = string | number | readonly string[] | null;

/** Where each kind of element keeps what was chosen, and what it was given at first. */
const single: Readonly<Record<string, readonly [string, string]>> = {
  plain_text_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  rich_text_input: ["rich_text_value", "initial_value"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  radio_buttons: ["selected_option", "initial_option"],
  overflow: ["selected_option", "initial_option"],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
};

const several: Readonly<Record<string, readonly [string, string]>> = {
  checkboxes: ["selected_options", "initial_options"],
  multi_static_select: ["selected_options", "initial_options"],
  multi_external_select: ["selected_options", "initial_options"],
  multi_users_select: ["selected_users", "initial_users"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  multi_channels_select: ["selected_channels", "initial_channels"],
};

/** An interactive element and its block. */
export interface PlacedElement {
  block: SlackBlock;
  blockId: string;
  actionId: string;
  element: JsonObject;
}

/** An element's place, for elements without a unique name, such as one button in each line of a list. */
export interface ElementPlace {
  readonly blockId: string;
  readonly actionId: string;
}

/** Every interactive element of blocks, in the order in which it is seen. */
export function elementsOf(blocks: readonly SlackBlock[]): readonly PlacedElement[] {
  return blocks.flatMap((block) => {
    const elements = [block.accessory, block.element, ...listAt(block, "elements")].filter(isObject);
    return elements.flatMap((element) => {
      const actionId = textAt(element, "action_id");
      return actionId === undefined ? [] : [{ block, blockId: textAt(block, "block_id") ?? "", actionId, element }];
    });
  });
}

/** The inputs of blocks: what stood there before where the same input is still there, else what it is given at first. */
export function inputsOf(blocks: readonly SlackBlock[], before: Inputs = {}): Inputs {
  const inputs: Record<string, Record<string, JsonObject>> = {};
  for (const { blockId, actionId, element } of elementsOf(blocks)) {
    const first = initialInput(element);
    if (first === undefined) continue;
    inputs[blockId] = { ...inputs[blockId], [actionId]: before[blockId]?.[actionId] ?? first };
  }
  return inputs;
}

function initialInput(element: JsonObject): JsonObject | undefined {
  const type = String(element.type);
  const one = single[type];
  if (one) return { type, [one[0]]: element[one[1]] ?? null };
  const many = several[type];
  return many ? { type, [many[0]]: element[many[1]] ?? [] } : undefined;
}

/** The value of an element after a person entered `value`. Throws where the element does not offer it. */
export function filledInput(element: JsonObject, value: InputValue, loaded: readonly JsonObject[] = []): JsonObject {
  const type = String(element.type);
  const one = single[type];
  const many = several[type];
  const offered = [...optionsOf(element), ...loaded];
  if (one) return { type, [one[0]]: value === null ? null : chosen(one[0], value, offered) };
  if (!many) throw new Error(`nothing can be put into a ${type}`);
  const values = value === null ? [] : Array.isArray(value) ? value : [value];
  return { type, [many[0]]: values.map((each) => chosen(many[0], each, offered)) };
}

function chosen(place: string, value: InputValue, offered: readonly JsonObject[]): unknown {
  if (place === "selected_date_time") return Number(value);
  if (place === "rich_text_value") return richText(String(value));
  if (!place.startsWith("selected_option")) return String(value);
  const option = offered.find((each) => each.value === value || textAt(each.text, "text") === value);
  if (option) return option;
  const known = offered.map((each) => textAt(each.text, "text")).join(", ");
  throw new Error(`there is no option "${value}" here, only: ${known}`);
}

/** What a person types into a rich text input without formatting any of it. */
function richText(text: string): JsonObject {
  const section = { type: "rich_text_section", elements: [{ type: "text", text }] };
  return { type: "rich_text", elements: [section] };
}

export function optionsOf(element: JsonObject): readonly JsonObject[] {
  const groups = listAt(element, "option_groups").flatMap((group) => listAt(group, "options"));
  return [...listAt(element, "options"), ...groups];
}

/** Whether a value is still missing. */
export function isEmptyInput(input: JsonObject): boolean {
  const [, value] = Object.entries(input).find(([key]) => key !== "type") ?? [];
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The element of an input that a person calls by its block_id, action_id or label, or by its place. */
export function findInput(blocks: readonly SlackBlock[], field: string | ElementPlace): PlacedElement {
  const elements = elementsOf(blocks);
  const found = elements.find((each) => isAt(each, field) || textAt(objectAt(each.block, "label"), "text") === field);
  if (found) return found;
  const known = elements.map(({ block, blockId }) => textAt(objectAt(block, "label"), "text") ?? blockId).join(", ");
  const name = typeof field === "string" ? field : `${field.blockId} ${field.actionId}`;
  throw new Error(`there is no field "${name}" here, only: ${known}`);
}

function isAt({ blockId, actionId }: PlacedElement, field: string | ElementPlace): boolean {
  if (typeof field === "string") return blockId === field || actionId === field;
  return blockId === field.blockId && actionId === field.actionId;
}

/** A block of Block Kit as Slack stores it: with a block_id, and an action_id on each interactive element. */
export type SlackBlock = JsonObject;
