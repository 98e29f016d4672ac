import type { Button, KnownBlock } from "@slack/types";
import { othersWhoMayApprove } from "../../access/approval/decide.ts";
import { reviewersOf } from "../../access/approval/emergency.ts";
import type { OtherLease } from "../../access/lease/lease-record.ts";
import { findingsOf } from "../../access/lease/sign-in.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { everyNamespace } from "../../access/policy/rights.ts";
import { formatDuration, isPermanent } from "../../access/request/extension.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/request/record.ts";
import { givesFullControl, isClosed, isHeld } from "../../access/request/request.ts";
import { admittedBy } from "../../aws-auth/index.ts";
import {
  approveButton,
  askAgainButtons,
  denyButton,
  detailsButton,
  extendButtons,
  reviewedButton,
  revokeButton,
} from "../show/buttons.ts";
import type { Message } from "../show/message.ts";
import {
  actions,
  code,
  context,
  mention,
  mentions,
  oneOf,
  plainLine,
  section,
  styled,
  time,
  unformatted,
  until,
} from "../show/mrkdwn.ts";
import {
  admitsText,
  asClause,
  asksText,
  emergencyTitle,
  endCauseText,
  extendedUntil,
  extendsText,
  failureInShort,
  placeText,
  progressText,
  reviewState,
  shortTroubleText,
  stateText,
} from "../show/words.ts";
import type { Presence } from "./active-approvers.ts";

/** A phone shows about 43 characters in a line. Details has the whole texts. */
const longest = { line: 41, twoLines: 80, wide: 32 };

/** With more warnings, the reason has one line, the card names one person, and Details has the ticket. */
const fewWarnings = 2;

/** The most people to mention in the first post. A user group counts as one. */
const maxCalled = 10;

/**
 * The first post, which an update turns into the card. It mentions people, because an update notifies no one. If
 * Slack's answer to a post gets lost, the message appears twice: this one has no button and nothing that can become
 * untrue.
 */
export function openingMessage(request: AccessRequest, cluster: Cluster | undefined): Message {
  const { id, reason } = request;
  const asks = asksText(request);
  const title = request.emergency ? emergencyTitle(request) : `:hourglass_flowing_sand: *${asks}*`;
  const called = [...(request.emergency ? ["<!channel>"] : []), mentions(peopleToAct(request, cluster), maxCalled)];
  const please = called.filter((each) => each !== "").join(" ");
  return {
    text: `${please}: ${request.emergency ? title : asks}: ${plainLine(reason)}`,
    blocks: [
      section([title, `>${plainLine(reason, longest.twoLines)}`, ...(please ? [please] : [])].join("\n")),
      context(`Request ${code(id)}. If it does not update here, look for a newer message.`),
    ],
  };
}

/** The people who must act now: approvers of a pending request, reviewers of an emergency. Slack user ids and user groups. */
function peopleToAct(request: AccessRequest, cluster: Cluster | undefined): readonly string[] {
  if (!cluster) return [];
  if (request.emergency) return request.emergency.review ? [] : reviewersOf(request, cluster);
  return request.state === "pending" ? othersWhoMayApprove(request, cluster) : [];
}

/**
 * The card in the cluster's channel: at most twelve lines on a phone before the decision, three after it. A pure
 * function of the record and the approvers; Details has what it cuts.
 * @param extension the lease that extends this one: its card has the buttons
 */
export function approvalMessage(
  request: AccessRequest,
  cluster: Cluster | undefined,
  presence: Presence | null = null,
  extension: ApprovedRequest | null = null,
): Message {
  const who = peopleToAct(request, cluster);
  const lines =
    request.state === "pending" || who.length > 0
      ? askingLines(request, who, extension)
      : settledLines(request, cluster, extension);
  const notes = [...(extension ? [] : warningLines(request)), ...presenceLines(presence)];
  return {
    text: unformatted([...lines, ...notes].join("\n")),
    blocks: [section(lines.join("\n")), ...notes.map(context), ...buttonsOf(request, extension)],
  };
}

function askingLines(
  request: AccessRequest,
  who: readonly string[],
  extension: ApprovedRequest | null,
): readonly string[] {
  const { reason } = request;
  const isTight = warningWords(request).length > fewWarnings;
  return [
    request.emergency ? emergencyTitle(request) : `:hourglass_flowing_sand: *${asksText(request)}*`,
    admitsText(request),
    ...allowsLines(request, isTight),
    `>${plainLine(reason, isTight ? longest.line : longest.twoLines)}`,
    `${request.emergency ? headline(request, extension) : lastsText(request, isTight)}. ${waitingText(request, oneOf(who, isTight || who.length > 2 ? 1 : 2), isTight)}`,
  ];
}

