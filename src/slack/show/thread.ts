import {
  isEndReviewPending,
  isFirstSignInRunning,
  isReviewPending,
  isSignInPending,
} from "../../access/lease/lease.ts";
import { isPermanent, type Lease } from "../../access/lease/lease-record.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isNamedIn } from "../../access/policy/rule.ts";
import { type AccessRequest, askerOf } from "../../access/record.ts";
import { recordWith } from "../../ledger/look-ups.ts";
import { wake } from "../../ledger/queues.ts";
import type { MessageRef, ShownMessages } from "../../ledger/stored.ts";
import { dueIn, maxCalled, whoIsCalled } from "../app/people-called.ts";
import { readerFor } from "../app/request-people.ts";
import { isGone, slackFailure } from "../app/web-client.ts";
import { migrationThreadOf } from "../migrate/migration-words.ts";
import { quotedLine } from "./failure-words.ts";
import type { Message, ThreadEntry } from "./message.ts";
import { code, cut, mention, mentions, plainLine, section, time, unformatted } from "./mrkdwn.ts";
import { endProofLines, proofMarks } from "./proof.ts";
import type { MessengerContext } from "./show-in-channel.ts";
import { droppedTexts, placeText, remainsText, replayedClause, reviewState, stateText, voidedText } from "./words.ts";

/** Oldest first. Pure, so after an outage of Slack the rest follows in order. `due`: the people and groups to call. */
export function threadOf(
  request: AccessRequest,
  replies: readonly string[],
  cluster: Cluster | undefined,
  due: readonly string[] = cluster ? dueIn(request, cluster).names : [],
): readonly ThreadEntry[] {
  const called = cluster ? mentions(due, maxCalled) : "";
  const { trouble, lease, state } = request;
  return [
    ...approvalEntries(request, called),
    ...request.dropped.map((each) => ({ name: `dropped-${each.by}-${each.at}`, text: droppedTexts([each]).join() })),
    ...stateEntries(request),
    ...reminderEntry(request, called),
    ...leaseEntries(request, replies),
    ...endEntries(request, replies),
    ...reviewEntries(request, called),
    // Once for each failure: the message shows the newest attempt.
    ...(trouble
      ? [
          {
            name: `${lease?.state ?? state}-${trouble.code}`,
            text: `:warning: Retrying:${quotedLine(trouble.message)}`,
          },
        ]
      : []),
  ];
}

/** Whether it mentions approvers who must decide or review. */
function isReminder({ name }: ThreadEntry): boolean {
  return /^(?:reminder|unreviewed)-/.test(name);
}

/** One reply for all new events: Slack takes about one message a second in a channel. */
export function threadMessage(entries: readonly ThreadEntry[]): Message {
  return {
    text: cut(unformatted(entries.map(({ text }) => text).join("\n")), 3000),
    blocks: entries.slice(-12).map(({ text }) => section(text)),
  };
}

/** What a mention is about: a locked phone shows it alone. */
function whatOf(request: AccessRequest): string {
  return `${code(request.level)} on ${code(request.cluster)}${placeText(request)}`;
}

function approvalEntries(request: AccessRequest, called: string): ThreadEntry[] {
  const { approvals, approvalsWanted, emergency, state } = request;
  if (emergency)
    return approvals.map(({ by, at }) => ({
      name: `emergency-${at}`,
      text: `${mention(by)} took emergency access ${time(at)}.`,
    }));
  const others = state === "pending" ? called : "";
  const what = `${whatOf(request)} for ${mention(request.requester)}`;
  return approvals.map(({ by, at }, index) => {
    const count = approvalsWanted > 1 ? `, ${index + 1} of ${approvalsWanted}` : "";
    const next = others && index === approvals.length - 1 ? ` ${others}: ${what} needs your approval too.` : "";
    return { name: `approved-${by}-${at}`, text: `Approved by ${mention(by)} ${time(at)}${count}.${next}` };
  });
}

function stateEntries(request: AccessRequest): ThreadEntry[] {
  const { state, voided } = request;
  if (state === "pending") return voided ? [{ name: `void-${voided.message}`, text: voidedText(voided) }] : [];
  if (state === "refused") return [{ name: state, text: `Refused:${quotedLine(request.refusal.message)}` }];
  return state === "approved" ? [] : [{ name: state, text: `${stateText(request, 600)}.` }];
}

