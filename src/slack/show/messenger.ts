import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { clusterApprovers } from "../../access/policy/rule.ts";
import { type AccessRequest, type ApprovedRequest, type Asked, peopleOf } from "../../access/record.ts";
import { lastOfAccess, recordWith } from "../../ledger/look-ups.ts";
import type { MessageLedger } from "../../ledger/messages.ts";
import { wake, wakeAll } from "../../ledger/queues.ts";
import type { ApproverCopy, DirectMessages, ShownMessages } from "../../ledger/stored.ts";
import { peopleNamed } from "../app/directory.ts";
import { hasTooFewApprovers, type Presence, presenceOf, whoToAsk } from "../app/people-called.ts";
import { readerFor } from "../app/request-people.ts";
import { approvalMessage, copyFor, openingMessage } from "../decide/approval-message.ts";
import { noteOutage } from "./call-operators.ts";
import { asClause } from "./failure-words.ts";
import { code, mentions, section, time } from "./mrkdwn.ts";
import { milestoneOf } from "./requester-message.ts";
import {
  type ChannelMessage,
  type InChannel,
  type MessengerContext,
  type Milestone,
  noteOutdated,
  postOpening,
  sendOnce,
  showInChannel,
  updateDirectMessage,
  updateInChannel,
} from "./show-in-channel.ts";
import { isMoved, isShown, noteMoved, noteShown, nothingShown, rememberShown, shownNow } from "./shown-messages.ts";
import { wakeForThread } from "./thread.ts";

/** Makes Slack's view of a request match the ledger. Safe to run twice, late, or once for many changes. */
export async function showRequest(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  if (!request) return context.ledger.rememberOutdated(id, null);
  await wakeHomes(context, request);
  const extension = await lastOfAccess(context.ledger, request);
  const [last, outdatedIn] = await Promise.all([shownNow(context, request), context.ledger.outdatedIn(id)]);
  await noteMoved(context, request, last);
  const before = shownBefore(context, request, last, extension, outdatedIn !== null);
  const wasShown = isShown(before, request);
  if (request.extends !== null && !wasShown) await wake(context.queues, { type: "show", record: request.extends });
  const presence = await presenceOf(context, request);
  const cluster = context.config.clusters.get(request.cluster);
  const showing = showingOf(request, cluster, presence, extension);
  // Its people must see the state even if an update for the approvers fails.
  const peopleAnyway = async (failure: unknown) => {
    await updatePeople(context, request, await shownNow(context, request), presence);
    throw failure;
  };
  const inChannel = await showInChannel(context, showing, before).catch(peopleAnyway);
  let shown = inChannel.shown;
  if (!wasShown) {
    const approvers = inChannel.lost === null ? [] : await whoToAsk(context, request, presence);
    shown = await showCopies(context, showing, shown, approvers, inChannel.lost !== null).catch(peopleAnyway);
  }
  await noteOutage(context, request);
  shown = await reportDelivery(context, request, { ...inChannel, shown }, before, presence);
  // First: after a failure here, the next try reads that this version is not shown.
  await noteOutdated(context, request, { ...inChannel, shown }, outdatedIn);
  const now = { ...shown, extension: nameOf(extension), isRemoved: !cluster };
  await noteShown(context, request, await updatePeople(context, request, now, presence, inChannel.lost !== null));
}

/** Without a version if another lease extends this one now, its cluster left or came back, or a channel is behind: then every message changes. */
function shownBefore(
  { config }: MessengerContext,
  { cluster }: AccessRequest,
  shown: ShownMessages,
  extension: ApprovedRequest | null,
  isOutdated: boolean,
): ShownMessages {
  const isSame = (shown.extension ?? null) === nameOf(extension) && !isMoved(shown, cluster, config);
  return isSame && !isOutdated ? shown : { ...shown, version: 0 };
}

function nameOf(extension: ApprovedRequest | null): string | null {
  return extension && `${extension.id} ${extension.lease.state} ${extension.lease.endedAt ?? extension.lease.endsAt}`;
}

