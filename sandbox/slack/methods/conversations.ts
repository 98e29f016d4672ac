import type { JsonObject } from "../json.ts";
import type { SandboxChannel, SandboxMessage, SandboxUser } from "../shapes.ts";
import { directChannel, findMessage, type SlackState } from "../state.ts";
import { flagArgument, type Methods, messageJson, neededText, SlackRefusal, textArgument } from "./method.ts";

/** @see https://docs.slack.dev/reference/methods/users.info and its neighbours */
export const peopleMethods: Methods = {
  "auth.test": { limit: "tier 4", answer: authTest },
  "users.info": { scope: "users:read", limit: "tier 4", answer: usersInfo },
  "users.list": {
    scope: "users:read",
    limit: "tier 2",
    answer: (state) => ({
      members: [...state.people.map((person) => userJson(state, person)), botJson(state)],
      response_metadata: { next_cursor: "" },
    }),
  },
  "usergroups.users.list": { scope: "usergroups:read", limit: "tier 2", answer: usergroupUsers },
};

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

/** The channel of a call, by id or #name; a user's id means the direct conversation with that person. */
export function channelOf(state: SlackState, args: JsonObject): SandboxChannel {
  const given = neededText(args, "channel", "channel_not_found");
  if (state.people.some((person) => person.id === given)) return directChannel(state, given);
  const named = given.replace(/^#/, "");
  const channel = state.channels.get(given) ?? [...state.channels.values()].find(({ name }) => name === named);
  const hidden = channel?.private && !channel.members.includes(state.identity.botUserId);
  if (channel === undefined || hidden) throw new SlackRefusal("channel_not_found");
  return channel;
}

/** The channel of a call that writes: the bot must be in it, and it must not be archived. */
export function writableChannel(state: SlackState, args: JsonObject): SandboxChannel {
  const channel = channelOf(state, args);
  if (channel.archived) throw new SlackRefusal("is_archived");
  const anywhere = !channel.private && state.identity.scopes.includes("chat:write.public");
  if (!anywhere && !channel.members.includes(state.identity.botUserId)) throw new SlackRefusal("not_in_channel");
  return channel;
}

/** `channels:read`, `groups:history`, `im:write` and so on: the scope depends on what kind of channel it is. */
function channelScope(right: "read" | "history"): (state: SlackState, args: JsonObject) => string {
  return (state, args) => {
    const channel = state.channels.get(String(args.channel));
    const kind = channel?.directWith ? "im" : channel?.private ? "groups" : "channels";
    return `${kind}:${right}`;
  };
}

function authTest({ identity }: SlackState): JsonObject {
  return {
    url: `https://${identity.teamDomain}.slack.com/`,
    team: identity.teamDomain,
    user: "eks-access",
    team_id: identity.teamId,
    user_id: identity.botUserId,
    bot_id: identity.botId,
    is_enterprise_install: false,
  };
}

function usersInfo(state: SlackState, args: JsonObject): JsonObject {
  const id = neededText(args, "user", "user_not_found");
  if (id === state.identity.botUserId) return { user: botJson(state) };
  const person = state.people.find((candidate) => candidate.id === id);
  if (person === undefined) throw new SlackRefusal("user_not_found");
  return { user: userJson(state, person) };
}

function usergroupUsers(state: SlackState, args: JsonObject): JsonObject {
  const users = state.usergroups.get(neededText(args, "usergroup"));
  if (users === undefined) throw new SlackRefusal("no_such_subteam");
  // Without include_disabled the list has active accounts alone.
  return { users: users.filter((user) => !state.deactivated.has(user)) };
}

/** The address is in the profile only for an app that may read addresses. */
function userJson(state: SlackState, person: SandboxUser): JsonObject {
  const email = state.identity.scopes.includes("users:read.email") ? { email: person.email } : {};
  return {
    id: person.id,
    team_id: state.identity.teamId,
    name: person.name,
    real_name: person.name,
    deleted: state.deactivated.has(person.id),
    is_bot: false,
    is_email_confirmed: true,
    tz: person.timezone,
    profile: { real_name: person.name, display_name: person.name, ...email },
  };
}

function botJson({ identity }: SlackState): JsonObject {
  return {
    id: identity.botUserId,
    team_id: identity.teamId,
    name: "eks-access",
    real_name: "eks-access",
    deleted: false,
    is_bot: true,
    profile: { real_name: "eks-access", bot_id: identity.botId, api_app_id: identity.appId },
  };
}