/** Mentions the approvers: an update in place notifies no one. */
function reminderEntry(request: AccessRequest, called: string): ThreadEntry[] {
  const { state, preview, reminders, expiresAt } = request;
  if (state !== "pending" || !preview || !reminders?.sent || !called) return [];
  const text = `${called}: ${mention(askerOf(request))} waits for your decision about ${whatOf(request)}. Decide above. Expires ${time(expiresAt)}.`;
  return [{ name: `reminder-${preview.at}-${reminders.sent}`, text }];
}

/** A reminder each day, until an approver reviews the emergency. */
function reviewEntries(request: AccessRequest, called: string): ThreadEntry[] {
  const { emergency } = request;
  if (!emergency) return [];
  if (emergency.review) {
    const { why } = emergency.review;
    return [{ name: "reviewed", text: `${reviewState(request)}${why ? `: ${plainLine(why, 600)}` : "."}` }];
  }
  if (emergency.reminders === 0 || !called) return [];
  const text = `${called}: the emergency access of ${mention(request.requester)}, ${whatOf(request)}, needs your review. Press Mark reviewed above.`;
  return [{ name: `unreviewed-${emergency.reminders}`, text }];
}

function leaseEntries({ lease, durationSeconds }: AccessRequest, replies: readonly string[]): ThreadEntry[] {
  const entries: ThreadEntry[] = [];
  // A reply never changes, so it waits some seconds for the whole proof.
  if (!lease?.activeSince || isFirstSignInRunning(lease)) return entries;
  entries.push(...activeEntry(lease, lease.activeSince, durationSeconds, replies));
  const { at, signedIn } = lease.proof ?? {};
  if (signedIn?.result === "no") {
    entries.push({ name: `refused-${at}`, text: `:warning: Signing in:${quotedLine(signedIn.detail)}` });
  }
  const { drift } = lease;
  if (drift) entries.push({ name: `drift-${drift.at}`, text: `Access lost:${quotedLine(drift.message, 400)}` });
  const last = replies.findLast((name) => name.startsWith("drift-") || name.startsWith("repaired-"));
  if (!drift && !lease.end && lease.state === "active" && last?.startsWith("drift-")) {
    entries.push({ name: last.replace("drift-", "repaired-"), text: "Access restored." });
  }
  if (lease.warnedAt) entries.push({ name: "warned", text: `Ends ${time(lease.endsAt)}; I warned the requester.` });
  return entries;
}

/** A slow sign-in gets a second reply. */
function activeEntry(
  lease: Lease,
  activeSince: string,
  durationSeconds: number,
  replies: readonly string[],
): readonly ThreadEntry[] {
  const { proof, endsAt, signInTrouble, reviewTrouble } = lease;
  const isUnfinished = (lease.signInDueAt !== null && signInTrouble !== null) || reviewTrouble !== null;
  if (isUnfinished && replies.includes("active")) return [];
  const marks = proof ? `proved: ${proofMarks(proof)}` : "";
  if (!isUnfinished && replies.includes("active-unfinished")) {
    return [{ name: "active", text: `The proof is complete: ${proof ? proofMarks(proof) : ""}.` }];
  }
  const end = isPermanent(durationSeconds) ? "Permanent." : `Ends ${time(endsAt)}.`;
  const again = [
    ...(reviewTrouble && isReviewPending(lease) ? [reviewTrouble] : []),
    ...(signInTrouble && isSignInPending(lease) ? [signInTrouble] : []),
  ].map(({ message }) => `\nRetrying:${quotedLine(message, 300)}`);
  const text = `Active since ${time(activeSince)}${marks && `, ${marks}`}. ${end}${again.join("")}`;
  return [{ name: isUnfinished ? "active-unfinished" : "active", text }];
}

function endEntries(request: AccessRequest, replies: readonly string[]): ThreadEntry[] {
  const { lease } = request;
  const entries: ThreadEntry[] = [];
  if (!lease) return entries;
  const { end } = lease;
  if (end?.cause === "revoked") {
    const why = end.why && `: ${plainLine(end.why, 600)}`;
    entries.push({ name: "ending", text: `${mention(end.by)} started to revoke it ${time(end.at)}${why || "."}` });
  }
  if (end?.cause === "replayed") {
    entries.push({ name: "replayed", text: `:warning: Refused ${time(end.at)}: ${replayedClause}.` });
  }
  if (lease.state === "ended") entries.push(...endedEntry(request, lease, replies));
  if (lease.state === "failed") {
    entries.push({ name: "failed", text: `Couldn't apply it:${quotedLine(lease.failure.message)}` });
  }
  return entries;
}

