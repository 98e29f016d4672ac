import { formatDuration } from "../../access/ask/duration.ts";
import { isApprovable } from "../../access/decide.ts";
import { isPermanent, type OtherLease } from "../../access/lease/lease-record.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { maySeeRequest } from "../../access/policy/permissions.ts";
import { describeNamespaces, everyNamespace } from "../../access/policy/rights.ts";
import { isNamedIn, type Person } from "../../access/policy/rule.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { givesFullControl, isHeld } from "../../access/request.ts";
import { dueIn, isDecisionDue, maxCalled, type Presence } from "../app/people-called.ts";
import {
  approveButton,
  askAgainButtons,
  denyButton,
  detailsButton,
  extendButtons,
  reviewedButton,
  revokeButton,
} from "../show/buttons.ts";
import { shortTroubleText } from "../show/failure-words.ts";
import { type Message, newerMessageNote } from "../show/message.ts";
import {
  actions,
  code,
  context,
  firstOf,
  mentions,
  oneOf,
  plainLine,
  section,
  styled,
  time,
  unformatted,
} from "../show/mrkdwn.ts";
import {
  admitsText,
  asksText,
  emergencyTitle,
  placeText,
  removedClause,
  stateText,
  unapprovable,
} from "../show/words.ts";
import {
  type Card,
  failingText,
  headline,
  inNamespaces,
  isForEveryoneWithRole,
  leaseWarnings,
  linesOf,
  phoneLine,
  plainWithin,
  settledCard,
} from "./settled-card.ts";

/** Letters of the reason in the first post, and of the rights in every namespace beside others. */
const longest = { reason: 80, wide: 32 };

/** Lines for the rights, and for the reason, in the text that a phone does not show. */
const maxRoom = 14;

/**
 * The first post, which an update turns into the card. It mentions people, because an update notifies no one. If
 * Slack's answer to a post gets lost, the message appears twice: this one has no button and nothing that can become
 * untrue.
 */
export function openingMessage(
  request: AccessRequest,
  cluster: Cluster | undefined,
  presence: Presence | null = null,
): Message {
  const { id, reason } = request;
  const asks = asksText(request);
  const title = request.emergency ? emergencyTitle(request) : `:hourglass_flowing_sand: *${asks}*`;
  const people = peopleToAct(request, cluster, presence);
  const called = [...(request.emergency ? ["<!channel>"] : []), mentions(people, maxCalled)];
  const please = called.filter((each) => each !== "").join(" ");
  return {
    text: `${please}: ${request.emergency ? title : asks}: ${plainLine(reason)}`,
    blocks: [
      section([title, `>${plainWithin(reason, longest.reason)}`, ...(please ? [please] : [])].join("\n")),
      context(newerMessageNote(`Request ${code(id)}`)),
    ],
  };
}

/** Slack user ids and user groups. */
function peopleToAct(request: AccessRequest, cluster: Cluster | undefined, presence: Presence | null) {
  const names = cluster ? dueIn(request, cluster).names : [];
  return names.filter((name) => !presence?.departed.includes(name));
}

/**
 * The card in the cluster's channel: at most twelve lines on a phone before the decision, three after it, and more only
 * where names are long. A pure function of the record and the approvers; Details has what it cuts.
 * @param extension the lease that extends this one: its card has the buttons
 */
export function approvalMessage(
  request: AccessRequest,
  cluster: Cluster | undefined,
  presence: Presence | null = null,
  extension: ApprovedRequest | null = null,
): Message {
  const who = peopleToAct(request, cluster, presence);
  const isSettled = request.state !== "pending" && who.length === 0;
  const open = () => (cluster ? askingCard(request, cluster, who, presence) : removedCard(request));
  const { lines, blocks } = isSettled ? settledCard(request, cluster, extension) : open();
  return { text: unformatted(lines.join("\n")), blocks: [...blocks, ...buttonsOf(request, cluster, extension)] };
}

