import type { Copy, Place, Shown } from "../ledger/ledger.ts";
import type { AccessRequest } from "../request/request.ts";
import { type Milestone, milestoneOf } from "./messages/requester-message.ts";
import { isReminder, type ThreadEntry, threadMessage, threadOf } from "./messages/thread-message.ts";
import { type MessengerContext, sent } from "./messenger-context.ts";
import { isGone, slackFailure } from "./slack-failure.ts";

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

/** Names in the thread and names in direct messages are told apart by this. */
const inThread = "thread:";

/** Replies under the channel's message with what is new, all in one. */
export async function tellThread(
  context: MessengerContext,
  request: AccessRequest,
  message: Place,
  told: readonly string[],
): Promise<readonly string[]> {
  const fresh = newEntries(context, request, told);
  if (fresh.length === 0) return told;
  await reply(context, request, message, fresh);
  return [...told, ...fresh.map(({ name }) => `${inThread}${name}`)];
}

/** Where the approvers were asked one by one, each is reminded there; what else happened their message shows. */
export async function remindCopies(
  context: MessengerContext,
  request: AccessRequest,
  copies: readonly Copy[],
  told: readonly string[],
): Promise<readonly string[]> {
  const reminders = newEntries(context, request, told).filter(isReminder);
  if (reminders.length === 0) return told;
  for (const copy of copies) await reply(context, request, copy, reminders);
  return [...told, ...reminders.map(({ name }) => `${inThread}${name}`)];
}

function newEntries({ config }: MessengerContext, request: AccessRequest, told: readonly string[]) {
  const before = told.flatMap((name) => (name.startsWith(inThread) ? [name.slice(inThread.length)] : []));
  return threadOf(request, before, config.clusters.get(request.cluster)).filter(({ name }) => !before.includes(name));
}

async function reply(
  { client }: MessengerContext,
  request: AccessRequest,
  { channel, ts }: Place,
  entries: readonly ThreadEntry[],
): Promise<void> {
  try {
    const message = sent(threadMessage(entries));
    await client.chat.postMessage({ channel, thread_ts: ts, ...message, unfurl_links: false });
  } catch (error) {
    if (!isGone(error)) throw slackFailure(error, `The thread of ${request.id}`);
  }
}