/** If the API server does not answer, a second reply has its answer. */
function endedEntry(request: AccessRequest, lease: Lease, replies: readonly string[]): readonly ThreadEntry[] {
  const isUnproved = isEndReviewPending(lease);
  if (isUnproved && replies.includes("ended")) return [];
  const proof = endProofLines(lease);
  if (!isUnproved && replies.includes("ended-unproved")) {
    return [{ name: "ended", text: `Checked the end again:\n${proof}` }];
  }
  const at = time(lease.endedAt ?? lease.endsAt);
  const text = `Ended ${at}: ${remainsText(request)}.${forgottenNote(request)}${proof && `\n${proof}`}`;
  return [{ name: isUnproved ? "ended-unproved" : "ended", text }];
}

/** Without a record in the cluster, only Redis has the revocation. */
function forgottenNote({ lease }: AccessRequest): string {
  if (!lease?.isForgotten) return "";
  return ` :warning: The cluster may have no record of this revocation. Until ${time(lease.endsAt)}, anyone who writes to Redis could undo it.`;
}

/** A moment later, so that many changes become one reply. */
export async function wakeForThread(
  context: MessengerContext,
  record: LedgerRecord,
  { message, copies }: ShownMessages,
): Promise<void> {
  if (!message && copies.length === 0) return;
  if ((await newEntries(context, record)).length > 0)
    await wake(context.queues, { type: "show-thread", record: record.id });
}

/** A job of its own: Slack takes about one post a second in a channel, and nothing must wait for that. @throws AccessError */
export async function showThread(context: MessengerContext, id: string): Promise<void> {
  const { ledger, updates } = context;
  await updates.rememberReplies(ledger, id, []);
  const [record, shown] = await Promise.all([recordWith(ledger, id), ledger.shown(id)]);
  if (!record || !shown) return;
  const cluster = context.config.clusters.get(record.cluster);
  const due = cluster && (await whoIsCalled(context.directory, dueIn(record, cluster)));
  const entries = await newEntries(context, record, due);
  if (entries.length === 0) return;
  if (shown.message && (await reply(context, record, shown.message, entries))) {
    return updates.rememberReplies(ledger, id, namesOf(entries));
  }
  // Approvers with a direct message get their reminder there.
  const reminders = entries.filter(isReminder);
  if (reminders.length === 0 || shown.copies.length === 0) return;
  const { names = [], out = [] } = cluster ? dueIn(record, cluster) : {};
  for (const copy of shown.copies.filter(({ user }) => !out.includes(user))) {
    const reader = await readerFor(context, cluster, copy.user).catch(() => null);
    if (!reader || isNamedIn(names, reader)) await reply(context, record, copy, reminders);
  }
  await updates.rememberReplies(ledger, id, namesOf(reminders));
}

async function newEntries(
  { ledger, config }: Pick<MessengerContext, "ledger" | "config">,
  record: LedgerRecord,
  due?: readonly string[],
): Promise<readonly ThreadEntry[]> {
  const replies = await ledger.threadEntryNames(record.id);
  const cluster = config.clusters.get(record.cluster);
  const entries = isMigration(record)
    ? migrationThreadOf(record, cluster, due)
    : threadOf(record, replies, cluster, due);
  return entries.filter(({ name }) => !replies.includes(name));
}

function namesOf(entries: readonly ThreadEntry[]): readonly string[] {
  return entries.map(({ name }) => name);
}

/** False: the place is gone. */
async function reply(
  { client }: Pick<MessengerContext, "client">,
  { id }: LedgerRecord,
  { channel, ts }: MessageRef,
  entries: readonly ThreadEntry[],
): Promise<boolean> {
  try {
    await client.chat.postMessage({ channel, thread_ts: ts, ...threadMessage(entries), unfurl_links: false });
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw slackFailure(error, `the thread of ${id}`);
  }
}
