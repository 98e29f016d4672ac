import type { KnownBlock } from "@slack/types";
import { findingsOf, type Lease, type Trouble } from "../../access/lease/lease-record.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { admittedBy } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest, Decision } from "../../access/record.ts";
import { isClosed } from "../../access/request.ts";
import { waitsForLateCall } from "../../access/retry.ts";
import { asClause, failureInShort, inQuotes, quotedLine, shortTroubleText } from "../show/failure-words.ts";
import { code, context, mention, mentions, oneLine, plainLine, section, time, until } from "../show/mrkdwn.ts";
import { admitsText, endCauseText, extendsText, placeText, progressText, stateText } from "../show/words.ts";

export interface Card {
  /** All of it, for notifications and screen readers. */
  readonly lines: readonly string[];
  readonly blocks: KnownBlock[];
}

/**
 * Three lines on a phone. Names of people, levels and clusters are whole. Where the second line has no room for several
 * namespaces, their number begins the third line, unless that has a warning or a fact.
 */
export function settledCard(
  request: AccessRequest,
  configured: Cluster | undefined,
  extension: ApprovedRequest | null,
): Card {
  const { requester, askedBy, level, cluster, reason } = request;
  const state = headline(extension ?? request);
  const who = `${mention(requester)} ${code(level)} on ${code(cluster)}`;
  const warnings = extension ? [] : warningsAfter(request, configured);
  const facts = factsOf(request, configured?.onCall ?? [], extension);
  const note = attentionText(warnings, request) ?? facts[0];
  const whole = `${who}${inNamespaces(request, 22)}`;
  const hasRoom = linesOf(whole, phoneLine.context) === 1;
  const count = request.namespaces.split(",").length;
  const subject = hasRoom || (count === 1 && !note) ? whole : who;
  const [first, said] = (hasRoom && !note && stateInTwo(request)) || [
    onOneLine(state, phoneLine.section),
    quoted(hasRoom || count === 1 ? reason : `${count} namespaces: ${reason}`),
  ];
  const last = note ? context(onOneLine(note, phoneLine.context)) : section(said);
  return {
    lines: [
      isLost(request.lease) ? `${state}${quotedLine(request.lease.drift.message)}` : state,
      `${who}${placeText(request)}${extendsText(request)}${askedBy === null ? "" : `, asked by ${mention(askedBy)}`}`,
      ...(warnings.length > 0 ? [`:warning: *Warnings*: ${warnings.join(", ")}`] : []),
      ...(warnings.includes(shared) ? [admitsText(request)] : []),
      ...(request.trouble && !extension ? [shortTroubleText(request) ?? ""] : []),
      ...facts,
      `>${plainLine(reason)}`,
    ],
    blocks: [section(first), context(subject), last],
  };
}

/** A state, and the answer or the event that says more than what was asked; null: it has none. */
function stateInTwo({ denial, lease }: AccessRequest): readonly [state: string, said: string] | null {
  if (denial?.why) return [deniedText(denial), quoted(denial.why)];
  if (!isLost(lease)) return null;
  return [lostText, onOneLine(quotedLine(lease.drift.message).trim(), phoneLine.section)];
}

const quoted = (text: string) => `>${plainWithin(text, phoneLine.section - 3)}`;

function isLost(lease: Lease | null): lease is Lease & { drift: NonNullable<Lease["drift"]> } {
  return lease?.state === "active" && !lease.end && lease.drift !== null;
}

/** The gravest warning. Details has a sentence for each. */
function attentionText([gravest, ...others]: readonly string[], request: AccessRequest): string | null {
  if (!gravest) return null;
  if (others.length > 0) return `:warning: ${gravest}; ${others.length} more in Details`;
  const { trouble } = request;
  return trouble && gravest === troubleWord(trouble) ? failingText(request) : `:warning: ${gravest}`;
}

