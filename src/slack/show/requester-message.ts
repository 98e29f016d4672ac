import type { Button } from "@slack/types";
import { AccessError } from "../../access/access-error.ts";
import { isApprovable, othersWhoMayApprove } from "../../access/decide.ts";
import { theyCanLink } from "../../access/identities.ts";
import { isNotRestored, needsOperator, requestAgain } from "../../access/lease/drift.ts";
import { isEndedForMore, isEndReviewPending, isFirstSignInRunning, isProofPending } from "../../access/lease/lease.ts";
import type { Lease } from "../../access/lease/lease-record.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { isClosed, isHeld } from "../../access/request.ts";
import { isClusterFailure, isEndFailing, isLasting } from "../../access/retry.ts";
import {
  askAgainButton,
  askAgainButtons,
  cancelButton,
  detailsButton,
  doneButton,
  nudgeButton,
  ownLeaseButtons,
  runButton,
} from "./buttons.ts";
import { asClause, cantEndYet, failureInShort, troubleText } from "./failure-words.ts";
import type { Message } from "./message.ts";
import { code, context, mention, mentions, oneOf, plainLine, section, time, until } from "./mrkdwn.ts";
import { endProofLines, proofLines } from "./proof.ts";
import type { Milestone } from "./show-in-channel.ts";
import { signInMessage } from "./sign-in-message.ts";
import {
  admitsText,
  extendedUntil,
  progressText,
  remainsText,
  removedClause,
  subjectFor,
  unapprovable,
  whatFor,
} from "./words.ts";

/** Null: unchanged. Pure; "restored" needs an earlier "lost". @param extension the lease that extends this one */
export function milestoneOf(
  request: AccessRequest,
  cluster: Cluster | undefined,
  milestones: readonly string[] = [],
  user: string = request.requester,
  extension: ApprovedRequest | null = null,
  departed: readonly string[] = [],
): Milestone | null {
  const { trouble, lease, state } = request;
  const over = [...(cluster ? askAgainButtons(request) : []), detailsButton(request)];
  const [subject, what] = [subjectFor(user, request), whatFor(user, request)];
  const to = { user, cluster, milestones, departed, over, subject, what };
  if (extension) {
    const state = isHeld(extension) ? "is active" : "ended";
    const text = `${to.subject} ${state} ${extendedUntil(extension)}. The message of ${code(extension.id)} has its buttons.`;
    const name = `${isClosed(request) ? continued : "extended-"}${isHeld(extension) ? "" : "ended-"}${extension.id}`;
    return tell(name, text, [detailsButton(request)]);
  }
  if (!cluster && !isClosed(request)) return removedMilestone(request, to);
  if (cluster && state === "pending" && !isApprovable(request, cluster)) return unapprovableMilestone(request, to);
  if (trouble) {
    const text = waitingText(request, to) ?? `${to.subject}: ${troubleText(request)}`;
    return tell(`${lease?.state ?? state}-${trouble.code}`, text, [
      detailsButton(request),
      ...endButtons(request, user),
    ]);
  }
  return lease ? leaseMilestone(request, lease, to) : requestMilestone(request, to);
}

/** Begins the name of a milestone after the lease's end, while its access may remain. */
const continued = "continued-";

interface Reader {
  readonly user: string;
  readonly cluster: Cluster | undefined;
  /** Of a request or lease that is over. */
  readonly over: readonly Button[];
  readonly departed: readonly string[];
  /** What they have read. */
  readonly milestones: readonly string[];
  /** What the message is about, and the other person. */
  readonly subject: string;
  /** The same for a notification, which a locked phone shows alone: without the id. */
  readonly what: string;
}

/** Only operators need the cause of a cluster's failure, and of an end that fails. Null: the reader needs it. */
function waitingText(request: AccessRequest, { subject, cluster: configured }: Reader): string | null {
  const { trouble, lease, emergency, cluster, expiresAt } = request;
  if (!trouble) return null;
  const place = configured ? ` in <#${configured.channel}>` : "";
  const called = `${isLasting(trouble) ? "" : "If it lasts a minute, "}I call the operators${place}.`;
  if (isEndFailing(request)) return `${subject} should have ended, but ${cantEndYet}. I keep trying. ${called}`;
  const isBeginning = !lease || (lease.state === "scheduled" && !lease.end);
  if (!isBeginning || emergency || !isClusterFailure(trouble.code)) return null;
  const until = time(lease?.endsAt ?? expiresAt);
  return `${subject} waits: I can't work on ${code(cluster)} now. I keep trying until ${until}. ${called}`;
}

/** @param news its reader is notified */
function tell(name: string, text: string, buttons: readonly Button[], news: Reader | null = null): Milestone {
  const message = withButtons({ text, blocks: [section(text)] }, buttons);
  return { name, message, ...(news && { ping: pingOf(text, news) }) };
}

