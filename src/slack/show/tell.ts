import type { AccessRequest } from "../../access/request/record.ts";
import type { Shown } from "../../ledger/moves.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import { type Milestone, milestoneOf } from "../lease/requester-message.ts";
import { type MessengerContext, sent } from "./messenger-context.ts";

/** Tells the requester how it stands, once for each change. */
export async function tellRequester(
  context: MessengerContext,
  request: AccessRequest,
  { told, message }: Shown,
): Promise<readonly string[]> {
  const milestone = milestoneOf(request, context.config.clusters.get(request.cluster), told);
  // Nobody was asked where there is no message to ask with (law 5).
  if (!milestone || (milestone.name === "asked" && !message)) return told;
  return tellOnce(context, request, milestone, told);
}

/** A direct message to the requester. A person who can't be reached any more holds nothing up. */
export async function tellOnce(
  { client, log }: MessengerContext,
  request: AccessRequest,
  { name, message }: Milestone,
  told: readonly string[],
): Promise<readonly string[]> {
  if (told.includes(name)) return told;
  try {
    await client.chat.postMessage({ channel: request.requester, ...sent(message) });
  } catch (error) {
    const failure = slackFailure(error, `The direct message to ${request.requester}`);
    if (!isGone(error)) throw failure;
    log.warn({ request: request.id, err: failure }, "the requester can't be told");
  }
  return [...told, name];
}