/** Approvers see nothing before the worker has checked the cluster. A rebuilt lease has no preview. */
function showingOf(
  request: AccessRequest,
  cluster: Cluster | undefined,
  presence: Presence | null,
  extension: ApprovedRequest | null,
): ChannelMessage {
  return {
    record: request,
    message: approvalMessage(request, cluster, presence, extension),
    opening: () => openingMessage(request, cluster, presence),
    isReady: request.preview !== null || request.lease !== null,
  };
}

async function reportDelivery(
  context: MessengerContext,
  request: AccessRequest,
  { shown, lost, isReposted }: InChannel,
  { message: old }: ShownMessages,
  presence: Presence | null,
): Promise<ShownMessages> {
  const milestones = [
    ...(lost ? lostChannelMilestones(request, lost.message, shown) : []),
    ...(isReposted && old ? [deletedMessageMilestone(request, old.ts)] : []),
    ...(presence && hasTooFewApprovers(request, presence) ? [tooFewMilestone(request, presence)] : []),
  ];
  let now = shown;
  for (const milestone of milestones) {
    now = await toEach(context, request, now, (user, before) => sendOnce(context, user, milestone, before));
  }
  return now;
}

/** Reads the record again: the call for the channel can take seconds. What is shown is not sent again: the next change can be on its way. */
async function updatePeople(
  context: MessengerContext,
  inChannel: AccessRequest,
  shown: ShownMessages,
  presence: Presence | null,
  isLost = false,
): Promise<ShownMessages> {
  await wakeForThread(context, inChannel, shown);
  const request = await context.ledger.get(inChannel.id);
  if (!request || isShown(shown, request)) return shown;
  const cluster = context.config.clusters.get(request.cluster);
  const extension = await lastOfAccess(context.ledger, request);
  const isSeen = (!isLost && shown.message !== null) || shown.copies.length > 0;
  return toEach(context, request, shown, async (user, before, keep) => {
    const milestone = milestoneOf(request, cluster, before.milestones, user, extension, presence?.departed);
    // Nothing is announced before approvers see it (law 5).
    if (!milestone || (milestone.name === "asked" && !isSeen)) return before;
    return updateDirectMessage(context, user, request.version, milestone, before, keep);
  });
}

/** Remembers each message at once, so that none is sent twice. */
async function toEach(
  context: MessengerContext,
  request: AccessRequest,
  shown: ShownMessages,
  write: (
    user: string,
    before: DirectMessages,
    keep: (after: DirectMessages) => Promise<void>,
  ) => Promise<DirectMessages>,
): Promise<ShownMessages> {
  let now = shown;
  await forEach(peopleOf(request), async (user) => {
    const isAsker = user !== request.requester;
    const { direct, milestones } = isAsker ? (now.asker ?? nothingShown) : now;
    const keep = async (after: DirectMessages) => {
      if (after.direct === direct && after.milestones === milestones) return;
      now = isAsker ? { ...now, asker: after } : { ...now, ...after };
      await rememberShown(context, request, { ...now, version: 0 });
    };
    await keep(await write(user, { direct, milestones }, keep));
  });
  return now;
}

/** The rest goes on without what fails: Slack can limit one message, and take another one. @throws the first failure */
async function forEach<T>(each: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const one of each) await act(one).catch((failure: unknown) => failures.push(failure));
  if (failures.length > 0) throw failures[0];
}

const maxCopies = 20;

