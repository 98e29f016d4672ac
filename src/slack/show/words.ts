import { formatDuration } from "../../access/ask/duration.ts";
import { isPermanent, type Lease, type MappedIdentity } from "../../access/lease/lease-record.ts";
import type { Cluster, Rule, Way } from "../../access/policy/cluster.ts";
import { isRoleText } from "../../access/policy/policy-text.ts";
import { hoursInWords } from "../../access/policy/rule.ts";
import { admittedBy, admittedInWords } from "../../access/principal.ts";
import {
  type AccessRequest,
  type ApprovedRequest,
  askerOf,
  type DroppedApproval,
  isTheirs,
  type Preview,
} from "../../access/record.ts";
import { isClosed, isRescue } from "../../access/request.ts";
import { asClause, quotedLine, shortTroubleText } from "./failure-words.ts";
import { code, codeList, cut, firstOf, mention, mentions, plainLine, time, until } from "./mrkdwn.ts";

/** Of a request that lost its level, or with a requester that no rule lets ask any more. */
export const unapprovable = "The policy changed: no one can approve it.";

/** To a decision that comes before the worker's preview, about a request or a plan. */
export const notCheckedYet = "The worker must check the cluster first. Try again in a minute.";

/** To a decision about an older change than the present one, of a request or a plan. */
export const changedSince = "The change is different now. Read it again, then decide.";

/** To an approval on a cluster that takes none now. */
export function quietText({ name, quiet }: Pick<Cluster, "name" | "quiet">): string {
  return `${code(name)} takes no approvals now: ${plainLine(quiet ?? "").replace(/\.$/, "")}.`;
}

export function removedClause({ cluster }: { readonly cluster: string }): string {
  return `${code(cluster)} was removed from eks-access.yml`;
}

/** What the working hours of a rule change for a requester; empty: nothing. */
export function hoursText({ hours }: Pick<Rule, "hours">): string {
  if (!hours || hours.outside === "warn") return "";
  const what = hours.outside === "refuse" ? "Only" : "One more approval outside";
  return `. ${what} ${hoursInWords(hours)}`;
}

export function admitsText(request: AccessRequest): string {
  const who = admittedInWords(admittedBy(request.principal), (name) => code(name, 80));
  return isClosed(request)
    ? `This request covered ${who}.`
    : `${who.charAt(0).toUpperCase()}${who.slice(1)} gets this.`;
}

/** The state with people and times, without a full stop. It says nothing that is not true yet (law 5). */
export function stateText(request: AccessRequest, maxWhy = 300): string {
  if (request.state === "pending" && request.preview) return waitingFor(request);
  if (request.state === "pending") return request.trouble ? "Not checked yet" : "Checking the cluster";
  if (request.state === "denied") {
    const { denial } = request;
    const why = denial.why && `: ${plainLine(denial.why.replace(/\.$/, ""), maxWhy)}`;
    return `Denied by ${mention(denial.by)} ${time(denial.at)}${why}`;
  }
  // The record does not have which of two people it was; the history in Details does.
  if (request.state === "cancelled") return request.askedBy === null ? "Cancelled by the requester" : "Cancelled";
  if (request.state === "expired") return `Expired ${time(request.expiresAt)} without a decision`;
  if (request.state === "refused") return `Refused: ${asClause(request.refusal.message)}`;
  return leaseStateOf(request);
}

export function asksText(request: AccessRequest, place = placeText(request)): string {
  const { requester, level, cluster } = request;
  const forPerson = askerOf(request) === requester ? "" : ` for ${mention(requester)}`;
  return `${mention(askerOf(request))} asks ${request.extends === null ? "for" : "to extend"} ${code(level)} on ${code(cluster)}${place}${forPerson}`;
}

/** The chosen namespaces, after the cluster: ` in shop`, as many as fit. Empty: none were chosen. */
export function placeText({ namespaces }: AccessRequest, maxLength = 100): string {
  return namespaces === "" ? "" : ` in ${codeList(namespaces.split(","), maxLength)}`;
}