/** The level's rights, the most important first. */
function allowsLines(request: AccessRequest, isTight: boolean): readonly string[] {
  const { preview, state } = request;
  if (state !== "pending" || !preview?.rights?.length) return [];
  // The first warning says it.
  if (isTight && givesFullControl(request)) return [];
  const texts = [...new Set(preview.rights.map(({ allows, where }) => `${where}: ${allows}`))];
  const room = (isTight ? longest.line : longest.twoLines) - "Allows ".length;
  const [first = "", ...others] = texts;
  const all = texts.join("; ");
  // The title names the chosen namespaces: rights in all of them must not be cut off.
  const wide = others.find((text) => text.startsWith(everyNamespace));
  if (!wide || all.length <= room) return [`Allows ${styled(all, room)}`];
  if (isTight) return [`Allows ${styled(wide, room)}`];
  const end = `; ${styled(wide, longest.wide)}`;
  return [`Allows ${styled(first, room - end.length)}${end}`];
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

/** The state, the subject and the reason. A fourth line names who gets in, if many do, or on-call after a failure. */
function settledLines(
  request: AccessRequest,
  configured: Cluster | undefined,
  extension: ApprovedRequest | null,
): readonly string[] {
  const { requester, askedBy, level, cluster, reason, emergency, lease } = request;
  const onCall = configured?.onCall ?? [];
  const taken = emergency ? `. Emergency access: ${reviewState(request)}` : "";
  return [
    headline(request, extension),
    `${mention(requester)}: ${code(level)} on ${code(cluster)}${placeText(request)}${extendsText(request)}${askedBy === null ? "" : `, asked by ${mention(askedBy)}`}${taken}`,
    ...(isForEveryoneWithRole(request) && !isClosed(request) ? [admitsText(request)] : []),
    `>${plainLine(reason, longest.line)}`,
    ...(lease?.state === "failed" && onCall.length > 0 ? [`On call: ${mentions(onCall, 2)}`] : []),
  ];
}

/** A word for each warning and each present failure. Details has the sentences. */
function warningLines(request: AccessRequest): readonly string[] {
  const words = warningWords(request);
  const trouble = shortTroubleText(request);
  return [...(words.length > 0 ? [`:warning: *Warnings*: ${words.join(", ")}`] : []), ...(trouble ? [trouble] : [])];
}

function presenceLines(presence: Presence | null): readonly string[] {
  if (!presence || presence.departed.length === 0) return [];
  const left = presence.present.length > 0 ? mentions(presence.present) : "no one. Ask an operator to add approvers";
  return [`:warning: No longer in Slack: ${mentions(presence.departed)}. Still able to decide: ${left}`];
}

/** The digest in a button binds the click to the change that this card and its Details show. */
function buttonsOf(request: AccessRequest, extension: ApprovedRequest | null): readonly KnownBlock[] {
  const { id, preview, emergency } = request;
  const elements = [
    ...(request.state === "pending" && preview ? [approveButton(request), denyButton(request)] : []),
    ...(emergency && !emergency.review ? [reviewedButton(request)] : []),
    ...(extension ? [] : leaseButtons(request)),
    detailsButton(request),
  ];
  return [actions(`card-${id}-${preview?.digest.slice(0, 12) ?? ""}`, elements)];
}

function leaseButtons(request: AccessRequest): readonly Button[] {
  if (isHeld(request)) return [...extendButtons(request), revokeButton(request)];
  return askAgainButtons(request);
}

/**
 * The first line of a decided card: the state and the main fact.
 * @param extension the lease that extends this one
 */
export function headline(request: AccessRequest, extension: ApprovedRequest | null = null): string {
  const { denial, lease, state } = request;
  if (extension && isHeld(extension)) return `:white_check_mark: *Active* ${extendedUntil(extension)}`;
  if (extension) return `:hourglass: *Ended* ${extendedUntil(extension)}`;
  if (state === "denied" && denial) {
    const why = denial.why && `: ${plainLine(denial.why, 90)}`;
    return `:no_entry: *Denied by ${mention(denial.by)}*${why}`;
  }
  if (state === "refused") return `:no_entry: *Refused*: ${asClause(request.refusal.message, 360)}`;
  if (state === "cancelled") return `:no_entry: ${stateText(request)}`;
  if (state === "expired") return ":hourglass: *Expired* without a decision";
  if (lease?.state === "active" && !lease.end && lease.drift) {
    return `:warning: *Access lost*: ${asClause(lease.drift.message, 100)}`;
  }
  if (lease?.state === "active" && !lease.end) {
    return `:white_check_mark: *Active* ${until(lease.endsAt, request.durationSeconds)}`;
  }
  if (lease?.state === "ended") return `:hourglass: *Ended* ${time(lease.endedAt)}. ${endCauseText(lease, 90)}`;
  if (lease?.state === "failed") return `:no_entry: *Failed*: ${failureInShort(lease.failure)}`;
  if (lease?.end || lease?.voidSince || request.emergency || !lease) {
    return `:hourglass_flowing_sand: ${lease ? progressText(lease, 90) : stateText(request)}`;
  }
  const approvers = request.approvals.map(({ by }) => by);
  return `:hourglass_flowing_sand: Approved by ${mentions(approvers, 3) || code("worker")}. Applying`;
}

/** Each warning of a preview begins with its word for the card, and a colon. */
const warningForm = /^([^:`]{1,32}): /;

/** The most words on a card; Details has a sentence for each. */
const maxWarnings = 7;

/** What an approver must consider, the gravest first. */
function warningWords(request: AccessRequest): readonly string[] {
  const words = request.state === "pending" ? warningsBefore(request) : warningsAfter(request);
  const distinct = [...new Set(words)];
  const left = distinct.length - maxWarnings;
  return [...distinct.slice(0, maxWarnings), ...(left > 0 ? [`${left} more`] : [])];
}

function isForEveryoneWithRole({ principal }: AccessRequest): boolean {
  const { type } = admittedBy(principal);
  return type === "role" || type === "permission-set";
}

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

function warningsAfter({ lease }: AccessRequest): readonly string[] {
  if (lease?.state === "active" && !lease.end && !lease.drift && lease.proof) {
    return findingsOf(lease.proof).flatMap(({ name, finding }) => (finding.result === "no" ? [`not ${name}`] : []));
  }
  if (lease?.state !== "ended") return [];
  const { endProof, remains } = lease;
  return [
    ...(endProof?.mapped.result === "yes" ? ["still mapped"] : []),
    ...(endProof?.authorized.result === "yes" ? ["still authorized"] : []),
    ...(endProof?.others.length ? ["another lease remains"] : []),
    ...(remains?.groups.length && endProof?.mapped.result !== "yes" ? ["older access remains"] : []),
    ...(lease.isForgotten ? ["the cluster has no record of this"] : []),
  ];
}
