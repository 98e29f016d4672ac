import { randomBytes } from "node:crypto";
import { isObject, type JsonObject, listAt, objectAt, textAt } from "../json.ts";
import { lengthOfText, longestText, problemsOf } from "./block-limits.ts";
import { type Inputs, inputsOf, type SandboxChannel, type SandboxMessage, type SlackBlock } from "./inputs.ts";
import {
  jsonArgument,
  type Methods,
  messageJson,
  neededText,
  refusedFor,
  SlackRefusal,
  textArgument,
} from "./method.ts";
import {
  addMessage,
  directChannel,
  editMessage,
  findMessage,
  personWith,
  removeMessage,
  type SlackState,
} from "./state.ts";

/** The parts of rich text with unescaped text. */
const bare = ["text", "link"];

const freshId = () => randomBytes(4).toString("base64url").slice(0, 5);

/** Elements without an action_id. */
const passive = ["mrkdwn", "plain_text"];

type Content = Pick<SandboxMessage, "text" | "blocks">;

/** Text and blocks of the app's message, checked as Slack does. Missing parts come from `kept`, the changed message. */
export function messageContent(args: JsonObject, kept?: Content): Content {
  const given = jsonArgument(args, "blocks", "invalid_blocks_format");
  const text = textArgument(args, "text") ?? kept?.text ?? "";
  if (text.length > 40_000) throw new SlackRefusal("msg_too_long");
  const blocks = given === undefined || given === null ? (kept?.blocks ?? []) : checkedBlocks(given);
  if (text === "" && blocks.length === 0) throw new SlackRefusal("no_text");
  return { text, blocks };
}

function checkedBlocks(given: unknown): Content["blocks"] {
  if (!Array.isArray(given)) throw new SlackRefusal("invalid_blocks_format");
  const problems = problemsOf(given);
  if (problems.length > 0) throw refusedFor("invalid_blocks", problems);
  if (lengthOfText(given) > longestText) throw new SlackRefusal("msg_blocks_too_long");
  return storedBlocks(given);
}

/** Blocks as Slack stores them: each block has a block_id, each interactive element an action_id. */
export function storedBlocks(blocks: unknown): readonly SlackBlock[] {
  return listAt({ blocks }, "blocks").map((block) => {
    const stored: Record<string, unknown> = { ...block, block_id: block.block_id ?? freshId() };
    for (const place of ["accessory", "element"]) {
      if (isObject(stored[place])) stored[place] = storedElement(stored[place]);
    }
    if (Array.isArray(block.elements)) stored.elements = listAt(block, "elements").map(storedElement);
    return stored;
  });
}

function storedElement(element: JsonObject): JsonObject {
  const type = String(element.type);
  if (passive.includes(type) || type.startsWith("rich_text_")) return element;
  return { ...element, action_id: element.action_id ?? freshId() };
}

/** One line for each block and field. Buttons and inputs are in brackets, mentions as Slack sends them: `<@U0ENGINEER>`. */
export function textOf(shown: {
  text?: string;
  title?: string;
  blocks: readonly JsonObject[];
  inputs?: Inputs;
}): string {
  const inputs = shown.inputs ?? inputsOf(shown.blocks);
  const lines = shown.blocks.map((block) => textOfBlock(block, inputs)).filter((line) => line !== "");
  if (shown.title) lines.unshift(shown.title);
  return lines.length > 0 ? lines.join("\n") : readable(shown.text ?? "");
}

/** What people see of a message, and what a notification says: it has the reason, also where the card has no room for it. */
export function wholeTextOf(message: Parameters<typeof textOf>[0]): string {
  return `${textOf(message)}\n${message.text ?? ""}`;
}

function textOfBlock(block: JsonObject, inputs: Inputs): string {
  const values = objectAt(inputs, String(block.block_id));
  const element = (value: unknown) => textOfElement(value, values);
  const parts = [
    textOfObject(block.label),
    textOfObject(block.text),
    ...[block.accessory, block.element, ...listAt(block, "elements")].map(element),
    textOfObject(block.hint),
  ];
  // A field is a name over a value, beside another field: as text, each has its own line.
  const fields = listAt(block, "fields").map((field) => textOfObject(field).replaceAll("\n", " "));
  const line = parts.filter((part) => part !== "").join(" ");
  return [line, ...fields].filter((each) => each !== "").join("\n");
}

