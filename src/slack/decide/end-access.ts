import type { ModalView } from "@slack/types";
import {
  type EndRefusal,
  type EndVerdict,
  judgeCancel,
  judgeRevoke,
  mayRevoke,
  restOfAccess,
} from "../../access/lease/revoke.ts";
import { isMigrationId } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Person } from "../../access/policy/rule.ts";
import { type AccessRequest, type ApprovedRequest, peopleOf } from "../../access/record.ts";
import { startOf } from "../../access/redact.ts";
import { eventOf, type UpdateStep, updateRequest } from "../../ledger/lifecycle.ts";
import { refuseActor } from "../app/admission.ts";
import { answers, type Buttons, type Forms, opens, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { personFor } from "../app/request-people.ts";
import { stopMigrationByAnswer } from "../migrate/migration-words.ts";
import { cancelAction, doneAction, revokeAction } from "../show/buttons.ts";
import {
  answer,
  clusterGoneAnswer,
  formModal,
  type Message,
  maxWhyLength,
  messageModal,
  noSuchRequestAnswer,
  onlyAnswer,
  reasonInput,
  revokeModalId,
  whyOf,
} from "../show/message.ts";
import { code, mention, oneOf, section, until } from "../show/mrkdwn.ts";
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
  [revokeAction]: opens(revokeForm, false),
  // It ends access at once: its holder needs no reason.
  [doneAction]: answers((context, user, id) => revokeLease(context, user, id, "")),
  [cancelAction]: answers(cancelRequest),
};
export const endForms: Forms = {
  [revokeModalId]: submits("Revoke access", (context, user, id, view) =>
    revokeLease(context, user, id, whyOf({ view })),
  ),
};

