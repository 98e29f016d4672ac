import { othersWhoMayApprove } from "../../access/approval/approvers.ts";
import { reviewersOf } from "../../access/approval/emergency.ts";
import { isUser } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { Copy, Shown } from "../../ledger/migrations.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import { code, mentions, section, time } from "../blocks/mrkdwn.ts";
import { said } from "../blocks/words.ts";
import { isTooFew, type Presence, presenceOf } from "../decide/living-approvers.ts";
import { wakeHomes } from "../home/home.ts";
import { type Milestone, milestoneOf } from "../lease/requester-message.ts";
import {
  type InChannel,
  type MessengerContext,
  nothingShown,
  post,
  sent,
  showInChannel,
  updateInChannel,
} from "./show-in-channel.ts";
import { wakeForThread } from "./thread.ts";

/** More approvers are not asked one by one: somebody of these will read it. */
const mostCopies = 20;

/** Makes what Slack shows of a request match the ledger. May run twice, late, or for many changes at once. */
export async function showRequest(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  if (!request) return;
  await wakeHomes(context, request);
  const before = (await context.ledger.shown(id)) ?? nothingShown;
  const presence = before.version === request.version ? null : await presenceOf(context, request);
  const inChannel = await showInChannel(context, request, before, presence).catch(async (failure: unknown) => {
    await tellAnyway(context, id);
    throw failure;
  });
  let shown = inChannel.shown;
  if (before.version !== request.version) {
    shown = await showCopies(context, request, shown, presence, inChannel.lost !== null);
  }
  shown = await tellOfDelivery(context, request, { ...inChannel, shown }, before, presence);
  await tell(context, id, { ...shown, version: request.version }, inChannel.lost !== null);
}

/** Slack did not take the message for now; that must not keep from a requester how it stands. */
async function tellAnyway(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  const shown = (await context.ledger.shown(id)) ?? nothingShown;
  const told = request ? await tellRequester(context, request, shown) : shown.told;
  if (told !== shown.told) await context.ledger.markShown(id, { ...shown, version: 0, told });
}

/** Nobody can approve what nobody sees: the requester must know, once. */
async function tellOfDelivery(
  context: MessengerContext,
  request: AccessRequest,
  { shown, lost, isReposted }: InChannel,
  { message: old }: Shown,
  presence: Presence | null,
): Promise<Shown> {
  const milestones = [
    ...(lost ? lostChannelMilestones(request, lost.message, shown) : []),
    ...(isReposted && old ? [deletedMessageMilestone(request, old.ts)] : []),
    ...(presence && isTooFew(request, presence) ? [tooFewMilestone(request, presence)] : []),
  ];
  let { told } = shown;
  for (const milestone of milestones) {
    const before = told;
    told = await tellOnce(context, request, milestone, told);
    if (told !== before) await context.ledger.markShown(request.id, { ...shown, version: 0, told });
  }
  return { ...shown, told };
}

/** Reads the record again: the call for the channel may have taken seconds, and what was true before it is over. */
async function tell(context: MessengerContext, id: string, shown: Shown, isLost: boolean): Promise<void> {
  const request = await context.ledger.get(id);
  let { told } = shown;
  if (request) {
    told = await tellRequester(context, request, isLost ? { ...shown, message: null } : shown);
    // What was told is remembered before anything else can fail, so that it is not told again.
    if (told !== shown.told) await context.ledger.markShown(id, { ...shown, version: 0, told });
    await wakeForThread(context, request, shown);
  }
  await context.ledger.markShown(id, { ...shown, told });
}

/** Tells the requester how it stands, once for each change. */
async function tellRequester(
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
async function tellOnce(
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

/**
 * Asks the approvers in direct messages where their channel can't be reached, so that a deleted channel never wedges a
 * request: the same message with the same buttons, each once. Copies that there are follow the record as the channel's
 * message does, also when the channel is back.
 */
async function showCopies(
  context: MessengerContext,
  request: AccessRequest,
  shown: Shown,
  presence: Presence | null,
  isLost: boolean,
): Promise<Shown> {
  const copies: Copy[] = [];
  for (const copy of shown.copies) {
    if ((await updateInChannel(context, request, copy, presence)) === "shown") copies.push(copy);
  }
  const asked = new Set(copies.map(({ user }) => user));
  const missing = isLost ? whoToAsk(context, request, presence).filter((user) => !asked.has(user)) : [];
  for (const user of missing.slice(0, Math.max(0, mostCopies - copies.length))) {
    const posted = await post(context, request, user);
    if (!("ts" in posted)) continue;
    copies.push({ ...posted, user });
    await context.ledger.markShown(request.id, { ...shown, version: 0, copies });
    await updateInChannel(context, request, posted, presence);
  }
  return { ...shown, copies };
}

/** Where Slack does not say who is left: all who are named. */
function whoToAsk({ config }: MessengerContext, request: AccessRequest, presence: Presence | null): readonly string[] {
  const cluster = config.clusters.get(request.cluster);
  if (!cluster) return [];
  // Nobody was asked, and everybody should hear of it.
  if (request.emergency && !request.emergency.review) return reviewersOf(request, cluster).filter(isUser);
  if (request.state !== "pending" || !request.preview) return [];
  return presence?.present ?? othersWhoMayApprove(request, cluster).filter(isUser);
}

/** What a requester is told of the way to the approvers, beside how the request stands. */
function milestone(name: string, text: string): Milestone {
  return { name, message: { text, blocks: [section(text)] } };
}

function subjectOf({ level, cluster, id }: AccessRequest): string {
  return `${code(level)} on ${code(cluster)} (${code(id)})`;
}

const askedInstead = "channel-lost-asked";
/** The channel is deleted, archived, or without the bot. `why` says which, and how to mend it. */
export function lostChannelMilestones(
  request: AccessRequest,
  why: string,
  { copies, told }: Shown,
): readonly Milestone[] {
  // Who was told that the approvers are asked in another way knows it already.
  if (told.includes(askedInstead)) return [];
  const subject = subjectOf(request);
  if (request.state !== "pending") {
    const text = `The message about ${subject} does not change any more. ${said(why)}. You are told here how it goes on.`;
    return [milestone("channel-lost", text)];
  }
  const failed = `The approvers of ${code(request.cluster)} could not be asked in their channel about ${subject}. ${said(why)}.`;
  const how =
    copies.length > 0
      ? `They were asked in direct messages instead: ${mentions(copies.map(({ user }) => user))}.`
      : `An approver can still decide with ${code(`/eks-access approve ${request.id}`)}.`;
  // Whoever is asked later is told of as well: at first there may have been nobody.
  return [milestone(copies.length > 0 ? askedInstead : "channel-lost", `${failed} ${how}`)];
}

/** Somebody deleted the message, which stood there under this timestamp. */
export function deletedMessageMilestone(request: AccessRequest, ts: string): Milestone {
  return milestone(
    `deleted-${ts}`,
    `Somebody deleted the message about ${subjectOf(request)} in the channel. It was posted again, and nothing else changed.`,
  );
}

/** Fewer people are left than have to approve. */
export function tooFewMilestone(request: AccessRequest, { present }: Presence): Milestone {
  const left = present.length > 0 ? `only ${mentions(present)}` : "nobody";
  const text =
    `Too few approvers can still sign in to Slack to decide about ${subjectOf(request)}: ${left}. ` +
    `Ask an operator to name others for ${code(request.cluster)} in eks-access.yml. Without them it lapses ${time(request.lapsesAt)}.`;
  return milestone("too-few-approvers", text);
}
