import { WebAPIRateLimitedError, type WebClient } from "@slack/web-api";
import { type AccessError, hasCode } from "../../access/access-error.ts";
import { type LedgerRecord, recordClosedSince } from "../../access/lists.ts";
import { isUser } from "../../access/policy/rule.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import { wakeAll } from "../../ledger/queues.ts";
import type { DirectMessages, MessageRef, ShownMessages } from "../../ledger/stored.ts";
import type { Directory } from "../app/directory.ts";
import { isGone, slackErrorCode, slackFailure } from "../app/web-client.ts";
import type { Message } from "./message.ts";
import { mention, section } from "./mrkdwn.ts";
import { isShown, type MessageUpdates, rememberShown } from "./shown-messages.ts";

export interface InChannel {
  readonly shown: ShownMessages;
  /** Why the channel is out of reach: deleted, archived, or without the bot. Null: it is there. */
  readonly lost: AccessError | null;
  /** Someone deleted the message, or it is too old to edit: it is posted again. */
  readonly isReposted: boolean;
}

export interface ChannelMessage {
  readonly record: LedgerRecord;
  readonly message: Message;
  /** The first post, before the ledger knows it: without buttons. */
  readonly opening: () => Message;
  readonly isReady: boolean;
}

/** Makes the channel's message match the record. @throws AccessError if another try can help, or the bot is at fault */
export async function showInChannel(
  context: MessengerContext,
  showing: ChannelMessage,
  shown: ShownMessages,
): Promise<InChannel> {
  const { record } = showing;
  const unchanged = (lost: AccessError | null = null) => ({ shown, lost, isReposted: false });
  if (shown.message) {
    if (isShown(shown, record)) return unchanged();
    const outcome = await updateInChannel(context, showing, shown.message);
    if (outcome === "shown") return unchanged();
    if (outcome !== "deleted") return unchanged(outcome);
  }
  if (!shown.message && !showing.isReady) return unchanged();
  const channel = context.config.clusters.get(record.cluster)?.channel;
  if (!channel) {
    context.log.error({ request: record.id, cluster: record.cluster }, "the cluster of a record is not configured");
    return { ...unchanged(), shown: { ...shown, message: null } };
  }
  const posted = await postOpening(context, showing, channel);
  if (!("ts" in posted)) return { ...unchanged(posted), shown: { ...shown, message: null } };
  const isReposted = shown.message !== null;
  const now = { ...shown, version: 0, message: posted };
  // Only a message in the ledger gets buttons, so two posts of a record never have two live approvals.
  await rememberShown(context, record, now);
  const outcome = await updateInChannel(context, showing, posted);
  return { shown: now, lost: typeof outcome === "string" ? null : outcome, isReposted };
}

/**
 * Remembers that the bot is out of the channel, so that the sweep tries one message there each minute. The first that works wakes the
 * others. A record that is over needs no new message.
 * @param before what was remembered
 */
export async function noteOutdated(
  { ledger, queues, config }: Pick<MessengerContext, "ledger" | "queues" | "config">,
  record: LedgerRecord,
  { shown, lost }: InChannel,
  before: string | null,
): Promise<void> {
  const { id, cluster } = record;
  const channel =
    shown.message?.channel ?? (recordClosedSince(record) === null && config.clusters.get(cluster)?.channel);
  const outdatedIn = lost && channel ? channel : null;
  if (outdatedIn !== before) await ledger.rememberOutdated(id, outdatedIn);
  if (before === null || outdatedIn !== null) return;
  const others = [...(await ledger.outdated())].filter(([, place]) => place === before);
  const jobs = others.map(([record]) => ({ type: "show", record }) as const);
  await wakeAll(queues, jobs);
}

/** A state of a request that its requester must know. */
export interface Milestone {
  /** Its name in the list of sent milestones. */
  readonly name: string;
  readonly message: Message;
  /** A short text that notifies them, because an update does not. Absent: nothing is urgent. */
  readonly ping?: string;
}

type SendContext = Pick<MessengerContext, "client" | "log">;
type UpdateContext = SendContext & Pick<MessengerContext, "updates">;

