import { isOver, type Move } from "../../access/migration/move.ts";
import type { Place, Shown } from "../../ledger/moves.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { callApprovers } from "../decide/call-approvers.ts";
import { wakeHomes } from "../home/wake-homes.ts";
import { type MessengerContext, sent } from "../show/messenger-context.ts";
import { nothingShown } from "../show/show-in-channel.ts";
import { threadMessage } from "../show/thread-message.ts";
import { postMessage, updateMessage } from "../show/write-message.ts";
import { moveMessage, openingMoveMessage } from "./move-message.ts";
import { moveEndMilestone, moveLostMilestone, moveTroubleMilestone } from "./move-milestones.ts";
import { moveThreadOf } from "./move-thread.ts";

/**
 * Makes what Slack shows of a move match the ledger: its message in the cluster's channel, the thread under it, and what whoever
 * asked is told. May run twice, late, or for many changes at once. @throws AccessError
 */
export async function showMove(context: MessengerContext, id: string): Promise<void> {
  const { moves } = context.ledger;
  const move = await moves.get(id);
  if (!move) return;
  await wakeHomes(context, move);
  let shown = (await moves.shown(id)) ?? nothingShown;
  if (shown.version !== move.version) shown = await showInChannel(context, move, shown);
  // The call for the channel may have taken seconds: who has decided meanwhile must not be reminded.
  const newest = (await moves.get(id)) ?? move;
  if (shown.message) await tellThread(context, newest, shown.message);
  else await callApprovers(context, newest);
  await moves.markShown(id, { ...shown, told: await tellRequester(context, move, shown), version: move.version });
}

/** The message of before, changed; a new one where there is none, or somebody deleted it. */
async function showInChannel(context: MessengerContext, move: Move, shown: Shown): Promise<Shown> {
  const what = `The message of ${move.id}`;
  if (shown.message) {
    const outcome = await updateMessage(context, shown.message, moveMessage(move), what);
    if (outcome === "shown") return shown;
    if (outcome !== "deleted") return { ...shown, message: null };
  }
  // Nobody is asked before the worker has planned it; and nothing is posted of what was over before anybody was asked.
  const channel = context.config.clusters.get(move.cluster)?.channel;
  if (!channel || (!move.plan && move.state !== "refused" && move.done.length === 0))
    return { ...shown, message: null };
  const posted = await postMessage(context, channel, openingMoveMessage(move), what);
  if (!("ts" in posted)) return { ...shown, message: null };
  const now = { ...shown, version: 0, message: posted };
  // The buttons come only to a message that the ledger knows: two posts of one move are never two live approvals.
  await context.ledger.moves.markShown(move.id, now);
  await updateMessage(context, posted, moveMessage(move), what);
  return now;
}

async function tellThread({ ledger, client, config }: MessengerContext, move: Move, message: Place): Promise<void> {
  const told = await ledger.toldInThread(move.id);
  const entries = moveThreadOf(move, config.clusters.get(move.cluster)).filter(({ name }) => !told.includes(name));
  if (entries.length === 0) return;
  try {
    const { channel, ts } = message;
    await client.chat.postMessage({ channel, thread_ts: ts, ...sent(threadMessage(entries)), unfurl_links: false });
  } catch (error) {
    if (!isGone(error)) throw slackFailure(error, `The thread of ${move.id}`);
    return;
  }
  const names = entries.map(({ name }) => name);
  await ledger.addToldInThread(move.id, names);
}

/** Whoever asked is told where nobody could be asked in the channel, what fails, and how it ended. */
async function tellRequester(context: MessengerContext, move: Move, shown: Shown): Promise<readonly string[]> {
  let { told } = shown;
  const isLost = move.plan !== null && shown.message === null && !isOver(move);
  const milestones = [
    ...(isLost ? [moveLostMilestone(move)] : []),
    ...moveTroubleMilestone(move),
    ...moveEndMilestone(move),
  ];
  for (const { name, message } of milestones) {
    if (told.includes(name)) continue;
    await directMessage(context, move, message);
    told = [...told, name];
  }
  return told;
}

async function directMessage({ client, log }: MessengerContext, move: Move, message: Message): Promise<void> {
  try {
    await client.chat.postMessage({ channel: move.requester, ...sent(message) });
  } catch (error) {
    const failure = slackFailure(error, `The direct message to ${move.requester}`);
    if (!isGone(error)) throw failure;
    log.warn({ request: move.id, err: failure }, "the requester can't be told");
  }
}
