import { neededText } from "../arguments.ts";
import type { JsonObject } from "../json.ts";
import { SlackRefusal } from "../refusal.ts";
import type { SandboxChannel } from "../shapes.ts";
import { directChannel, type SlackState } from "../state.ts";

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
export function channelScope(right: "read" | "history"): (state: SlackState, args: JsonObject) => string {
  return (state, args) => {
    const channel = state.channels.get(String(args.channel));
    const kind = channel?.directWith ? "im" : channel?.private ? "groups" : "channels";
    return `${kind}:${right}`;
  };
}
