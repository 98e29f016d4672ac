import { isObject, type JsonObject, listAt, objectAt, textAt } from "../json.ts";

/** The values of a view's inputs: `state.values` of Slack's payloads, by block_id and action_id. */
export type Inputs = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** A person's input: a text, an option's value or text, several of them with commas, or a user id. */
export type InputValue = string | null;

/** The fields of each element for the choice and for the initial value. */
const places: Readonly<Record<string, readonly [string, string]>> = {
  plain_text_input: ["value", "initial_value"],
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  radio_buttons: ["selected_option", "initial_option"],
  multi_external_select: ["selected_options", "initial_options"],
  users_select: ["selected_user", "initial_user"],
};

export interface PlacedElement {
  block: SlackBlock;
  blockId: string;
  actionId: string;
  element: JsonObject;
}

/** An element's place, if it has no unique name: for example one button in each line of a list. */
export type ElementPlace = { readonly blockId: string; readonly actionId: string };

/** Every interactive element of blocks, in the visible order. */
export function elementsOf(blocks: readonly SlackBlock[]): readonly PlacedElement[] {
  return blocks.flatMap((block) => {
    const elements = [block.accessory, block.element, ...listAt(block, "elements")].filter(isObject);
    return elements.flatMap((element) => {
      const actionId = textAt(element, "action_id");
      return actionId === undefined ? [] : [{ block, blockId: textAt(block, "block_id") ?? "", actionId, element }];
    });
  });
}

/** The inputs of blocks: an input that stays keeps its value, a new one has its initial value. */
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
  const place = places[type];
  return place && { type, [place[0]]: element[place[1]] ?? null };
}

/** The value of an element after a person entered `value`. Throws if the element does not offer it. */
export function filledInput(element: JsonObject, value: InputValue, loaded: readonly JsonObject[] = []): JsonObject {
  const type = String(element.type);
  const [place] = places[type] ?? [];
  if (place === undefined) throw new Error(`nothing can be put into a ${type}`);
  if (value === null || place === "value" || place === "selected_user") return { type, [place]: value };
  const offered = [...listAt(element, "options"), ...listAt(element, "initial_options"), ...loaded];
  if (place === "selected_options") {
    return { type, [place]: value.split(/[\s,]+/).map((each) => optionIn(offered, each)) };
  }
  return { type, [place]: optionIn(offered, value) };
}

function optionIn(offered: readonly JsonObject[], value: string): JsonObject {
  const option = offered.find((each) => each.value === value || textAt(each.text, "text") === value);
  if (option) return option;
  const known = offered.map((each) => textAt(each.text, "text")).join(", ");
  throw new Error(`there is no option "${value}" here, only: ${known}`);
}

export function isEmptyInput(input: JsonObject): boolean {
  const [, value] = Object.entries(input).find(([key]) => key !== "type") ?? [];
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The input's element, by its block_id, action_id, label or place. */
export function findInput(blocks: readonly SlackBlock[], field: string | ElementPlace): PlacedElement {
  const elements = elementsOf(blocks);
  const found = elements.find((each) => isAt(each, field) || textAt(objectAt(each.block, "label"), "text") === field);
  if (found) return found;
  const known = elements.map(({ block, blockId }) => textAt(objectAt(block, "label"), "text") ?? blockId).join(", ");
  throw new Error(`there is no field "${nameOf(field)}" here, only: ${known}`);
}

export function nameOf(place: string | ElementPlace): string {
  return typeof place === "string" ? place : `${place.blockId} ${place.actionId}`;
}

export function isAt({ blockId, actionId }: PlacedElement, field: string | ElementPlace): boolean {
  if (typeof field === "string") return blockId === field || actionId === field;
  return blockId === field.blockId && actionId === field.actionId;
}

/** A block of Block Kit as Slack stores it: with a block_id, and an action_id for each interactive element. */
export type SlackBlock = JsonObject;

/** A message as one person sees it at one moment. A change makes a new value. */
export interface SandboxMessage {
  channel: string;
  /** Slack's id of a message in its channel: seconds and microseconds, `1700000000.000100`. */
  ts: string;
  user: string;
  text: string;
  blocks: readonly SlackBlock[];
  thread_ts?: string;
  edits: number;
  /** The only person who sees an ephemeral message. */
  ephemeralTo?: string;
}

export interface SandboxView {
  id: string;
  type: "modal" | "home";
  hash: string;
  title: string;
  callback_id: string;
  private_metadata: string;
  blocks: readonly SlackBlock[];
  /** The app's view, with Slack's ids. */
  json: JsonObject;
  inputs: Inputs;
  /** The app's errors at the last submission, by block_id. */
  errors: Readonly<Record<string, string>>;
  /** How often the app changed it while it was open. */
  updates: number;
}

export interface SandboxChannel {
  id: string;
  name: string;
  /** User ids, also the bot's if the app is in the channel. */
  members: readonly string[];
  archived: boolean;
  private: boolean;
  /** The person in a direct conversation with the bot. */
  directWith?: string;
}

export interface SandboxUser {
  id: string;
  /** The person's role: "engineer", "approver", "second-approver", "on-call". */
  name: string;
  email: string;
  /** IANA name. */
  timezone: string;
}

/** What a person sees after a command, a click or a submission. */
export interface CommandAnswer {
  /** The HTTP status of the app's acknowledgement; 200 over the socket; 0: none in time. */
  status: number;
  milliseconds: number;
  /** Slack's error for the person: `operation_timeout` after 3 s, `dispatch_failed` for a status other than 2xx. */
  error?: "operation_timeout" | "dispatch_failed" | "dispatch_unknown_error" | "invalid_command_response";
  message?: SandboxMessage;
  text: string;
  /** What this person alone has seen of it until now, however late it came. */
  seen: () => readonly SandboxMessage[];
  /** The errors of a submission, by block_id: the app's, or Slack's own for an empty required field. */
  errors: Readonly<Record<string, string>>;
}