/** The first line of the message. A locked phone shows it alone: it begins with what it is about, without the id. */
function pingOf(text: string, { subject, what }: Reader): string {
  const [first = ""] = text.split("\n", 1);
  return first.replace(subject, () => what);
}

function withButtons({ text, blocks }: Message, buttons: readonly Button[]): Message {
  const actions = buttons.length > 0 ? [{ type: "actions" as const, elements: [...buttons] }] : [];
  return { text, blocks: [...blocks, ...actions] };
}

function endButtons(request: AccessRequest, user: string): readonly Button[] {
  if (request.state === "pending") return [cancelButton(request)];
  const isHeldOn = request.lease?.state === "active" && !request.lease.end && !isEndFailing(request);
  return isHeldOn ? [doneButton(request, user)] : [];
}

/** The cluster left eks-access.yml. Only a cancellation needs no cluster. */
function removedMilestone(request: AccessRequest, to: Reader): Milestone {
  const { subject } = to;
  const { lease, expiresAt, durationSeconds } = request;
  const why = removedClause(request);
  const buttons = [detailsButton(request), ...(lease ? [] : [cancelButton(request)])];
  if (!lease) {
    const waits = `Ask an operator to add it again. Expires ${time(expiresAt)}.`;
    return tell("removed", `${subject} waits: ${why}. ${waits}`, buttons, to);
  }
  const isActive = lease.state === "active" && !lease.end;
  const state = isActive ? ` is active ${until(lease.endsAt, durationSeconds)}` : `: ${progressText(lease)}`;
  return tell("removed", `${subject}${state}. ${why}. Ask an operator to add it again.`, buttons, to);
}

function unapprovableMilestone(request: AccessRequest, to: Reader): Milestone {
  const text = `${to.subject}: ${unapprovable} Cancel it, or ask an operator. Expires ${time(request.expiresAt)}.`;
  return tell("unapprovable", text, [detailsButton(request), cancelButton(request)], to);
}

function requestMilestone(request: AccessRequest, to: Reader): Milestone | null {
  const { subject } = to;
  const { state, denial, refusal } = request;
  const over = (name: string, text: string, news: Reader | null = to) => tell(name, text, to.over, news);
  if (state === "refused") {
    // The answer to the command or form had the refusal.
    if (request.version === 1) return null;
    const text = `${subject} was refused, and nothing changed: ${asClause(refusal.message)}.`;
    // An extension goes with its lease, and the end of that is the news.
    return over("refused", text, refusal.code === "lease-over" ? null : to);
  }
  if (state === "denied") {
    const why = denial.why && `: ${plainLine(denial.why.replace(/\.$/, ""), 600)}`;
    return over("denied", `${subject} was denied by ${mention(denial.by)}${why}.\nQuestions? Ask them.`);
  }
  if (state === "expired") return over("expired", `${subject} expired without a decision.`);
  if (state === "cancelled")
    return over("cancelled", `${subject} was cancelled.`, request.askedBy === null ? null : to);
  return pendingMilestone(request, to);
}

function pendingMilestone(request: AccessRequest, to: Reader): Milestone {
  const { user, subject, cluster, departed } = to;
  const { voided, preview, approvals, approvalsWanted, expiresAt } = request;
  const left = approvalsWanted - approvals.length;
  const others = cluster ? othersWhoMayApprove(request, cluster).filter((each) => !departed.includes(each)) : [];
  const who = oneOf(others, 20, left) || "an approver";
  const nudge = preview ? [nudgeButton(request)] : [];
  const wait = (name: string, text: string, news: Reader | null = null, more: readonly Button[] = []) =>
    tell(name, text, [...nudge, ...more, detailsButton(request), cancelButton(request)], news);
  const last = approvals.at(-1);
  if (last) {
    const needs = `Needs ${left} more approval${left === 1 ? "" : "s"}, from ${who}.`;
    return wait(`approval-${last.at}`, `${mention(last.by)} approved ${subject}. ${needs}`);
  }
  if (voided) {
    return wait(`void-${voided.message}`, `${subject} needs a new decision: ${asClause(voided.message)}.`, to);
  }
  if (!preview) return wait("requested", `Requested ${subject}. Checking the cluster.\n${admitsText(request)}`);
  const waits =
    approvalsWanted === 1
      ? `${who} to decide about ${subject}`
      : `${approvalsWanted} approvals, from ${who}: ${subject}`;
  const text = `Waiting for ${waits}. Expires ${time(expiresAt)}.\n${admitsText(request)}`;
  const isUnlinked = user === request.requester && preview.warnings.some((each) => each.endsWith(theyCanLink));
  if (!isUnlinked) return wait("asked", text);
  // The ARN in another person's request can be that person's own.
  const link = request.askedBy === null ? [runButton(`link ${request.principal}`, "Link it")] : [];
  return wait("asked", `${text}\n:warning: Not linked to you; approvers see that.`, null, link);
}