/** The same card in direct messages, with the buttons that its reader can still use. The policy or a user group can change after the post. */
export function copyFor(card: Message, record: LedgerRecord, cluster: Cluster | undefined, reader: Person): Message {
  if (!cluster) return card;
  const isDue = isDecisionDue(record);
  const isEmergency = !isMigration(record) && record.emergency !== null;
  const approved = isEmergency ? [] : record.approvals.map(({ by }) => by);
  const deciding = [...dueIn(record, cluster).names, ...approved];
  const maySee = maySeeRequest(record, cluster, reader);
  if (maySee && (!isDue || isNamedIn(deciding, reader))) return card;
  const note = ":warning: You are no longer an approver of this.";
  return {
    text: isDue ? `${card.text}\n${unformatted(note)}` : card.text,
    blocks: [
      ...card.blocks.filter(({ type }) => type !== "actions"),
      ...(isDue ? [context(note)] : []),
      ...(maySee ? [actions(record.id, [detailsButton(record)])] : []),
    ],
  };
}

/** No one can decide without the cluster: rights and warnings would only hide that. */
function removedCard(request: AccessRequest): Card {
  const lines = (room: number) => [
    `:hourglass_flowing_sand: *${asksText(request)}*`,
    admitsText(request),
    `>${plainWithin(request.reason, room * phoneLine.section)}`,
    `:warning: ${removedClause(request)}. Ask an operator to add it again. Expires ${time(request.expiresAt)}`,
  ];
  return { lines: lines(maxRoom), blocks: [section(lines(1).join("\n"))] };
}

/** The rights and the reason have as many lines as are left. */
function askingCard(request: AccessRequest, cluster: Cluster, who: readonly string[], presence: Presence | null): Card {
  const lines = (room: number) => askingLines(request, cluster, who, room);
  const notes = (room: number) => [...warningLines(request, room), ...presenceLines(presence, room)];
  // The buttons of an emergency take two rows.
  const most = request.emergency ? 10 : 11;
  const room = [2, 1].find((each) => phoneLines(lines(each)) + phoneLines(notes(each), phoneLine.context) <= most) ?? 0;
  return {
    lines: [...lines(maxRoom), ...notes(maxRoom)],
    blocks: [section(lines(room).join("\n")), ...notes(room).map(context)],
  };
}

const phoneLines = (lines: readonly string[], letters: number = phoneLine.section) =>
  linesOf(lines.join("\n"), letters);

/** @param room lines for the rights, and for the reason; less than two: people and words are cut, too */
function askingLines(request: AccessRequest, cluster: Cluster, who: readonly string[], room: number) {
  const isTight = room < 2;
  const place = room < maxRoom ? inNamespaces(request, 40) : placeText(request);
  const left = request.approvalsWanted - request.approvals.length;
  const waits =
    request.emergency || isApprovable(request, cluster)
      ? waitingText(request, oneOf(who, isTight || who.length > 2 ? 1 : 2, left), isTight)
      : unapprovable;
  return [
    request.emergency ? emergencyTitle(request) : `:hourglass_flowing_sand: *${asksText(request, place)}*`,
    admitsText(request),
    ...allowsLines(request, room),
    ...(room > 0 ? [`>${plainWithin(request.reason, room * phoneLine.section)}`] : []),
    `${request.emergency ? headline(request) : lastsText(request, isTight)}. ${waits}`,
  ];
}

/** The level's rights, the most important first. */
function allowsLines(request: AccessRequest, room: number): readonly string[] {
  const { preview, state } = request;
  if (state !== "pending" || !preview?.rights?.length) return [];
  // The first warning says it.
  if (room < 2 && givesFullControl(request)) return [];
  const chosen = describeNamespaces(request.namespaces.split(","));
  // The title names the chosen namespaces: their names must not take the place of the rights.
  const placeOf = (where: string) => (room < maxRoom && where === chosen && where.length > 22 ? "there" : where);
  const texts = [...new Set(preview.rights.map(({ allows, where }) => `${placeOf(where)}: ${allows}`))];
  const letters = Math.max(1, room) * phoneLine.section - "Allows ".length;
  const [first = "", ...others] = texts;
  const all = texts.join("; ");
  const wide = (room > 0 ? others : texts).find((text) => text.startsWith(everyNamespace));
  if (room === 0 && !wide) return [];
  if (!wide || all.length <= letters) return [`Allows ${styled(all, letters)}`];
  if (room < 2) return [`Allows ${styled(wide, letters)}`];
  const end = `; ${styled(wide, longest.wide)}`;
  return [`Allows ${styled(first, letters - end.length)}${end}`];
}

