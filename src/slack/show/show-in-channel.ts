import type { AccessError } from "../../access/failure/access-error.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { Place, Shown } from "../../ledger/migrations.ts";
import { approvalMessage, openingMessage } from "../decide/approval-message.ts";
import type { Presence } from "../decide/presence.ts";
import type { MessengerContext } from "./messenger-context.ts";
import { postMessage, updateMessage } from "./write-message.ts";

export const nothingShown: Shown = { version: 0, message: null, copies: [], told: [] };

export interface InChannel {
  readonly shown: Shown;
  /** Why nobody reads the channel's message: the channel is deleted, archived, or without the bot. Null: it stands there. */
  readonly lost: AccessError | null;
  /** Somebody deleted the message, and it was posted again. */
  readonly isReposted: boolean;
}

/** Makes the channel's message match the record. @throws AccessError where trying again can help, or the bot itself is at fault */
export async function showInChannel(
  context: MessengerContext,
  request: AccessRequest,
  shown: Shown,
  presence: Presence | null,
): Promise<InChannel> {
  const stands = (lost: AccessError | null = null) => ({ shown, lost, isReposted: false });
  if (shown.message) {
    if (shown.version === request.version) return stands();
    const outcome = await updateInChannel(context, request, shown.message, presence);
    if (outcome === "shown") return stands();
    if (outcome !== "deleted") return stands(outcome);
  }
  // Nobody is asked before the worker has looked at the cluster; a lease that was rebuilt has no preview any more.
  if (!shown.message && !request.preview && !request.lease) return stands();
  const channel = context.config.clusters.get(request.cluster)?.channel;
  if (!channel) {
    context.log.error({ request: request.id, cluster: request.cluster }, "the cluster of a request is not configured");
    return { ...stands(), shown: { ...shown, message: null } };
  }
  const posted = await post(context, request, channel);
  if (!("ts" in posted)) return { ...stands(posted), shown: { ...shown, message: null } };
  const isReposted = shown.message !== null;
  const now = { ...shown, version: 0, message: posted };
  // The buttons come only to a message that the ledger knows: two posts of one request are never two live approvals.
  await context.ledger.markShown(request.id, now);
  const outcome = await updateInChannel(context, request, posted, presence);
  return { shown: now, lost: typeof outcome === "string" ? null : outcome, isReposted };
}

/** Where a message of ours stands is not there any more: deleted, or the reason why the place can't be reached. */
export function updateInChannel(
  context: MessengerContext,
  request: AccessRequest,
  place: Place,
  presence: Presence | null,
): Promise<"shown" | "deleted" | AccessError> {
  return updateMessage(context, place, approvalMessage(request, presence), `The message of ${request.id}`);
}

/** Posts what is changed into the message with buttons later; the reason where the place can't be reached. */
export function post(context: MessengerContext, request: AccessRequest, to: string): Promise<Place | AccessError> {
  return postMessage(context, to, openingMessage(request), `The channel ${to} of ${request.cluster}`);
}
