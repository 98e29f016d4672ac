import type { AccessError } from "../../access/failure/access-error.ts";
import type { Place } from "../../ledger/migrations.ts";
import { isGone, slackErrorCode, slackFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { type MessengerContext, sent } from "./messenger-context.ts";

/** Somebody deleted it; it is of an earlier bot user; or the workspace lets nobody edit what is so old. */
const unchangeable = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

/**
 * Changes a message of ours: where it is not there any more, deleted, or the reason why the place can't be reached.
 * @throws AccessError where trying again can help, or the bot itself is at fault
 */
export async function updateMessage(
  { client }: Pick<MessengerContext, "client">,
  { channel, ts }: Place,
  message: Message,
  what: string,
): Promise<"shown" | "deleted" | AccessError> {
  try {
    await client.chat.update({ channel, ts, ...sent(message) });
    return "shown";
  } catch (error) {
    if (unchangeable.has(slackErrorCode(error) ?? "")) return "deleted";
    const failure = slackFailure(error, `${what} in the channel ${channel}`);
    if (isGone(error)) return failure;
    throw failure;
  }
}

/** Posts a message; the reason where the place can't be reached. @throws AccessError as above */
export async function postMessage(
  { client }: Pick<MessengerContext, "client">,
  to: string,
  message: Message,
  what: string,
): Promise<Place | AccessError> {
  try {
    const { channel, ts } = await client.chat.postMessage({ channel: to, ...sent(message), unfurl_links: false });
    if (channel && ts) return { channel, ts };
    throw new Error("The answer of Slack names no message");
  } catch (error) {
    const failure = slackFailure(error, what);
    if (isGone(error)) return failure;
    throw failure;
  }
}
