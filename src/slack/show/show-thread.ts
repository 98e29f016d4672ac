import type { AccessRequest } from "../../access/request/record.ts";
import type { Place, Shown } from "../../ledger/migrations.ts";
import { wake } from "../../ledger/queues.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import { type MessengerContext, sent } from "./messenger-context.ts";
import { isReminder, type ThreadEntry, threadMessage, threadOf } from "./thread-message.ts";

/** Has the thread brought up to date, a moment later, where something is new: many changes are one reply then. */
export async function wakeForThread(
  context: MessengerContext,
  request: AccessRequest,
  { message, copies }: Shown,
): Promise<void> {
  if (!message && copies.length === 0) return;
  if ((await newEntries(context, request)).length > 0)
    await wake(context.queues, { type: "show-thread", request: request.id });
}

/**
 * Makes the thread of a request tell everything that happened. Apart from the message itself, because Slack takes about one
 * post a second in a channel: `context.client` is one that nothing else waits for. @throws AccessError
 */
export async function showThread(context: MessengerContext, id: string): Promise<void> {
  const { ledger } = context;
  const [request, shown] = await Promise.all([ledger.get(id), ledger.shown(id)]);
  if (!request || !shown) return;
  const entries = await newEntries(context, request);
  if (entries.length === 0) return;
  if (shown.message && (await reply(context, request, shown.message, entries))) {
    return ledger.addToldInThread(id, namesOf(entries));
  }
  // Where the approvers were asked one by one, each is reminded there; what else happened their message shows.
  const reminders = entries.filter(isReminder);
  if (reminders.length === 0 || shown.copies.length === 0) return;
  for (const copy of shown.copies) await reply(context, request, copy, reminders);
  await ledger.addToldInThread(id, namesOf(reminders));
}

async function newEntries(
  { ledger, config }: MessengerContext,
  request: AccessRequest,
): Promise<readonly ThreadEntry[]> {
  const told = await ledger.toldInThread(request.id);
  return threadOf(request, told, config.clusters.get(request.cluster)).filter(({ name }) => !told.includes(name));
}

function namesOf(entries: readonly ThreadEntry[]): readonly string[] {
  return entries.map(({ name }) => name);
}

/** False: nobody reads what is posted there any more. */
async function reply(
  { client }: MessengerContext,
  request: AccessRequest,
  { channel, ts }: Place,
  entries: readonly ThreadEntry[],
): Promise<boolean> {
  try {
    const message = sent(threadMessage(entries));
    await client.chat.postMessage({ channel, thread_ts: ts, ...message, unfurl_links: false });
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw slackFailure(error, `The thread of ${request.id}`);
  }
}