/** After an id: `, extends r-…`; empty: it is no extension. */
export function extendsText({ extends: extended }: AccessRequest): string {
  return extended === null ? "" : `, extends ${code(extended)}`;
}

/** When the extension of a lease ends or ended, after the state of both. */
export function extendedUntil({ id, lease, durationSeconds }: ApprovedRequest): string {
  const when = lease.endedAt === null ? until(lease.endsAt, durationSeconds) : time(lease.endedAt);
  return `${when}, extended by ${code(id)}`;
}

export function forText({ requester, askedBy }: AccessRequest): string {
  return `for ${mention(requester)}${askedBy === null ? "" : `, asked by ${mention(askedBy)}`}`;
}

/** A request in a sentence to this person, with its id. */
export function subjectFor(user: string, request: AccessRequest): string {
  const { level, cluster, id, requester, askedBy } = request;
  const other = user === requester ? `asked by ${mention(askedBy ?? "")}` : `for ${mention(requester)}`;
  return `${code(level)} on ${code(cluster)}${placeText(request)} (${code(id)}${extendsText(request)}${askedBy === null ? "" : `, ${other}`})`;
}

/** The same for a notification, which a locked phone shows alone: without the id. */
export function whatFor(user: string, request: AccessRequest): string {
  const { level, cluster, requester } = request;
  const other = user === requester ? "" : ` for ${mention(requester)}`;
  return `${code(level)} on ${code(cluster)}${placeText(request)}${other}`;
}

function waitingFor(request: AccessRequest): string {
  const { approvals, approvalsWanted } = request;
  if (approvalsWanted === 1 && approvals.length === 0) return "Waiting for an approver";
  if (approvals.length === 0) return `Waiting for ${approvalsWanted} different approvers`;
  return `${approvals.length} of ${approvalsWanted} approvals: ${approversIn(request)}. Waiting for another approver`;
}

function approversIn(request: AccessRequest): string {
  const { approvals } = request;
  const own = (by: string) => (isTheirs(request, by) ? " (own request; the policy allows it)" : "");
  const all = approvals.map(({ by, at }) => `${mention(by)}${own(by)} ${time(at)}`);
  return firstOf(all, 10, (left) => `${left} more`).join(", ");
}

function leaseStateOf(request: AccessRequest): string {
  const { lease, approvals } = request;
  const by = approvals.length > 0 && !request.emergency ? `Approved by ${approversIn(request)}. ` : "";
  if (lease?.state === "active" && !lease.end) {
    const lasts = until(lease.endsAt, request.durationSeconds);
    return `${by}${lease.drift ? `*Access lost*: ${asClause(lease.drift.message)}. The lease lasts ${lasts}` : `*Active* ${lasts}`}`;
  }
  if (lease?.state === "ended") {
    return `${by}*Ended* ${time(lease.endedAt)}. ${endCauseText(lease)}; ${remainsText(request)}`;
  }
  if (lease?.state === "failed") return `${by}*Failed*: ${asClause(lease.failure.message)}`;
  return `${by}${lease ? progressText(lease) : ""}`;
}

export function progressText(lease: Lease, maxWhy = 300): string {
  if (lease.end?.cause === "expired") return "Ending: its time is up";
  if (lease.end?.cause === "replayed") return `Ending: ${replayedClause}`;
  if (lease.end) {
    return `Ending, revoked by ${mention(lease.end.by)}${lease.end.why && `: ${plainLine(lease.end.why, maxWhy)}`}`;
  }
  if (lease.voidSince) return `*Approval stopped counting* ${time(lease.voidSince)}: I remove the access`;
  return "Applying";
}

/** Why a lease from an old copy of the record is refused. A clause. */
export const replayedClause = "an old copy of this request was restored into Redis";

export function endCauseText({ end }: Lease, maxWhy = 300): string {
  if (end?.cause === "replayed") return `Refused: ${replayedClause}`;
  if (end?.cause === "cluster-gone") {
    return `Closed by ${mention(end.by)}: the cluster is gone; ${plainLine(end.why, maxWhy)}`;
  }
  return end?.cause === "revoked" ? `Revoked by ${mention(end.by)}` : "Expired";
}

