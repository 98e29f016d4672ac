import { othersWhoMayApprove } from "../../access/approval/approvers.ts";
import { reviewersOf } from "../../access/approval/emergency.ts";
import { isReviewing, isReviewingEnd } from "../../access/lease/review.ts";
import { isSigningIn, isSigningInAtFirst } from "../../access/lease/sign-in.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isPermanent } from "../../access/request/duration.ts";
import type { AccessRequest, Lease } from "../../access/request/record.ts";
import type { Place, Shown } from "../../ledger/migrations.ts";
import { wake } from "../../ledger/queues.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { cut, mention, mentions, plainLine, section, time } from "../blocks/mrkdwn.ts";
import { droppedTexts, endProofLines, proofMarks, remainsOf, replayed, reviewState, said } from "../blocks/words.ts";
import { type MessengerContext, sent } from "./show-in-channel.ts";

/** One thing that happened, as the thread under the channel's message tells it. */
export interface ThreadEntry {
  /** Names it in the list of what was told; each is told once. */
  readonly name: string;
  readonly text: string;
}

/**
 * Everything that happened to a request and belongs into its thread, oldest first. A pure function of the record, which
 * remembers its whole past: what came about while Slack could not be reached is told afterwards, and in order. `told` are
 * the names of what stands in the thread already; without it nobody could say that something is as it was again.
 */
export function threadOf(
  request: AccessRequest,
  told: readonly string[],
  cluster: Cluster | undefined,
): readonly ThreadEntry[] {
  return [
    ...decisionEntries(request),
    ...reminderEntry(request, cluster),
    ...leaseEntries(request, told),
    ...endEntries(request, told),
    ...reviewEntries(request, cluster),
    ...troubleEntry(request),
  ];
}

/** Whether it calls somebody to decide. */
function isReminder({ name }: ThreadEntry): boolean {
  return name.startsWith("reminder-");
}

/** One reply for all that is new: Slack takes about one message a second in a channel. */
export function threadMessage(entries: readonly ThreadEntry[]): Message {
  return {
    text: cut(entries.map(({ text }) => text).join(" "), 3000),
    blocks: entries.slice(-12).map(({ text }) => section(text)),
  };
}

function decisionEntries(request: AccessRequest): ThreadEntry[] {
  return [...approvalEntries(request), ...droppedEntries(request), ...stateEntries(request)];
}

function approvalEntries(request: AccessRequest): ThreadEntry[] {
  const { approvals, approvalsWanted, emergency } = request;
  if (emergency)
    return approvals.map(({ by, at }) => ({
      name: `glass-${at}`,
      text: `${mention(by)} broke the glass ${time(at)}.`,
    }));
  return approvals.map(({ by, at }, index) => {
    const count = approvalsWanted > 1 ? `, ${index + 1} of ${approvalsWanted}` : "";
    return { name: `approved-${by}-${at}`, text: `Approved by ${mention(by)} ${time(at)}${count}.` };
  });
}

function droppedEntries({ dropped }: AccessRequest): ThreadEntry[] {
  return dropped.map((each) => ({ name: `dropped-${each.by}-${each.at}`, text: droppedTexts([each]).join() }));
}

function stateEntries(request: AccessRequest): ThreadEntry[] {
  const { state, denial, voided } = request;
  if (state === "pending" && voided) {
    const { by, message } = voided;
    const text = `The approval by ${mentions(by)} is void: ${said(message, 400)}. The approvers are asked again.`;
    return [{ name: `void-${message}`, text }];
  }
  if (state === "cancelled") return [{ name: "cancelled", text: "Cancelled by the requester." }];
  if (state === "lapsed") {
    return [{ name: "lapsed", text: `Lapsed ${time(request.lapsesAt)}: nobody decided in time.` }];
  }
  if (state === "refused") return [{ name: "refused", text: `Refused: ${said(request.refusal?.message ?? "")}.` }];
  if (state !== "denied" || !denial) return [];
  const why = denial.why && `: ${plainLine(denial.why, 600)}`;
  return [{ name: "denied", text: `Denied by ${mention(denial.by)} ${time(denial.at)}${why || "."}` }];
}

/** Mentions those who may decide: a message that is changed in place calls nobody. */
function reminderEntry(request: AccessRequest, cluster: Cluster | undefined): ThreadEntry[] {
  const { state, preview, reminders, requester, lapsesAt } = request;
  if (state !== "pending" || !preview || !reminders?.sent || !cluster) return [];
  const approvers = mentions(othersWhoMayApprove(request, cluster));
  const text = `${approvers}: ${mention(requester)} still waits for a decision. It lapses ${time(lapsesAt)}.`;
  return [{ name: `reminder-${preview.at}-${reminders.sent}`, text }];
}

/** Nobody was asked, so somebody has to look: each day until they have. */
function reviewEntries(request: AccessRequest, cluster: Cluster | undefined): ThreadEntry[] {
  const { emergency } = request;
  if (!emergency) return [];
  if (emergency.review) return [{ name: "reviewed", text: `${reviewState(request)}.` }];
  if (emergency.reminders === 0 || !cluster) return [];
  const others = mentions(reviewersOf(request, cluster));
  const text = `${others}: nobody has reviewed this yet. Look at what was done, then press Reviewed above.`;
  return [{ name: `unreviewed-${emergency.reminders}`, text }];
}