/** What an element shows; `values` are its block's inputs. */
function textOfElement(element: unknown, values: JsonObject): string {
  if (!isObject(element)) return "";
  if (bare.includes(String(element.type))) return textAt(element, "text") ?? textAt(element, "url") ?? "";
  if (element.type === "mrkdwn" || element.type === "plain_text") return textOfObject(element);
  if (element.type === "button") return `[${textOfObject(element.text)}]`;
  if (Array.isArray(element.elements)) {
    return listAt(element, "elements")
      .map((part) => textOfElement(part, values))
      .join("");
  }
  const { value, selected_option: option } = objectAt(values, String(element.action_id));
  const shown = isObject(option) ? textOfObject(option.text) : String(value ?? "");
  return shown === "" ? "" : `[${shown}]`;
}

function textOfObject(value: unknown): string {
  return readable(textAt(value, "text") ?? "");
}

/** Dates and links as their text, without Slack's three escapes, as the reader sees them. */
function readable(text: string): string {
  return text
    .replaceAll(/<!date\^[^|>]*\|([^>]*)>/g, "$1")
    .replaceAll(/<https?:[^|>]*\|([^>]*)>/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

/** @see https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours */
export const chatMethods: Methods = {
  "chat.postMessage": {
    scope: "chat:write",
    limit: "posting",
    countedBy: (args) => String(args.channel),
    answer: postMessage,
  },
  "chat.update": { scope: "chat:write", limit: "tier 3", answer: update },
  "chat.delete": { scope: "chat:write", limit: "tier 3", answer: remove },
};

function postMessage(state: SlackState, args: JsonObject): JsonObject {
  const channel = writableChannel(state, args);
  const content = messageContent(args);
  const thread = textArgument(args, "thread_ts");
  const message = addMessage(state, { channel: channel.id, ...content, ...(thread ? { thread_ts: thread } : {}) });
  return { channel: channel.id, ts: message.ts, message: messageJson(state.identity, message) };
}

/** Missing blocks stay; an empty list removes them. */
function update(state: SlackState, args: JsonObject): JsonObject {
  const channel = writableChannel(state, args);
  const old = ownMessage(state, args, channel.id, "cant_update_message");
  const content = messageContent(args, { text: old.text, blocks: old.blocks });
  const message = editMessage(state, old, content);
  return {
    channel: channel.id,
    ts: message.ts,
    text: message.text,
    message: messageJson(state.identity, message),
  };
}

function remove(state: SlackState, args: JsonObject): JsonObject {
  const channel = channelOf(state, args);
  const message = ownMessage(state, args, channel.id, "cant_delete_message");
  removeMessage(state, message);
  return { channel: channel.id, ts: message.ts };
}

/** An ephemeral message can't be found by its ts: only a response_url changes it. */
function ownMessage(state: SlackState, args: JsonObject, channel: string, refusal: string): SandboxMessage {
  const message = findMessage(state, channel, neededText(args, "ts"));
  if (message === undefined || message.ephemeralTo !== undefined) throw new SlackRefusal("message_not_found");
  if (message.user !== state.identity.botUserId) throw new SlackRefusal(refusal);
  return message;
}

function channelOf(state: SlackState, args: JsonObject): SandboxChannel {
  const given = neededText(args, "channel", "channel_not_found");
  const person = personWith(state, given);
  if (person) return directChannel(state, person.id);
  const named = given.replace(/^#/, "");
  const channel = state.channels.get(given) ?? [...state.channels.values()].find(({ name }) => name === named);
  const hidden = channel?.private && !channel.members.includes(state.identity.botUserId);
  if (channel === undefined || hidden) throw new SlackRefusal("channel_not_found");
  return channel;
}

/** The channel of a call that writes: the bot must be in it, and it must not be archived. */
function writableChannel(state: SlackState, args: JsonObject): SandboxChannel {
  const channel = channelOf(state, args);
  if (channel.archived) throw new SlackRefusal("is_archived");
  const anywhere = !channel.private && state.identity.scopes.includes("chat:write.public");
  if (!anywhere && !channel.members.includes(state.identity.botUserId)) throw new SlackRefusal("not_in_channel");
  return channel;
}