/** What fails or waits now, in a line; null: nothing. */
export function failingText({ trouble }: AccessRequest): string | null {
  return trouble && `:warning: ${troubleWord(trouble)}; next try ${time(trouble.retryAt)}`;
}

/** What people must know, and need not act upon. */
function factsOf(request: AccessRequest, onCall: readonly string[], extension: ApprovedRequest | null) {
  const { lease, emergency } = request;
  const review = emergency?.review;
  return [
    ...(extension ? [`Extended by ${code(extension.id)}`] : []),
    ...(lease?.state === "failed" && onCall.length > 0 ? [`On call: ${mentions(onCall, 2)}`] : []),
    ...(lease?.end?.cause === "cluster-gone" ? ["The cluster is gone"] : []),
    ...(review ? [`Emergency, reviewed by ${mention(review.by)}`] : []),
  ];
}

const lostText = ":warning: *Access lost*";
const deniedText = ({ by }: Pick<Decision, "by">) => `:no_entry: *Denied by ${mention(by)}*`;

/** The first line of a decided card: the state and the main fact. A phone shows its first words. */
export function headline(request: AccessRequest): string {
  const { denial, lease, state } = request;
  if (state === "denied") {
    const why = denial.why && `: ${plainLine(denial.why, 90)}`;
    return `${deniedText(denial)}${why}`;
  }
  if (state === "refused") return `:no_entry: *Refused*: ${inQuotes(asClause(request.refusal.message, 360))}`;
  if (state === "cancelled") return `:no_entry: ${stateText(request)}`;
  if (state === "expired") return ":hourglass: *Expired* without a decision";
  if (isLost(lease)) return lostText;
  if (lease?.state === "active" && !lease.end) {
    return `:white_check_mark: *Active* ${until(lease.endsAt, request.durationSeconds)}`;
  }
  if (lease?.state === "ended") return `:hourglass: *Ended*${endWords(lease)}`;
  if (lease?.state === "failed") return `:no_entry: *Failed*: ${inQuotes(failureInShort(lease.failure))}`;
  if (lease?.end || lease?.voidSince || request.emergency || !lease) {
    return `:hourglass_flowing_sand: ${lease ? progressText(lease, 90) : stateText(request)}`;
  }
  const approvers = request.approvals.map(({ by }) => by);
  return `:hourglass_flowing_sand: Approved by ${mentions(approvers, 3) || code("worker")}. Applying`;
}

/** When, or why before its time: together they are longer than a line, and the thread has both. */
function endWords(lease: Extract<Lease, { state: "ended" }>): string {
  if (lease.end?.cause === "expired" || !lease.end) return ` ${time(lease.endedAt)}`;
  return lease.end.cause === "revoked" ? `, revoked by ${mention(lease.end.by)}` : `. ${endCauseText(lease, 90)}`;
}

export function isForEveryoneWithRole({ principal }: AccessRequest): boolean {
  const { type } = admittedBy(principal);
  return type === "role" || type === "permission-set";
}

/** The chosen namespaces after the cluster, or their count. */
export function inNamespaces(request: AccessRequest, room: number): string {
  const count = request.namespaces.split(",").length;
  return count === 1 || request.namespaces.length <= room ? placeText(request, 3000) : ` in ${count} namespaces`;
}

function troubleWord({ code }: Trouble): string {
  return waitsForLateCall(code) ? "waiting" : "failing";
}

const shared = "everyone with the role gets in";

/** A word for each thing that still needs attention, the gravest first. */
function warningsAfter(request: AccessRequest, configured: Cluster | undefined): readonly string[] {
  const { emergency, trouble } = request;
  return [
    ...(configured || isClosed(request) ? [] : ["removed from eks-access.yml"]),
    ...(trouble ? [troubleWord(trouble)] : []),
    ...leaseWarnings(request),
    ...(emergency && !emergency.review ? ["needs review"] : []),
    ...(isForEveryoneWithRole(request) && !isClosed(request) ? [shared] : []),
  ];
}

