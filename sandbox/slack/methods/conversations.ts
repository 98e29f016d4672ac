import { flagArgument, neededText, textArgument } from "../arguments.ts";
import type { JsonObject } from "../json.ts";
import { messageJson } from "../message-json.ts";
import { SlackRefusal } from "../refusal.ts";
import type { SandboxChannel, SandboxMessage } from "../shapes.ts";
import { directChannel, findMessage, type SlackState } from "../state.ts";
import { channelOf, channelScope } from "./channels.ts";
import type { Methods } from "./method.ts";

/** @see https://docs.slack.dev/reference/methods/conversations.history and its neighbours */
export const conversationMethods: Methods = {
  "conversations.open": { scope: "im:write", limit: "tier 3", answer: open },
  "conversations.info": {
    scope: channelScope("read"),
    limit: "tier 3",
    answer: (state, args) => ({ channel: channelJson(state, channelOf(state, args)) }),
  },
  "conversations.members": {
    scope: channelScope("read"),
    limit: "tier 4",
    answer: (state, args) => ({ members: channelOf(state, args).members, response_metadata: { next_cursor: "" } }),
  },
  "conversations.history": { scope: channelScope("history"), limit: "tier 3", answer: history },
  "conversations.replies": { scope: channelScope("history"), limit: "tier 3", answer: replies },
};

function open(state: SlackState, args: JsonObject): JsonObject {
  const user = neededText(args, "users", "users_list_not_supplied");
  if (!state.people.some((person) => person.id === user)) throw new SlackRefusal("user_not_found");
  return { channel: { id: directChannel(state, user).id } };
}

/** Newest first, thread replies left out, at most `limit` from `cursor` on. */
function history(state: SlackState, args: JsonObject): JsonObject {
  const channel = readableChannel(state, args);
  const found = shownIn(state, channel, args)
    .filter((message) => message.thread_ts === undefined || message.thread_ts === message.ts)
    .reverse();
  return page(state, found, args);
}

function replies(state: SlackState, args: JsonObject): JsonObject {
  const channel = readableChannel(state, args);
  const ts = neededText(args, "ts");
  if (!findMessage(state, channel.id, ts)) throw new SlackRefusal("thread_not_found");
  const found = shownIn(state, channel, args).filter((message) => message.ts === ts || message.thread_ts === ts);
  return page(state, found, args);
}

function readableChannel(state: SlackState, args: JsonObject): SandboxChannel {
  const channel = channelOf(state, args);
  if (!channel.members.includes(state.identity.botUserId)) throw new SlackRefusal("not_in_channel");
  return channel;
}

/** Ephemeral messages are not part of the history. */
function shownIn(state: SlackState, channel: SandboxChannel, args: JsonObject): SandboxMessage[] {
  const oldest = Number(textArgument(args, "oldest") ?? 0);
  const latest = Number(textArgument(args, "latest") ?? Number.POSITIVE_INFINITY);
  const inclusive = flagArgument(args, "inclusive");
  return state.messages.filter((message) => {
    const at = Number(message.ts);
    const within = inclusive ? at >= oldest && at <= latest : at > oldest && at < latest;
    return message.channel === channel.id && message.ephemeralTo === undefined && within;
  });
}

function page(state: SlackState, messages: readonly SandboxMessage[], args: JsonObject): JsonObject {
  const start = Number(textArgument(args, "cursor") ?? 0);
  const end = start + Math.min(999, Number(textArgument(args, "limit") ?? 100));
  const more = end < messages.length;
  const metadata = flagArgument(args, "include_all_metadata");
  return {
    messages: messages.slice(start, end).map((message) => messageJson(state.identity, message, metadata)),
    has_more: more,
    response_metadata: { next_cursor: more ? String(end) : "" },
  };
}

function channelJson(state: SlackState, channel: SandboxChannel): JsonObject {
  return {
    id: channel.id,
    name: channel.name,
    is_channel: !channel.private,
    is_im: channel.directWith !== undefined,
    is_private: channel.private,
    is_archived: channel.archived,
    is_member: channel.members.includes(state.identity.botUserId),
    ...(channel.directWith ? { user: channel.directWith } : {}),
  };
}
