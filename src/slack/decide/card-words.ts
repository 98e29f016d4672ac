import { findingsOf } from "../../access/lease/sign-in.ts";
import { isPermanent } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { givesFullControl } from "../../access/request/request.ts";
import { admittedBy } from "../../aws-auth/index.ts";
import { code, mention, mentions, plainLine, styled, time, until } from "../show/mrkdwn.ts";
import { asClause, endCauseText, failureInShort, progressText, stateText } from "../show/words.ts";

/** The first line of a decided card: a sign, its word, and the main fact. The thread and Details have the rest. */
export function headline(request: AccessRequest): string {
  const { denial, lease, state } = request;
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

/** What an approver must consider, in a word or two, the gravest first. Details has a sentence for each. */
export function warningWords(request: AccessRequest): readonly string[] {
  const words = request.state === "pending" ? warningsBefore(request) : warningsAfter(request);
  const distinct = [...new Set(words)];
  const left = distinct.length - maxWarnings;
  return [...distinct.slice(0, maxWarnings), ...(left > 0 ? [`${left} more`] : [])];
}

export function isForEveryoneWithRole({ principal }: AccessRequest): boolean {
  const { type } = admittedBy(principal);
  return type === "role" || type === "permission-set";
}

function warningsBefore(request: AccessRequest): readonly string[] {
  const { durationSeconds, preview, voided, dropped } = request;
  return [
    ...(givesFullControl(request) ? ["full control"] : []),
    ...(isPermanent(durationSeconds) ? ["no end date"] : []),
    ...(isForEveryoneWithRole(request) ? ["shared role"] : []),
    ...(preview?.leases.some((each) => each.groups.length > 0) ? ["other leases"] : []),
    ...(voided || dropped.length > 0 ? ["an approval no longer counts"] : []),
    ...(preview?.warnings ?? []).map(wordOf),
  ];
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