function lastsText({ until, durationSeconds, ticket }: AccessRequest, isTight: boolean): string {
  const lasts = isPermanent(durationSeconds) ? "*No end date*" : `For ${formatDuration(durationSeconds)} from approval`;
  return `${until === null ? lasts : `Until ${time(until)}`}${ticket && !isTight ? `, ticket ${code(ticket)}` : ""}`;
}

function waitingText(request: AccessRequest, who: string, isTight: boolean): string {
  const { approvals, approvalsWanted, preview, emergency } = request;
  const from = who || "an approver";
  if (emergency) return `*Needs review* by ${from}`;
  if (!preview) return stateText(request);
  if (approvalsWanted === 1) return `Waiting for ${from}`;
  return `${approvals.length} of ${approvalsWanted} approvals. ${isTight ? "Next:" : "Waiting for"} ${from}`;
}

/** A word for each warning, the gravest first, and each present failure. Details has the sentences. */
function warningLines(request: AccessRequest, room: number): readonly string[] {
  const all = new Set(request.state === "pending" ? warningsBefore(request) : leaseWarnings(request));
  const words = firstOf([...all], maxWarnings, (left) => `${left} more`);
  const trouble = room < 2 ? failingText(request) : shortTroubleText(request);
  return [...(words.length > 0 ? [`:warning: *Warnings*: ${words.join(", ")}`] : []), ...(trouble ? [trouble] : [])];
}

function presenceLines(presence: Presence | null, room: number): readonly string[] {
  if (!presence) return [];
  const { present, departed } = presence;
  const none = ":warning: No approver is left in Slack";
  if (present.length === 0) return [room === 0 ? none : `${none}. Ask an operator to add approvers`];
  return departed.length === 0 ? [] : [`:warning: Can't approve: ${mentions(departed, room < 2 ? 1 : 20)}`];
}

/** The digest in a button binds the click to the change that this card and its Details show. */
function buttonsOf(request: AccessRequest, cluster: Cluster | undefined, extension: ApprovedRequest | null) {
  const { id, preview, emergency } = request;
  const ofLease = isHeld(request) ? [...extendButtons(request), revokeButton(request)] : askAgainButtons(request);
  const acting = [
    ...(request.state === "pending" && preview && cluster
      ? [...(isApprovable(request, cluster) ? [approveButton(request)] : []), denyButton(request)]
      : []),
    ...(emergency && !emergency.review ? [reviewedButton(request)] : []),
    ...(extension ? [] : ofLease),
  ];
  const elements = [...(cluster ? acting : []), detailsButton(request)];
  return [actions(`card-${id}-${preview?.digest.slice(0, 12) ?? ""}`, elements)];
}

/** Each warning of a preview begins with its word for the card, and a colon. */
const warningForm = /^([^:`]{1,32}): /;

/** The most words on a card; Details has a sentence for each. */
const maxWarnings = 7;

function warningsBefore(request: AccessRequest): readonly string[] {
  const { durationSeconds, preview, voided, dropped } = request;
  return [
    ...(givesFullControl(request) ? ["full control"] : []),
    ...(isPermanent(durationSeconds) ? ["no end date"] : []),
    ...(isForEveryoneWithRole(request) ? ["shared role"] : []),
    ...(preview?.leases.some((each) => givesMore(each, request)) ? ["other leases"] : []),
    ...(voided || dropped.length > 0 ? ["an approval no longer counts"] : []),
    ...(preview?.warnings ?? []).map(wordOf),
  ];
}

/** An extension goes on with what its own access gives: the lease that it extends, and earlier ones, add nothing to it. */
function givesMore({ id, groups, endsAt }: OtherLease, request: AccessRequest): boolean {
  const { extends: extended, until } = request;
  if (extended === null || until === null) return groups.length > 0;
  return (
    id !== extended && groups.some((each) => !request.groups.includes(each) || Date.parse(endsAt) > Date.parse(until))
  );
}

function wordOf(warning: string): string {
  const word = warningForm.exec(warning)?.[1];
  return word ? plainLine(word.charAt(0).toLowerCase() + word.slice(1)) : styled(warning, 48);
}