export function leaseWarnings({ lease }: AccessRequest): readonly string[] {
  if (lease?.state === "active" && !lease.end && !lease.drift && lease.proof) {
    return findingsOf(lease.proof).flatMap(({ name, finding }) => (finding.result === "no" ? [`not ${name}`] : []));
  }
  if (lease?.state !== "ended") return [];
  const { endProof, remains } = lease;
  return [
    // It explains the other two.
    ...(endProof?.others.length ? ["another lease remains"] : []),
    ...(endProof?.mapped.result === "yes" ? ["still mapped"] : []),
    ...(endProof?.authorized.result === "yes" ? ["still authorized"] : []),
    ...(remains?.groups.length && endProof?.mapped.result !== "yes" && !endProof?.others.length
      ? ["older access remains"]
      : []),
    ...(lease.isForgotten ? ["the cluster may have no record of this"] : []),
  ];
}

/** The letters in a line of a section and of a context, on a phone of 390 px with a wide font. */
export const phoneLine = { section: 39, context: 44 } as const;

/** East Asian letters and emoji are as wide as two others. */
const wide =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/gu;

/** A user's text, as `plainLine`, no wider than so many letters. */
export function plainWithin(text: string, letters: number): string {
  let [length, width] = [0, 0];
  const line = oneLine(text);
  for (const sign of line) {
    width += sign.replace(wide, "xx").length;
    if (width > letters) return plainLine(line, length);
    length += sign.length;
  }
  return plainLine(line, letters);
}

/** As people see it: a name has thirteen letters, a time has nineteen, and the frame of a code is as wide as one. */
function seen(mrkdwn: string): string {
  return mrkdwn
    .replaceAll(/<!date[^>]*>/g, "Mar 10, 2026 9:00 PM")
    .replaceAll(/<[@!][^>]*>/g, "@alexandra.sm")
    .replaceAll(/:[a-z_]+:/g, "xx")
    .replaceAll(/`([^`]*)`/g, "$1x")
    .replaceAll(/&[a-z]+;/g, "x")
    .replaceAll(/^>|\*/gm, "")
    .replaceAll(wide, "xx");
}

/** How many lines a phone shows of it. It breaks between words, and in one that is longer than a line. */
export function linesOf(mrkdwn: string, letters: number): number {
  const lines = mrkdwn === "" ? [] : seen(mrkdwn).split("\n");
  return lines.reduce((sum, line) => sum + wrapped(line.split(" "), letters), 0);
}

function wrapped(words: readonly string[], letters: number): number {
  let [lines, used] = [1, 0];
  for (const { length } of words) {
    if (used > 0 && used + length > letters) [lines, used] = [lines + 1, 0];
    lines += Math.floor(Math.max(0, length - 1) / letters);
    used += (length % letters) + 1;
  }
  return lines;
}

const word = /(?:<[^>]*>|[^\s<])+\s*/g;
const dangling = /[\s,;:.]*(?: (?:or|by|and|because|the|a|an|to|of|in|is|has))*[\s,;:.]*$/;

/** As many words as fit into one line. Of an ARN only the name is left. */
export function onOneLine(mrkdwn: string, letters: number): string {
  if (seen(mrkdwn).length <= letters) return mrkdwn;
  const words = mrkdwn.replaceAll(/\barn:[^\s`]*\//g, "").match(word) ?? [];
  const room = letters - (mrkdwn.includes("“") ? 2 : 1);
  let line = "";
  for (const each of words) {
    if (seen(line + each).trimEnd().length > room) break;
    line += each;
  }
  const shown = line.replace(dangling, "");
  const isInCode = shown.split("`").length % 2 === 0;
  const isInQuotes = shown.lastIndexOf("“") > shown.lastIndexOf("”");
  return `${shown}${isInCode ? "`" : ""}…${isInQuotes ? "”" : ""}`;
}
