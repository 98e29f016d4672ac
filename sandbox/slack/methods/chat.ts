import type { JsonObject } from "../../json.ts";
import { messageContent } from "../message-content.ts";
import type { SandboxChannel, SandboxMessage } from "../shapes.ts";
import {
  addMessage,
  directChannel,
  editMessage,
  findMessage,
  personWith,
  removeMessage,
  type SlackState,
} from "../state.ts";
import { type Methods, messageJson, neededText, SlackRefusal, textArgument } from "./method.ts";

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
  const message = addMessage(state, {
    channel: channel.id,
    ...content,
    ...(thread ? { thread_ts: thread } : {}),
  });
  return { channel: channel.id, ts: message.ts, message: messageJson(state.identity, message) };
}

/** Missing blocks stay; an empty list removes them. */
function update(state: SlackState, args: JsonObject): JsonObject {
  const channel = writableChannel(state, args);
  const old = ownMessage(state, args, channel.id, "cant_update_message");
  const kept = { text: old.text, blocks: old.blocks };
  const content = messageContent(args, kept);
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