function leaseMilestone(request: AccessRequest, lease: Lease, to: Reader): Milestone | null {
  const { subject } = to;
  if (lease.state === "failed") {
    const why = failureInShort(lease.failure, "The thread in the channel");
    return tell("failed", `${subject} couldn't be applied: ${why}.`, to.over, to);
  }
  if (lease.state === "ended") return endedMilestone(request, lease, to);
  if (lease.end) return tell("ending", `${subject}: ${progressText(lease)}.`, [detailsButton(request)]);
  if (lease.state === "active") return activeMilestone(request, lease, to);
  const by = mentions(request.approvals.map((each) => each.by));
  const text = `${request.emergency ? "You took emergency access:" : `${by} approved`} ${subject}.\n${admitsText(request)}\nApplying it now.`;
  const name = `${request.emergency ? "emergency" : "approved"}-${request.approvals.at(-1)?.at}`;
  return tell(name, text, [detailsButton(request)]);
}

function activeMilestone(request: AccessRequest, lease: Lease, to: Reader): Milestone | null {
  const { cluster, milestones, subject } = to;
  const { drift } = lease;
  const buttons = ownLeaseButtons(request, to.user);
  if (drift) {
    const isGone = drift.message.startsWith("the namespace ");
    const isRestored = cluster?.drift === "repair" && !isGone && !isNotRestored(drift.message);
    const wait = isRestored ? "The worker restores it within minutes." : requestAgain(drift.message);
    const isOthers = needsOperator(drift.message);
    const advice = isGone ? new AccessError("namespace-absent", "").remedy : wait;
    const next = isOthers ? "Ask an operator." : advice;
    const text = `${subject} is lost: ${asClause(drift.message)}. ${next}`;
    const retry = isRestored || isOthers ? buttons : [askAgainButton(request), doneButton(request, to.user)];
    return tell(`drift-${drift.at}`, text, retry, to);
  }
  const back = milestones.findLast((name) => name.startsWith("drift-"))?.replace("drift-", "repaired-");
  if (back && !milestones.includes(back)) {
    return tell(back, `${subject} is back ${until(lease.endsAt, request.durationSeconds)}.`, buttons, to);
  }
  if (lease.warnedAt) {
    return tell("ending-soon", `${subject} ends ${time(lease.endsAt)}. Do you still need it?`, buttons, to);
  }
  return provedMilestone(request, lease, to);
}

/** If the sign-in takes longer, the message has the proof so far, and later the rest. */
function provedMilestone(request: AccessRequest, lease: Lease, to: Reader): Milestone | null {
  const { user, cluster, milestones, subject } = to;
  if (isFirstSignInRunning(lease)) return null;
  const isUnfinished = isProofPending(lease);
  if (isUnfinished && milestones.includes("active")) return null;
  const proof = proofLines(lease);
  const text = `${subject} is active ${until(lease.endsAt, request.durationSeconds)}.\n${admitsText(request)}`;
  const login = user === request.requester && cluster ? signInMessage(request, cluster) : null;
  const message = {
    text: [text, ...(login ? [login.text] : []), ...(proof ? [proof] : [])].join("\n"),
    blocks: [section(text), ...(login?.blocks ?? []), ...(proof ? [context(proof)] : [])],
  };
  const wasTold = milestones.includes("active-unfinished");
  return {
    name: isUnfinished ? "active-unfinished" : "active",
    message: withButtons(message, ownLeaseButtons(request, to.user)),
    ...(!wasTold && { ping: pingOf(text, to) }),
  };
}

/** If the API server does not answer, the message says so, and later has its answer. */
function endedMilestone(request: AccessRequest, lease: Lease, to: Reader): Milestone | null {
  const { user, milestones } = to;
  const isUnproved = isEndReviewPending(lease);
  if (isUnproved && milestones.includes("ended")) return null;
  const proof = endProofLines(lease);
  const text = `${endedText(request, lease, to)}${proof && `\n${proof}`}`;
  const wasTold = milestones.some((each) => each === "ended-unproved" || each.startsWith(continued));
  const isNews = lease.end?.by !== user && !wasTold;
  return tell(isUnproved ? "ended-unproved" : "ended", text, to.over, isNews ? to : null);
}

function endedText(request: AccessRequest, { end }: Lease, { user, subject }: Reader): string {
  if (end?.cause !== "revoked" || end.by === user) return `${subject} ended: ${remainsText(request)}.`;
  const { why: message } = end;
  const said = isEndedForMore({ end })
    ? failureInShort({ code: "document-changed", message })
    : plainLine(message, 300);
  const why = said && ` (${said})`;
  return `${subject} was revoked by ${mention(end.by)}${why}: ${remainsText(request)}.`;
}