/** Sends a person one direct message, as a reply under the message that follows the record. */
export async function sendOnce(
  context: SendContext,
  user: string,
  { name, message }: Milestone,
  before: DirectMessages,
): Promise<DirectMessages> {
  const { direct, milestones } = before;
  if (milestones.includes(name)) return before;
  await sendTo(context, user, message, direct);
  return { direct, milestones: [...milestones, name] };
}

/**
 * An update notifies no one, so a short reply does for urgent news. It does not wait while Slack limits updates.
 * @param keep remembers what was sent before an update that must be tried again
 */
export async function updateDirectMessage(
  context: UpdateContext,
  user: string,
  version: number,
  { name, message, ping }: Milestone,
  { direct, milestones }: DirectMessages,
  keep: (sent: DirectMessages) => Promise<void>,
): Promise<DirectMessages> {
  const names = milestones.includes(name) ? milestones : [...milestones, name];
  const notify = async () => {
    if (!direct || !ping || names === milestones) return;
    const text = `${mention(user)} ${ping}`;
    await sendTo(context, user, { text, blocks: [section(text)] }, direct);
  };
  const whileLimited = async (failure: unknown) => {
    if (hasCode(failure, "slack-unreachable") && failure.cause instanceof WebAPIRateLimitedError) {
      await notify();
      await keep({ direct, milestones: names });
    }
    throw failure;
  };
  if (!direct || !(await updateDirect(context, user, version, message, direct).catch(whileLimited))) {
    return { direct: await sendTo(context, user, message, null), milestones: names };
  }
  await notify();
  return { direct, milestones: names };
}

/** False: the message is gone, or too old to change. @throws AccessError */
export async function updateDirect(
  { updates }: Pick<MessengerContext, "updates">,
  user: string,
  version: number,
  message: Message,
  direct: MessageRef,
): Promise<boolean> {
  try {
    await updates.update(direct, message, version);
    return true;
  } catch (error) {
    if (isUnchangeable(error) || isGone(error)) return false;
    throw slackFailure(error, `the direct message to ${user}`);
  }
}

/** Null: the person is out of reach, or Slack names no message. @throws AccessError */
async function sendTo({ client, log }: SendContext, user: string, message: Message, under: MessageRef | null) {
  // In Redis a record can have a channel in the place of its person: the bot must not speak there.
  if (!isUser(user)) return null;
  const place = under ? { channel: under.channel, thread_ts: under.ts } : { channel: user };
  try {
    const { channel, ts } = await client.chat.postMessage({ ...place, ...message });
    return channel && ts ? { channel, ts } : null;
  } catch (error) {
    const failure = slackFailure(error, `the direct message to ${user}`);
    if (!isGone(error)) throw failure;
    log.warn({ user, err: failure }, "a person is out of reach");
    return null;
  }
}

export interface MessengerContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly client: WebClient;
  readonly updates: MessageUpdates;
  readonly directory: Directory;
}

/** A deleted message, one of an earlier bot user, or one too old for the workspace's limit on edits. */
const unchangeable = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

export function isUnchangeable(error: unknown): boolean {
  return unchangeable.has(slackErrorCode(error) ?? "");
}

/** @throws AccessError if another try can help, or the bot is at fault */
export async function updateInChannel(
  { updates }: Pick<MessengerContext, "updates">,
  { record, message }: Pick<ChannelMessage, "record" | "message">,
  place: MessageRef,
): Promise<"shown" | "deleted" | AccessError> {
  try {
    await updates.update(place, message, record.version);
    return "shown";
  } catch (error) {
    if (isUnchangeable(error)) return "deleted";
    const failure = slackFailure(error, `the message of ${record.id} in the channel ${place.channel}`);
    if (isGone(error)) return failure;
    throw failure;
  }
}

/** Posts the opening message, or says why the place is out of reach. @throws AccessError as above */
export async function postOpening(
  { client }: Pick<MessengerContext, "client">,
  { record, opening }: ChannelMessage,
  to: string,
): Promise<MessageRef | AccessError> {
  try {
    const { channel, ts } = await client.chat.postMessage({ channel: to, ...opening(), unfurl_links: false });
    if (channel && ts) return { channel, ts };
    throw new Error("Slack's answer names no message");
  } catch (error) {
    const failure = slackFailure(error, `the channel ${to} of ${record.cluster}`);
    if (isGone(error)) return failure;
    throw failure;
  }
}