/** If their channel is out of reach, once each: a deleted channel never blocks a record. Copies follow the record. */
export async function showCopies(
  context: MessengerContext,
  showing: ChannelMessage,
  shown: ShownMessages,
  approvers: readonly string[],
  isLost: boolean,
): Promise<ShownMessages> {
  const { record } = showing;
  const copies: ApproverCopy[] = [];
  await forEach(shown.copies, async (copy) => {
    const cluster = context.config.clusters.get(record.cluster);
    // In doubt the buttons stay: a click asks Slack again.
    const reader = await readerFor(context, cluster, copy.user).catch(() => null);
    const message = reader ? copyFor(showing.message, record, cluster, reader) : showing.message;
    if ((await updateInChannel(context, { ...showing, message }, copy)) === "shown") copies.push(copy);
  });
  const asked = new Set(copies.map(({ user }) => user));
  const missing = isLost ? approvers.filter((user) => !asked.has(user)) : [];
  for (const user of missing.slice(0, Math.max(0, maxCopies - copies.length))) {
    // Slack takes about one message a second: the next look asks the others about the newest version, if it still needs them.
    if ((await recordWith(context.ledger, record.id))?.version !== record.version) break;
    const posted = await postOpening(context, showing, user);
    if (!("ts" in posted)) continue;
    copies.push({ ...posted, user });
    await rememberShown(context, record, { ...shown, version: 0, copies });
    await updateInChannel(context, showing, posted);
  }
  return { ...shown, copies };
}

function milestone(name: string, text: string): Milestone {
  return { name, message: { text, blocks: [section(text)] } };
}

function subjectOf(record: LedgerRecord): string {
  const id = code(record.id);
  return isMigration(record) ? id : `${code(record.level)} on ${code(record.cluster)} (${id})`;
}

const askedInstead = "channel-lost-asked";
export function lostChannelMilestones(
  record: LedgerRecord,
  why: string,
  { copies, milestones }: ShownMessages,
): readonly Milestone[] {
  if (milestones.includes(askedInstead)) return [];
  const { id, cluster, state } = record;
  const subject = subjectOf(record);
  if (state !== "pending") {
    const text = `The message about ${subject} no longer updates. ${asClause(why)}. I'll DM you instead.`;
    return [milestone("channel-lost", text)];
  }
  const failed = `Couldn't reach the approvers of ${code(cluster)} in their channel about ${subject}. ${asClause(why)}.`;
  const how =
    copies.length > 0
      ? `I sent direct messages to ${mentions(copies.map(({ user }) => user))}.`
      : `Approvers can use ${code(`/eks-access approve ${id}`)}.`;
  // Two names: the first message can come before any copy, and a later one then names the approvers.
  return [milestone(copies.length > 0 ? askedInstead : "channel-lost", `${failed} ${how}`)];
}

export function deletedMessageMilestone(request: AccessRequest, ts: string): Milestone {
  return milestone(`deleted-${ts}`, `The message about ${subjectOf(request)} no longer updates; I posted it again.`);
}

export function tooFewMilestone(request: AccessRequest, { present }: Presence): Milestone {
  const left = present.length > 0 ? `only ${mentions(present)}` : "none";
  const text =
    `Too few approvers for ${subjectOf(request)}: ${left}. ` +
    `An operator can add approvers for ${code(request.cluster)}. Expires ${time(request.expiresAt)}.`;
  return milestone("too-few-approvers", text);
}

/** More people than one cluster's approvers. */
const maxPeople = 100;

type HomeRecord = Pick<AccessRequest, "id" | "cluster"> & Asked;

/** Updates the App Homes that show this record, if their people ever opened them. */
export function wakeHomes(context: MessengerContext<MessageLedger>, record: HomeRecord): Promise<void> {
  const cluster = context.config.clusters.get(record.cluster);
  return wakeHomesOf(context, [...peopleOf(record), ...(cluster ? clusterApprovers(cluster) : [])]);
}

/** The same of these people and user groups. @param names null: all Homes */
export async function wakeHomesOf(
  { ledger, queues, directory, log }: MessengerContext<MessageLedger>,
  names: readonly string[] | null,
): Promise<void> {
  try {
    const people = names && (await peopleNamed(directory, names)).slice(0, maxPeople);
    // Homes are remembered by the organization's ids; the policy can name an older one.
    const ids = people && (await Promise.all(people.map((user) => directory.idOf(user).catch(() => user))));
    const users = [...(await ledger.homesOf(ids)).keys()];
    const jobs = users.map((user) => ({ type: "show-home", user }) as const);
    await wakeAll(queues, jobs);
  } catch (error) {
    // Opening a Home updates it too, so a failure here must not stop a message.
    log.warn({ err: error }, "could not wake the App Homes");
  }
}
