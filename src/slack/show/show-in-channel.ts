import type { WebClient } from "@slack/web-api";
import type { AccessError } from "../../access/failure/access-error.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger, Place, Shown } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import { isGone, slackErrorCode, slackFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { approvalMessage, openingMessage } from "../decide/approval-message.ts";
import type { Presence } from "../decide/living-approvers.ts";
import type { Directory } from "../people/directory.ts";

export const nothingShown: Shown = { version: 0, message: null, copies: [], delivered: [] };

export interface InChannel {
  readonly shown: Shown;
  /** Why the channel's message is out of reach: the channel is deleted, archived, or without the bot. Null: it is there. */
  readonly lost: AccessError | null;
  /** The message was deleted and posted again. */
  readonly isReposted: boolean;
}

/** Makes the channel's message match the record. @throws AccessError where trying again can help, or the bot itself is at fault */
export async function showInChannel(
  context: MessengerContext,
  request: AccessRequest,
  shown: Shown,
  presence: Presence | null,
): Promise<InChannel> {
  const unchanged = (lost: AccessError | null = null) => ({ shown, lost, isReposted: false });
  if (shown.message) {
    if (shown.version === request.version) return unchanged();
    const outcome = await updateInChannel(context, request, shown.message, presence);
    if (outcome === "shown") return unchanged();
    if (outcome !== "deleted") return unchanged(outcome);
  }
  // The approvers see nothing before the worker checked the cluster. A rebuilt lease has no preview.
  if (!shown.message && !request.preview && !request.lease) return unchanged();
  const channel = context.config.clusters.get(request.cluster)?.channel;
  if (!channel) {
    context.log.error({ request: request.id, cluster: request.cluster }, "the cluster of a request is not configured");
    return { ...unchanged(), shown: { ...shown, message: null } };
  }
  const posted = await post(context, request, channel);
  if (!("ts" in posted)) return { ...unchanged(posted), shown: { ...shown, message: null } };
  const isReposted = shown.message !== null;
  const now = { ...shown, version: 0, message: posted };
  // Only a message in the ledger gets buttons: two posts of one request are never two live approvals.
  await context.ledger.markShown(request.id, now);
  const outcome = await updateInChannel(context, request, posted, presence);
  return { shown: now, lost: typeof outcome === "string" ? null : outcome, isReposted };
}

/** Updates a message: shown, deleted, or why its place is out of reach. */
export function updateInChannel(
  context: MessengerContext,
  request: AccessRequest,
  place: Place,
  presence: Presence | null,
): Promise<"shown" | "deleted" | AccessError> {
  return updateMessage(context, place, approvalMessage(request, presence), `The message of ${request.id}`);
}

/** Posts the opening message, which gets its buttons later; or why the place is out of reach. */
export function post(context: MessengerContext, request: AccessRequest, to: string): Promise<Place | AccessError> {
  return postMessage(context, to, openingMessage(request), `The channel ${to} of ${request.cluster}`);
}

export interface MessengerContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly client: WebClient;
  readonly directory: Directory;
}

/** A message as the Web API takes it. */
export function sent({ text, blocks }: Message) {
  return { text, blocks: [...blocks] };
}

/** Deleted; from an earlier bot user; or too old for the workspace's limit on edits. */
const unchangeable = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

/**
 * Updates a message: shown, deleted, or why its place is out of reach.
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

/** Posts a message; or why its place is out of reach. @throws AccessError as above */
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