export async function revokeForm(context: SlackContext, user: string, id: string): Promise<ModalView> {
  const request = await context.ledger.get(id);
  if (!request) return messageModal("Revoke access", noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return messageModal("Revoke access", clusterGoneAnswer(request.cluster));
  const person = await revokerOf(context, cluster, user, request);
  const verdict = judgeRevoke(request, cluster, person, "", context.now());
  if (verdict.type === "refused") {
    await noteAttempt(context, { act: "revoke", by: user, code: verdict.code, request });
    return messageModal("Revoke access", endRefusedAnswer(verdict.code, request, cluster));
  }
  const rest = restOfAccess(request, await context.ledger.leasedOf(request.cluster));
  const others = rest.filter((each) => mayRevoke(each, cluster, person));
  return revokeModal(
    request,
    others.map((each) => each.id),
    keptText(rest, cluster, person),
  );
}

/** A revocation must work while Slack does not answer: people named by id need no user groups. */
function revokerOf(context: SlackContext, cluster: Cluster | undefined, by: string, request: AccessRequest) {
  return personFor(context, cluster, by, peopleOf(request)).catch((): Person => ({ user: by, memberships: [] }));
}

/** What this person can't revoke: the holder can extend what another person asked for. @param rest the other leases of the same access */
function keptText(rest: readonly ApprovedRequest[], cluster: Cluster, person: Person): string {
  const kept = rest.filter((each) => !mayRevoke(each, cluster, person));
  const last = kept.toSorted((one, other) => one.lease.endsAt.localeCompare(other.lease.endsAt)).at(-1);
  if (!last) return "";
  const keeps = `${mention(last.requester)} keeps this access ${until(last.lease.endsAt, last.durationSeconds)}`;
  return `\n:warning: ${keeps}, by ${code(last.id)}. Only ${revokersOf(last, cluster)} can revoke that.`;
}

export function revokeModal(request: AccessRequest, others: readonly string[] = [], kept = ""): ModalView {
  const { id, requester, level, cluster } = request;
  const also = others.map((each) => code(each)).join(", ");
  const loses = `${mention(requester)} loses ${code(level)} on ${code(cluster)} now (${code(id)}).`;
  const ends = `${kept ? `This ends ${code(id)}.` : loses}${also && ` It also ends ${also}, which is the same access.`}${kept}`;
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
  const decide = (request: AccessRequest | null) => decideRevoke(context, id, request, { by, why }, others);
  const outcome = await updateRequest<Message | (() => Promise<Message>)>(context, id, decide);
  return typeof outcome === "function" ? outcome() : outcome;
}

/** `cancel <id>`, by the requester or the person who asked for them. It gives nothing, so a cluster that is gone does not stop it. */
export function cancelRequest(context: SlackContext, by: string, id: string): Promise<Message> {
  if (isMigrationId(id)) return Promise.resolve(stopMigrationByAnswer(id));
  return updateRequest(context, id, async (request) => {
    const turnedAway = await refuseActor(context, by, "cancel", request ?? { id, cluster: "" });
    if (turnedAway || !request) return stop(turnedAway ?? noSuchRequestAnswer(id));
    const verdict = judgeCancel(request, await revokerOf(context, undefined, by, request));
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
  return stop(endRefusedAnswer(code, request, context.config.clusters.get(request.cluster)));
}

interface Ending {
  readonly by: string;
  readonly why: string;
}

async function decideRevoke(
  context: SlackContext,
  id: string,
  request: AccessRequest | null,
  { by, why }: Ending,
  others: string[],
): Promise<UpdateStep<AccessRequest, Message | (() => Promise<Message>)>> {
  const turnedAway = await refuseActor(context, by, "revoke", request ?? { id, cluster: "" });
  if (turnedAway || !request) return stop(turnedAway ?? noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return stop(clusterGoneAnswer(request.cluster));
  const person = await revokerOf(context, cluster, by, request);
  const now = context.now();
  const verdict = judgeRevoke(request, cluster, person, why, now);
  if (verdict.type === "refused") return refuse(context, by, "revoke", request, verdict.code);
  const endIt = (each: AccessRequest) => judgeRevoke(each, cluster, person, belongsToRevoked(request), now);
  const endOthers = async () => keptText(await endRest(context, request, endIt, by, others), cluster, person);
  await endOthers();
  const { after } = verdict;
  const event = eventOf("lease.ending", request, by, now, { why });
  // Meanwhile an extension can have begun. From now on none does.
  const outcome = async () => endOthers().then((kept) => endedAnswer(after, others, kept));
  return { type: "write", after, event, outcome };
}

/** Ends the other leases first: if the process dies in between, people can still revoke this one. */
async function endRest(
  context: SlackContext,
  request: AccessRequest,
  end: (request: AccessRequest) => EndVerdict,
  by: string,
  ended: string[],
): Promise<readonly ApprovedRequest[]> {
  const rest = restOfAccess(request, await context.ledger.leasedOf(request.cluster));
  for (const { id } of rest) {
    const isEnded = await endOther(context, id, end, { by, why: belongsToRevoked(request) });
    if (isEnded) ended.push(id);
  }
  return rest;
}

function endOther(
  context: SlackContext,
  id: string,
  end: (request: AccessRequest) => EndVerdict,
  { by, why }: Ending,
): Promise<boolean> {
  return updateRequest<boolean>(context, id, (current) => {
    const verdict = current && end(current);
    if (!current || verdict?.type !== "ended") return { type: "stop", outcome: false };
    const event = eventOf("lease.ending", current, by, context.now(), { why });
    return { type: "write", after: verdict.after, event, outcome: true };
  });
}

function belongsToRevoked({ id }: AccessRequest): string {
  return `it is the same access as ${id}, which was revoked`;
}

export function endedAnswer(after: AccessRequest, others: readonly string[] = [], kept = ""): Message {
  if (after.state === "cancelled") return answer(`Cancelled ${code(after.id)}.`);
  const ids = [after.id, ...others].map((id) => code(id)).join(", ");
  return answer(`Revoking ${ids}. The request message${others.length > 0 ? "s" : ""} will confirm.${kept}`);
}

const revokersOf = (request: AccessRequest, { approvers, onCall }: Pick<Cluster, "approvers" | "onCall">) =>
  oneOf([...new Set([...peopleOf(request), ...approvers, ...onCall])]);

export function endRefusedAnswer(
  refusal: EndRefusal,
  request: AccessRequest,
  cluster: Pick<Cluster, "approvers" | "onCall"> = { approvers: [], onCall: [] },
): Message {
  const who = request.state === "pending" ? oneOf(peopleOf(request)) : revokersOf(request, cluster);
  if (refusal === "not-yours") return onlyAnswer(who);
  return answer(`Nothing to ${refusal === "not-pending" ? "cancel" : "revoke"}. ${stateText(request)}.`);
}