export function changePlace({ way }: Preview): string {
  return places[way];
}

const places: Readonly<Record<Way, string>> = {
  "aws-auth": "aws-auth",
  "access-entry": "the access entry",
  binding: "the bindings",
};

const stillHas = "the principal still has";

/** What the principal keeps after the end: another lease, or an older entry, can still give access. */
export function remainsText(request: AccessRequest): string {
  const remains = request.lease?.remains;
  if (request.lease?.end?.cause === "cluster-gone") return "nothing is left to check";
  if (isRescue(request)) return "its access entry is deleted";
  if (request.lease?.written?.way === "binding") {
    const left = remains?.groups.some(isRoleText) ? `; ${stillHas} ${mappedIdentityText(remains)}` : "";
    return `its bindings are deleted${left}`;
  }
  if (request.lease?.written?.way === "access-entry") {
    return remains ? `${stillHas} ${mappedIdentityText(remains)} through the access entry` : "the access entry is gone";
  }
  return remains ? `${stillHas} ${mappedIdentityText(remains)} through aws-auth` : "the entry is gone from aws-auth";
}

export function mappedIdentityText(identity: MappedIdentity | null, maxLength = 600): string {
  if (!identity) return "no access (Unauthorized)";
  const username = code(identity.username, Math.floor(maxLength / 3));
  const groups = identity.groups.length > 0 ? codeList(identity.groups, maxLength - username.length - 6) : "no groups";
  return `${username} with ${groups}`;
}

export function rowState(request: AccessRequest): string {
  const trouble = isClosed(request) ? null : shortTroubleText(request);
  return `${cut(stateText(request), 500)}${trouble ? `\n${trouble}` : ""}`;
}

/** Why all approvals stopped counting, of a request or a migration. */
export function voidedText({ by, message }: NonNullable<AccessRequest["voided"]>): string {
  return `The approval by ${mentions(by)} no longer counts. The approvers must decide again.${quotedLine(message, 400)}`;
}

/** One sentence for each approval that no longer counts, newest last. */
export function droppedTexts(dropped: readonly DroppedApproval[]): readonly string[] {
  return dropped
    .slice(-5)
    .map(({ by, why }) => `The approval by ${mention(by)} no longer counts.${quotedLine(why, 300)}`);
}

export function durationText({ until: end, durationSeconds }: AccessRequest): string {
  return end === null ? formatDuration(durationSeconds) : `until ${time(end)}`;
}

export function leaseField(request: AccessRequest): string {
  return request.until === null ? `*For*\n${leaseOf(request)}` : `*Until*\n${time(request.until)}`;
}

function leaseOf({ durationSeconds, emergency }: AccessRequest): string {
  if (isPermanent(durationSeconds)) return "*permanent*: until revoked";
  return `${formatDuration(durationSeconds)} from ${emergency ? "the start" : "approval"}`;
}

/** Loud, because no approver was asked. */
export function emergencyTitle(request: AccessRequest): string {
  const { requester, level, cluster } = request;
  if (isRescue(request)) {
    return `:rotating_light: *${mention(requester)} took emergency control of ${code(cluster)} to rescue it (no approval)*${ranAs(request)}`;
  }
  return `:rotating_light: *${mention(requester)} took emergency ${code(level)} on ${code(cluster)} (no approval)*`;
}

/** In a rescue the person at the terminal gives a Slack name; AWS identifies them. */
function ranAs({ emergency }: AccessRequest): string {
  const unverified = "\nSlack name unverified.";
  return emergency?.as.length
    ? `${unverified} AWS says: ${emergency.as.map((each) => code(each)).join(", ")}`
    : unverified;
}

/** Empty: no review is due. */
export function reviewState({ emergency }: AccessRequest): string {
  if (!emergency) return "";
  if (!emergency.review) return "*Needs review* by an approver";
  return `Reviewed by ${mention(emergency.review.by)} ${time(emergency.review.at)}`;
}
