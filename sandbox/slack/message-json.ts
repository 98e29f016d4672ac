import type { JsonObject } from "./json.ts";
import type { SandboxMessage } from "./shapes.ts";
import type { SlackIdentity } from "./state.ts";

/** A message as the Web API and the payloads give it. */
export function messageJson(identity: SlackIdentity, message: SandboxMessage, withMetadata = false): JsonObject {
  return {
    type: "message",
    user: message.user,
    bot_id: identity.botId,
    app_id: identity.appId,
    team: identity.teamId,
    text: message.text,
    ts: message.ts,
    blocks: message.blocks,
    ...(message.thread_ts ? { thread_ts: message.thread_ts } : {}),
    ...(message.edits > 0 ? { edited: { user: identity.botUserId, ts: message.ts } } : {}),
    ...(withMetadata && message.metadata ? { metadata: message.metadata } : {}),
  };
}