function leaseEntries({ lease, durationSeconds }: AccessRequest, told: readonly string[]): ThreadEntry[] {
  const entries: ThreadEntry[] = [];
  // A reply is not changed any more: it waits for the whole proof, as long as that takes seconds.
  if (!lease?.activeSince || isSigningInAtFirst(lease)) return entries;
  entries.push(...activeEntry(lease, lease.activeSince, durationSeconds, told));
  const { at, signedIn } = lease.proof ?? {};
  if (signedIn?.result === "no") {
    entries.push({ name: `refused-${at}`, text: `:warning: Signing in: ${said(signedIn.detail, 600)}.` });
  }
  const { drift } = lease;
  if (drift) entries.push({ name: `drift-${drift.at}`, text: `Not in force any more: ${said(drift.message, 400)}.` });
  const last = told.findLast((name) => name.startsWith("drift-") || name.startsWith("repaired-"));
  if (!drift && !lease.end && lease.state === "active" && last?.startsWith("drift-")) {
    entries.push({ name: last.replace("drift-", "repaired-"), text: "In force again, and proved." });
  }
  if (lease.warnedAt) entries.push({ name: "warned", text: `Ends ${time(lease.endsAt)}; the requester was told.` });
  return entries;
}

/** Where signing in has to be tried again for longer, what there is of the proof is told first, and the rest when it is known. */
function activeEntry(
  lease: Lease,
  activeSince: string,
  durationSeconds: number,
  told: readonly string[],
): readonly ThreadEntry[] {
  const { proof, endsAt, signInTrouble, reviewTrouble } = lease;
  // Also of a lease that ended meanwhile.
  const isUnfinished = (lease.signInDueAt !== null && signInTrouble !== null) || reviewTrouble !== null;
  if (isUnfinished && told.includes("active")) return [];
  const marks = proof ? `proved: ${proofMarks(proof)}` : "";
  if (!isUnfinished && told.includes("active-unfinished")) {
    return [{ name: "active", text: `The proof is complete, ${marks}.` }];
  }
  const end = isPermanent(durationSeconds) ? "It is permanent." : `Its lease ends ${time(endsAt)}.`;
  const again = [
    ...(reviewTrouble && isReviewing(lease)
      ? [`; its rights are asked for again: ${said(reviewTrouble.message, 300)}`]
      : []),
    ...(signInTrouble && isSigningIn(lease)
      ? [`; signing in is tried again: ${said(signInTrouble.message, 300)}`]
      : []),
  ].join("");
  const text = `Active since ${time(activeSince)}${marks && `, ${marks}`}${again}. ${end}`;
  return [{ name: isUnfinished ? "active-unfinished" : "active", text }];
}

function endEntries(request: AccessRequest, told: readonly string[]): ThreadEntry[] {
  const { lease } = request;
  const entries: ThreadEntry[] = [];
  if (!lease) return entries;
  const { end } = lease;
  if (end?.cause === "revoked") {
    const why = end.why && `: ${plainLine(end.why, 600)}`;
    entries.push({ name: "ending", text: `${mention(end.by)} takes it away ${time(end.at)}${why || "."}` });
  }
  if (end?.cause === "replayed") {
    entries.push({ name: "replayed", text: `:warning: Refused ${time(end.at)}: ${replayed}.` });
  }
  if (lease.state === "ended") entries.push(...endedEntry(request, lease, told));
  if (lease.state === "failed") {
    entries.push({ name: "failed", text: `Could not be given: ${said(lease.failure?.message ?? "")}.` });
  }
  return entries;
}

/** Where the API server does not answer, the end is told at once, and what it said when it does. */
function endedEntry(request: AccessRequest, lease: Lease, told: readonly string[]): readonly ThreadEntry[] {
  const isUnproved = isReviewingEnd(lease);
  if (isUnproved && told.includes("ended")) return [];
  const proof = endProofLines(lease);
  if (!isUnproved && told.includes("ended-unproved")) {
    return [{ name: "ended", text: `The end was looked at again:\n${proof}` }];
  }
  const at = time(lease.endedAt ?? lease.endsAt);
  const text = `Ended ${at}: ${remainsOf(request)}.${forgottenNote(request)}${proof && `\n${proof}`}`;
  return [{ name: isUnproved ? "ended-unproved" : "ended", text }];
}

/** The message shows the newest attempt; the thread says once that it does not go on by itself. */
function troubleEntry(request: AccessRequest): ThreadEntry[] {
  const { trouble, lease, state } = request;
  if (!trouble) return [];
  const text = `:warning: ${said(trouble.message)}. It is tried again.`;
  return [{ name: `${lease?.state ?? state}-${trouble.code}`, text }];
}

/** Where the cluster itself does not know of a revocation, Redis alone keeps it from being undone. */
function forgottenNote({ lease }: AccessRequest): string {
  if (!lease?.isForgotten) return "";
  return ` :warning: The cluster could not remember that it was taken back before ${time(lease.endsAt)}: until then whoever can write to Redis could undo it.`;
}

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
