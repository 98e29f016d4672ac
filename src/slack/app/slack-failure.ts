import { AccessError } from "../../access/failure/access-error.ts";

/** Slack's own error code of a failed Web API call, for example `channel_not_found`; null: there is none. */
export function slackErrorCode(error: unknown): string | null {
  const data = typeof error === "object" && error !== null && "data" in error ? error.data : null;
  if (typeof data !== "object" || data === null || !("error" in data)) return null;
  return typeof data.error === "string" ? data.error : null;
}

const passing = new Set(["ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"]);

/** A failed call to Slack, for people. */
export function slackFailure(error: unknown, where: string): AccessError {
  const code = slackErrorCode(error);
  if (code && !passing.has(code)) {
    return new AccessError("slack-refused", `${where} could not be reached: Slack answers ${code}`, { cause: error });
  }
  return new AccessError("slack-unreachable", `${where} could not be reached`, { cause: error });
}

/** Slack's answers when the channel or person no longer exists, or the bot may not reach it. */
const gone = new Set([
  ...["channel_not_found", "is_archived", "not_in_channel", "user_disabled", "user_not_found", "cannot_dm_bot"],
  ...["messages_tab_disabled", "restricted_action", "restricted_action_read_only_channel"],
  ...["restricted_action_non_threadable_channel", "restricted_action_thread_locked", "cannot_reply_to_message"],
]);

/** Whether a retry can't help though the bot itself is fine: the reader is gone. */
export function isGone(error: unknown): boolean {
  return gone.has(slackErrorCode(error) ?? "");
}

/** Why a form could not open: Slack allows three seconds after the click or the command. */
export function formFailure(error: unknown): AccessError {
  if (!/trigger/.test(slackErrorCode(error) ?? "")) return slackFailure(error, "The form");
  return new AccessError("slack-refused", "Slack waits at most three seconds for a form", {
    cause: error,
    remedy: "Try again.",
  });
}
