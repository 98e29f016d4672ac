import type { AccessError } from "../failure/access-error.ts";
import type { Shown } from "../ledger/ledger.ts";
import type { AccessRequest } from "../request/request.ts";
import { approvalMessage, openingMessage } from "./messages/approval-message.ts";
import { type MessengerContext, sent } from "./messenger-context.ts";
import { slackErrorCode, slackFailure } from "./slack-failure.ts";

export const nothingShown: Shown = { version: 0, message: null, told: [] };

/** Makes the channel's message match the record; where it stands, or null: nowhere. @throws AccessError */
export async function showInChannel(
  context: MessengerContext,
  request: AccessRequest,
  before: Shown,
): Promise<Shown["message"]> {
  if (before.message) {
    if (before.version === request.version) return before.message;
    if (await update(context, request, before.message)) return before.message;
  }
  // Nobody is asked before the worker has looked at the cluster; a grant that was rebuilt has no preview any more.
  if (!before.message && !request.preview && !request.grant) return null;
  const posted = await post(context, request);
  if (!posted) return null;
  // The buttons come only to a message that the ledger knows: two posts of one request are never two live approvals.
  await context.ledger.markShown(request.id, { ...before, version: 0, message: posted });
  await update(context, request, posted);
  return posted;
}

/** False: somebody deleted the message. */
async function update(
  context: MessengerContext,
  request: AccessRequest,
  { channel, ts }: NonNullable<Shown["message"]>,
): Promise<boolean> {
  try {
    await context.client.chat.update({ channel, ts, ...sent(approvalMessage(request)) });
    return true;
  } catch (error) {
    if (slackErrorCode(error) === "message_not_found") return false;
    throw slackFailure(error, `The message of ${request.id}`);
  }
}

async function post(context: MessengerContext, request: AccessRequest): Promise<Shown["message"]> {
  const channel = context.config.clusters.get(request.cluster)?.channel;
  if (!channel) {
    context.log.error({ request: request.id, cluster: request.cluster }, "the cluster of a request is not configured");
    return null;
  }
  try {
    const { ts } = await context.client.chat.postMessage({
      channel,
      ...sent(openingMessage(request)),
      unfurl_links: false,
    });
    return ts ? { channel, ts } : null;
  } catch (error) {
    const failure = slackFailure(error, `The channel ${channel} of ${request.cluster}`);
    if (!failure.retryable) await tellUnreachableChannel(context, request, failure);
    throw failure;
  }
}

/** Nobody can approve what nobody sees: the requester must know, once. */
async function tellUnreachableChannel(
  context: MessengerContext,
  request: AccessRequest,
  failure: AccessError,
): Promise<void> {
  const milestone = `channel-${failure.code}`;
  const shown = (await context.ledger.shown(request.id)) ?? nothingShown;
  if (shown.told.includes(milestone)) return;
  const text = `The approvers of ${request.cluster} could not be asked about ${request.id}. ${failure.message}`;
  await context.client.chat.postMessage({ channel: request.requester, text });
  await context.ledger.markShown(request.id, { ...shown, version: 0, told: [...shown.told, milestone] });
}
