import { type Click, withoutApprovalOf } from "../../access/approvals.ts";
import { tooLongText } from "../../access/ask/ticket.ts";
import type { AuditEvent, EventType } from "../../access/audit-event.ts";
import {
  type DecisionFacts,
  type DecisionRefusal,
  decideClick,
  othersWhoMayApprove,
  personOf,
} from "../../access/decide.ts";
import { isMigrationId } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { maySeeRequest } from "../../access/policy/permissions.ts";
import { hoursInWords, type Person, ruleFor } from "../../access/policy/rule.ts";
import { type AccessRequest, askerOf, isTheirs, type PendingRequest } from "../../access/record.ts";
import { otherLeasesChanged, outdatedRequest, pendingRequest, unpreviewedRequest } from "../../access/request.ts";
import { isSealedDecision } from "../../access/seals.ts";
import { eventOf, recordChange, type UpdateStep, updateRequest } from "../../ledger/lifecycle.ts";
import { refuseForRequester } from "../app/admission.ts";
import { answers, type Buttons, type Forms, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { activeAmong } from "../app/people-called.ts";
import { factsFor } from "../app/request-people.ts";
import { decideOnMigration } from "../migrate/migration-clicks.ts";
import { approveAction, readDecideValue } from "../show/buttons.ts";
import {
  answer,
  clusterGoneAnswer,
  detailsModalId,
  failureAnswer,
  goneText,
  type Message,
  oneToAsk,
  onlyAnswer,
  ownAnswer,
  sayWhy,
} from "../show/message.ts";
import { code, mention, oneOf } from "../show/mrkdwn.ts";
import { changedSince, notCheckedYet, quietText, stateText } from "../show/words.ts";

/** SHA-256 in hex: a forged button can have any text. */
const digestLength = 64;

const noSuchRequest = goneText("This request");

/** Redis can have any text. */
const maxUser = 60;

/** The first click on Approve wins, and the others see who was first (law 2). */
export const approveButtons: Buttons = { [approveAction]: answers(approveShown) };
export const detailsForms: Forms = { [detailsModalId]: submits("Request", approveShown) };

function approveShown(context: SlackContext, by: string, value: string): Promise<Message | null> {
  return decideShown(context, value, { verdict: "approved", by, why: "" });
}

/** @param value the request or migration, and the digest of the visible change or plan */
export async function decideShown(
  context: SlackContext,
  value: string,
  answer: Omit<Click, "digest">,
): Promise<Message | null> {
  const shown = readDecideValue(value);
  if (!shown) return unreadableButton(context, answer.verdict, answer.by);
  return decideRecord(context, shown.request, { ...answer, digest: shown.digest });
}

/** Decides about a request or a migration; null: done, and its message shows it. @throws AccessError */
export function decideRecord(context: SlackContext, id: string, click: Click): Promise<Message | null> {
  return isMigrationId(id) ? decideOnMigration(context, id, click) : decideRequest(context, id, click);
}

export async function unreadableButton(context: SlackContext, act: Click["verdict"], by: string): Promise<Message> {
  await noteAttempt(context, { act, by, code: "unreadable-button" });
  return failureAnswer(noSuchRequest);
}

async function decideRequest(context: SlackContext, id: string, click: Click): Promise<Message | null> {
  const request = await context.ledger.get(id);
  const { verdict: act, by } = click;
  if (!request) {
    await noteAttempt(context, { act, by, code: "no-such-request", request: { id, cluster: "" } });
    return failureAnswer(noSuchRequest);
  }
  const gone = act === "approved" ? await refuseForRequester(context, request, by) : null;
  if (gone) return gone;
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  await noteForgedApprovals(context, request);
  const say = await updateRequest(context, id, async (current): Promise<UpdateStep<AccessRequest, Say>> => {
    if (!current) return { type: "stop", outcome: () => failureAnswer(noSuchRequest) };
    return decideNow(context, current, cluster, click);
  });
  return say();
}

/** The answer to a click. It can ask Slack for names, and no decision waits for that. */
type Say = () => Message | Promise<Message | null>;

async function decideNow(
  context: SlackContext,
  request: AccessRequest,
  cluster: Cluster,
  click: Click,
): Promise<UpdateStep<AccessRequest, Say>> {
  const facts = await factsFor(context, cluster, request, click);
  const now = context.now();
  const decided = decideClick(request, cluster, click, context.keys.decision, now, facts);
  if (decided.type === "refused") {
    await noteRefusal(context, request, click, decided.code, facts);
    const by = personOf(click.by, facts);
    return { type: "stop", outcome: () => clickRefused(context, decided.code, request, cluster, by) };
  }
  const [departed] = facts.departed;
  if (departed && request.state === "pending") return dropDeparted(request, departed, now);
  const { after } = decided;
  const outcome = async () =>
    after.state === "pending" ? oneOfSeveralAnswer(after, await othersNow(context, after, cluster)) : null;
  return { type: "write", after, event: decisionEvent(after, click, facts, now), outcome };
}

/** Drops a former approver's approval, with its event. The next round decides with the rest. */
function dropDeparted(
  request: PendingRequest,
  departed: readonly [string, string],
  now: Date,
): UpdateStep<AccessRequest, never> {
  const [approver, why] = departed;
  const after = pendingRequest(request, withoutApprovalOf(request, approver, why, now));
  return { type: "write-first", after, event: eventOf("approval.dropped", request, "slack", now, { approver, why }) };
}

function decisionEvent(after: AccessRequest, { by, digest, why }: Click, facts: DecisionFacts, now: Date): AuditEvent {
  const detail = { digest, why, memberships: facts.memberships.get(by) ?? [] };
  if (after.state === "denied") return eventOf("request.denied", after, by, now, detail);
  const approvers = after.approvals.map((approval) => approval.by);
  return eventOf(approvalType(after, by), after, by, now, { ...detail, approvers, wanted: after.approvalsWanted });
}

/** A self-approval that a rule allows has its own event. */
function approvalType(request: AccessRequest, by: string): EventType {
  const { state } = request;
  if (isTheirs(request, by)) return state === "approved" ? "request.self-approved" : "approval.given-to-self";
  return state === "approved" ? "request.approved" : "approval.given";
}

/** If the requester's policy or the principal's other leases changed, the worker looks again. */
async function noteRefusal(
  context: SlackContext,
  request: AccessRequest,
  click: Click,
  code: DecisionRefusal,
  facts: DecisionFacts,
): Promise<void> {
  const { verdict, by } = click;
  const digest = click.digest.slice(0, digestLength);
  const after = lookedAtAgain(request, code, facts);
  if (!after) return noteAttempt(context, { act: verdict, by, code, request, detail: { digest } });
  const now = context.now();
  const event = eventOf("decision.refused", request, by, now, { code, verdict, digest });
  await recordChange(context, request, after, event, now);
}

/** The record without its outdated preview; null: the refusal is about something else. */
function lookedAtAgain(request: AccessRequest, code: DecisionRefusal, facts: DecisionFacts): AccessRequest | null {
  if (request.state !== "pending") return null;
  const { requesterFacts } = facts;
  if (code === "requester-differs") return unpreviewedRequest(request, { requesterFacts });
  return code === "leases-differ" || code === "lease-over" ? outdatedRequest(request, otherLeasesChanged) : null;
}

/** The next decision drops forged approvals from the record, so this event is their only trace. */
async function noteForgedApprovals(context: SlackContext, request: AccessRequest): Promise<void> {
  const forged = request.approvals.filter((each) => !isSealedDecision(each, request.id, context.keys.decision));
  if (forged.length === 0) return;
  const claimed = forged.map(({ by }) => String(by).slice(0, maxUser));
  await noteAttempt(context, { act: "approved", by: "slack", code: "no-seal", request, detail: { claimed } });
}

/** Those who can still approve. */
const othersNow = ({ directory }: SlackContext, request: AccessRequest, cluster: Cluster) =>
  activeAmong(directory, othersWhoMayApprove(request, cluster));

export async function clickRefused(
  context: SlackContext,
  refusal: DecisionRefusal,
  request: AccessRequest,
  cluster: Cluster,
  by: Person,
): Promise<Message> {
  return clickAnswer(refusal, request, cluster, by, await othersNow(context, request, cluster));
}

/** @param by only people who may see the request learn what came of it @param others who can decide */
export function clickAnswer(
  refusal: DecisionRefusal,
  request: AccessRequest,
  cluster: Cluster,
  by: Person,
  others: readonly string[],
): Message {
  const ask = oneToAsk(others);
  const outcome = maySeeRequest(request, cluster, by) ? ` ${stateText(request)}.` : "";
  if (refusal === "self-approval") return ownAnswer("request", ask);
  if (refusal === "not-an-approver") {
    return onlyAnswer(`approvers of ${code(request.level)} on ${code(cluster.name)}`, `Ask ${ask}.`);
  }
  const reasons: Readonly<Record<Exclude<DecisionRefusal, "self-approval" | "not-an-approver">, string>> = {
    "already-decided": `Already handled.${outcome}`,
    expired: "This request expired.",
    "own-principal": `${code(request.principal)} is, or was this week, your own identity. Ask another approver.`,
    "own-principal-unknown": `I can't tell whether ${code(request.principal)} is your own identity: ${code(`/eks-access whoami ${cluster.name}`)} says why. Try again, or ask ${ask}.`,
    "approved-already": `You approved it already. ${needs(request, others)}`,
    "no-preview": notCheckedYet,
    "change-differs": changedSince,
    "no-rule": `The policy no longer lets ${mention(askerOf(request))} request ${code(request.level)} on ${code(cluster.name)}.`,
    quiet: quietText(cluster),
    "outside-hours": `${code(cluster.name)} takes no approvals now${hours(request, cluster)}.`,
    "requester-differs": `The policy changed for ${mention(request.requester)}. The worker checks again; then decide.`,
    "leases-differ": `Another lease of ${code(request.principal)} began or ended. The worker checks again; then decide.`,
    "lease-ending": `Another lease of ${code(request.principal)} is ending. Approve after that.`,
    "lease-over": `${code(request.extends ?? "")} has ended.`,
  };
  return answer(reasons[refusal]);
}

function hours({ level, requester, requesterFacts }: AccessRequest, cluster: Cluster): string {
  const rule = ruleFor(cluster, level, { user: requester, memberships: requesterFacts.memberships });
  return rule?.hours ? `, only ${hoursInWords(rule.hours)}` : "";
}

export function oneOfSeveralAnswer(after: AccessRequest, others: readonly string[]): Message {
  return answer(`Approved. ${needs(after, others)}`);
}

function needs(request: AccessRequest, others: readonly string[]): string {
  const left = Math.max(1, request.approvalsWanted - request.approvals.length);
  const more = `Needs ${left} more approval${left === 1 ? "" : "s"}`;
  const from = oneOf(others, 20, left);
  return from ? `${more}, from ${from}.` : `${more}, but no one can give it. Ask an operator.`;
}

export function missingReasonAnswer(id: string, length: number, most: number): Message {
  const line = code(`/eks-access deny ${id} <why>`);
  return answer(
    length > most ? `Not denied. ${tooLongText("The reason", length, most)}` : `Not denied. ${sayWhy} ${line}`,
  );
}
