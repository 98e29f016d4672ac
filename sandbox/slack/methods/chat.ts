import type { JsonObject } from "../json.ts";
import { messageContent } from "../message-content.ts";
import type { SandboxMessage } from "../shapes.ts";
import { addMessage, editMessage, findMessage, removeMessage, type SlackState } from "../state.ts";
import { channelOf, writableChannel } from "./conversations.ts";
import { type Methods, messageJson, neededText, SlackRefusal, textArgument } from "./method.ts";

/** @see https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours */
export const chatMethods: Methods = {
  "chat.postMessage": {
    scope: "chat:write",
    limit: "posting",
    countedBy: (args) => String(args.channel),
    answer: postMessage,
  },
  "chat.postEphemeral": { scope: "chat:write", limit: "tier 4", answer: postEphemeral },
  "chat.update": { scope: "chat:write", limit: "tier 3", answer: update },
  "chat.delete": { scope: "chat:write", limit: "tier 3", answer: remove },
  "chat.getPermalink": { limit: "tier 4", answer: getPermalink },
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
  return { channel: channel.id, ts: message.ts, message: messageJson(state.identity, message, true) };
}

function postEphemeral(state: SlackState, args: JsonObject): JsonObject {
  const channel = writableChannel(state, args);
  const user = neededText(args, "user");
  if (!channel.members.includes(user)) throw new SlackRefusal("user_not_in_channel");
  const message = addMessage(state, { channel: channel.id, ...messageContent(args), ephemeralTo: user });
  return { message_ts: message.ts };
}

/** Blocks that the call does not name stay; an empty list removes them. */
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
    message: messageJson(state.identity, message, true),
  };
}

function remove(state: SlackState, args: JsonObject): JsonObject {
  const channel = channelOf(state, args);
  const message = ownMessage(state, args, channel.id, "cant_delete_message");
  removeMessage(state, message);
  return { channel: channel.id, ts: message.ts };
}

function getPermalink(state: SlackState, args: JsonObject): JsonObject {
  const channel = channelOf(state, args);
  const ts = neededText(args, "message_ts");
  if (!findMessage(state, channel.id, ts)) throw new SlackRefusal("message_not_found");
  const place = `${channel.id}/p${ts.replace(".", "")}`;
  return { channel: channel.id, permalink: `https://${state.identity.teamDomain}.slack.com/archives/${place}` };
}

/** An ephemeral message can't be found again by its ts: only a response_url changes it. */
function ownMessage(state: SlackState, args: JsonObject, channel: string, refusal: string): SandboxMessage {
  const message = findMessage(state, channel, neededText(args, "ts"));
  if (message === undefined || message.ephemeralTo !== undefined) throw new SlackRefusal("message_not_found");
  if (message.user !== state.identity.botUserId) throw new SlackRefusal(refusal);
  return message;
}
