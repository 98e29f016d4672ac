import type { ModalView } from "@slack/types";
import { type EndRefusal, judgeCancel, judgeRevoke, mayRevoke, restOfAccess } from "../../access/lease/revoke.ts";
import { isMigrationId } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Person } from "../../access/policy/rule.ts";
import { type AccessRequest, peopleOf } from "../../access/record.ts";
import { startOf } from "../../access/redact.ts";
import { isClosed } from "../../access/request.ts";
import { eventOf, updateRequest } from "../../ledger/lifecycle.ts";
import { inTimeOr } from "../../operations/deadlines.ts";
import { answers, type Buttons, type Forms, opens, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { enderFor, memberFor } from "../app/request-people.ts";
import { stopMigrationByAnswer } from "../migrate/migration-words.ts";
import { cancelAction, doneAction, revokeAction } from "../show/buttons.ts";
import {
  answer,
  clusterGoneAnswer,
  formModal,
  type Message,
  maxWhyLength,
  noSuchRequestAnswer,
  onlyAnswer,
  reasonInput,
  revokeModalId,
  whyOf,
} from "../show/message.ts";
import { code, codeList, mention, oneOf, section } from "../show/mrkdwn.ts";
import { stateText } from "../show/words.ts";

export const revokeCommand: Command = {
  word: "revoke",
  usage: "<id> [why]",
  summary: "ends access before its time",
  records: true,
  run: (context, { user, rest }) => {
    const [id, why] = idAndRest(rest);
    return revokeLease(context, user, id, startOf(why, maxWhyLength));
  },
};

export const cancelCommand: Command = {
  word: "cancel",
  usage: "<id>",
  summary: "cancels your request",
  records: true,
  run: (context, { user, rest }) => cancelRequest(context, user, idAndRest(rest)[0]),
};

export const endButtons: Buttons = {
  [revokeAction]: opens(revokeForm, "Revoke access", false),
  // It ends access at once: its holder needs no reason.
  [doneAction]: answers((context, user, id) => revokeLease(context, user, id, "")),
  [cancelAction]: answers(cancelRequest),
};
export const endForms: Forms = {
  [revokeModalId]: submits("Revoke access", (context, user, id, view) =>
    revokeLease(context, user, id, whyOf({ view })),
  ),
};

async function revokeForm(context: SlackContext, user: string, id: string): Promise<ModalView | Message> {
  const request = await context.ledger.get(id);
  if (!request) return noSuchRequestAnswer(id);
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  // Slack does not wait for a form: sending it asks about the account.
  const person = await memberFor(context, cluster, user, peopleOf(request)).catch(() => ({ user, memberships: [] }));
  const verdict = judgeRevoke(request, cluster, person, "", context.now());
  if (verdict.type === "refused") return (await refuse(context, user, "revoke", request, verdict.code)).outcome;
  const rest = restOfAccess(request, await context.ledger.leasedOf(request.cluster));
  const others = rest.filter((each) => mayRevoke(each, cluster, person)).map((each) => each.id);
  return revokeModal(request, others);
}

/** In a section of Slack, beside a sentence. */
const longestList = 2_500;

export function revokeModal(request: AccessRequest, others: readonly string[] = []): ModalView {
  const { id, requester, level, cluster } = request;
  const also = codeList(others, longestList);
  const loses = `${mention(requester)} loses ${code(level)} on ${code(cluster)} now (${code(id)}).`;
  const ends = `${loses}${also && ` It also ends ${also}, which is the same access.`}`;
  const shown = { title: "Revoke access", submit: "Revoke", close: "Keep it" };
  return formModal({ id: revokeModalId, memory: id, ...shown }, [
    section(ends),
    reasonInput("Why", "The channel sees this", true),
  ]);
}

/** `revoke <id> [why]`, and the button: the worker removes the access of the lease, of what it extends, and of its extensions. */
export async function revokeLease(context: SlackContext, by: string, id: string, why: string): Promise<Message> {
  if (isMigrationId(id)) return stopMigrationByAnswer(id);
  // A repeated decision must not repeat these.
  const others: string[] = [];
  const outcome = await updateRequest<Message | (() => Promise<Message>)>(context, id, async (request) => {
    if (!request) return stop(noSuchRequestAnswer(id));
    const cluster = context.config.clusters.get(request.cluster);
    if (!cluster) return stop(clusterGoneAnswer(request.cluster));
    const person = await enderFor(context, cluster, by, peopleOf(request));
    const now = context.now();
    const verdict = judgeRevoke(request, cluster, person, why, now);
    if (verdict.type === "refused") return refuse(context, by, "revoke", request, verdict.code);
    const endOthers = async () => {
      const rest = restOfAccess(request, await context.ledger.leasedOf(request.cluster));
      for (const each of rest) if (await endOther(context, each.id, id, cluster, person)) others.push(each.id);
    };
    // First: if the process dies in between, people can still revoke this one.
    await endOthers();
    const { after } = verdict;
    const event = eventOf("lease.ending", request, by, now, { why });
    // Meanwhile an extension can have begun. From now on none does.
    return { type: "write", after, event, outcome: () => endOthers().then(() => endedAnswer(after, others)) };
  });
  return typeof outcome === "function" ? outcome() : outcome;
}

function endOther(context: SlackContext, id: string, revoked: string, cluster: Cluster, person: Person) {
  const why = `it is the same access as ${revoked}, which was revoked`;
  return updateRequest<boolean>(context, id, (current) => {
    const verdict = current && judgeRevoke(current, cluster, person, why, context.now());
    if (!current || verdict?.type !== "decided") return { type: "stop", outcome: false };
    const event = eventOf("lease.ending", current, person.user, context.now(), { why });
    return { type: "write", after: verdict.after, event, outcome: true };
  });
}

/** `cancel <id>`, by the requester or the person who asked for them. It gives nothing, so a cluster that is gone does not stop it. */
export function cancelRequest(context: SlackContext, by: string, id: string): Promise<Message> {
  if (isMigrationId(id)) return Promise.resolve(stopMigrationByAnswer(id));
  return updateRequest(context, id, async (request) => {
    if (!request) return stop(noSuchRequestAnswer(id));
    const verdict = judgeCancel(request, await enderFor(context, undefined, by, peopleOf(request)));
    if (verdict.type === "refused") return refuse(context, by, "cancel", request, verdict.code);
    const event = eventOf("request.cancelled", request, by, context.now(), { why: "" });
    return { type: "write", after: verdict.after, event, outcome: endedAnswer(verdict.after) };
  });
}

const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;

async function refuse(
  context: SlackContext,
  by: string,
  act: "revoke" | "cancel",
  request: AccessRequest,
  code: EndRefusal,
): Promise<ReturnType<typeof stop>> {
  await noteAttempt(context, { act, by, code, request });
  // Unless they are a member, they could be anybody. The answer of a member is there.
  const isMember = (await inTimeOr(context.directory.accountOf(by), 200, null)) === "active";
  if (code === "not-yours" && !isMember)
    return stop(onlyAnswer(act === "cancel" ? "its requester" : "its requester, approvers and on-call"));
  return stop(endRefusedAnswer(code, request, context.config.clusters.get(request.cluster)));
}

export function endedAnswer(after: AccessRequest, others: readonly string[] = []): Message {
  if (after.state === "cancelled") return answer(`Cancelled ${code(after.id)}.`);
  const ids = codeList([after.id, ...others], longestList);
  return answer(`Revoking ${ids}. The request message${others.length > 0 ? "s" : ""} will confirm.`);
}

const revokersOf = (request: AccessRequest, { approvers, onCall }: Pick<Cluster, "approvers" | "onCall">) =>
  oneOf([...new Set([...peopleOf(request), ...approvers, ...onCall])]);

export function endRefusedAnswer(
  refusal: EndRefusal,
  request: AccessRequest,
  cluster: Pick<Cluster, "approvers" | "onCall"> | undefined,
): Message {
  const responsible = cluster ?? { approvers: [], onCall: [] };
  const who = request.state === "pending" ? oneOf(peopleOf(request)) : revokersOf(request, responsible);
  if (refusal === "not-yours") return onlyAnswer(who);
  const isCancel = refusal === "not-pending";
  const revoke =
    isCancel && cluster && request.state === "approved" && !isClosed(request)
      ? ` Revoke it: ${code(`/eks-access revoke ${request.id}`)}.`
      : "";
  return answer(`Nothing to ${isCancel ? "cancel" : "revoke"}. ${stateText(request)}.${revoke}`);
}
