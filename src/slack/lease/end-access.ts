import type { ModalView } from "@slack/types";
import {
  type EndRefusal,
  type EndVerdict,
  extensionsOf,
  judgeCancel,
  judgeRevoke,
} from "../../access/lease/may-revoke.ts";
import { isMigrationId } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Person } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { eventOf, type RequestStep, updateRequest } from "../../ledger/record-change.ts";
import { answerClick, answerSubmission, type ButtonClick, openOnClick, type Submission } from "../app/answer.ts";
import { type Command, idAndRest } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import type { Message } from "../blocks/message.ts";
import { answer, failureAnswer, noSuchRequestAnswer, reasonInput, text, whyOf } from "../blocks/message.ts";
import { code, mention, mentions } from "../blocks/mrkdwn.ts";
import { stateOf } from "../blocks/words.ts";
import { stopMigrationByAnswer } from "../migrate/migration-words.ts";
import { refuseActor } from "../people/admission.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";

/** `revoke <id> [why]`, and the button: the worker takes the lease's part away, and that of the leases that extend it. */
export function revokeLease(context: SlackContext, by: string, id: string, why: string): Promise<Message> {
  return endAccess(context, id, (request, cluster, person, now) => judgeRevoke(request, cluster, person, why, now), {
    type: "lease.ending",
    by,
    why,
  });
}

/** `cancel <id>`: the requester takes the request back. */
export function cancelRequest(context: SlackContext, by: string, id: string): Promise<Message> {
  return endAccess(context, id, (request) => judgeCancel(request, by), { type: "request.cancelled", by, why: "" });
}

/**
 * Ends the leases that extend the one that is revoked, before that one: a process that dies in between leaves a lease that can still be
 * revoked, and never one that outlives what it extends.
 */
async function endExtensions(
  context: SlackContext,
  request: AccessRequest,
  end: (request: AccessRequest) => EndVerdict,
  { type, by }: Ending,
): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const { id } of extensionsOf(request.id, await context.ledger.grantedOf(request.cluster))) {
    const isEnded = await endExtension(context, id, end, { type, by, why: extendsRevoked(request) });
    if (isEnded) ended.push(id);
  }
  return ended;
}

/** Whether it was ended by this. */
function endExtension(
  context: SlackContext,
  id: string,
  end: (request: AccessRequest) => EndVerdict,
  { type, by, why }: Ending,
): Promise<boolean> {
  return updateRequest<boolean>(context, id, (current) => {
    const verdict = current && end(current);
    if (!current || verdict?.type !== "ended") return { type: "stop", outcome: false };
    const event = eventOf(type, current, by, context.now(), { why });
    return { type: "write", after: verdict.after, event, outcome: true };
  });
}

function extendsRevoked({ id }: AccessRequest): string {
  return `it extends ${id}, which was revoked`;
}

interface Ending {
  readonly type: "lease.ending" | "request.cancelled";
  readonly by: string;
  readonly why: string;
}

type EndDecision = (request: AccessRequest, cluster: Cluster, person: Person, now: Date) => EndVerdict;

async function endAccess(context: SlackContext, id: string, decide: EndDecision, ending: Ending): Promise<Message> {
  if (isMigrationId(id)) return stopMigrationByAnswer(id);
  // Each is ended once, and told although the request itself is decided about again.
  const extensions: string[] = [];
  return updateRequest(context, id, (request) => decideEnd(context, id, request, decide, ending, extensions));
}

async function decideEnd(
  context: SlackContext,
  id: string,
  request: AccessRequest | null,
  decide: EndDecision,
  ending: Ending,
  extensions: string[],
): Promise<RequestStep<Message>> {
  const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;
  const { type, by, why } = ending;
  const act = type === "lease.ending" ? "revoke" : "cancel";
  const turnedAway = await refuseActor(context, by, act, request ?? { id, cluster: "" });
  if (turnedAway) return stop(turnedAway);
  if (!request) return stop(noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster)
    return stop(failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`));
  // Access must go also while Slack does not say who is of which group: who is named by the id needs no group.
  const person = await personFor(context, cluster, by).catch(() => ({ user: by, memberships: [] }));
  const now = context.now();
  const verdict = decide(request, cluster, person, now);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act, by, code: verdict.code, request });
    return stop(endRefusedAnswer(verdict.code, request, cluster));
  }
  const endIt = (each: AccessRequest) => judgeRevoke(each, cluster, person, extendsRevoked(request), now);
  if (act === "revoke") extensions.push(...(await endExtensions(context, request, endIt, ending)));
  const { after } = verdict;
  return {
    type: "write",
    after,
    event: eventOf(type, request, by, now, { why }),
    outcome: endedAnswer(after, extensions),
  };
}

/** The form for the reason of a revocation. `private_metadata` is the request's id. */
export const revokeModalId = "revoke";

/**
 * Asks once more before access is taken away.
 * @param extensions ids of leases that extend it, and end with it
 */
export function revokeModal(id: string, extensions: readonly string[] = []): ModalView {
  const also = extensions.map((each) => code(each)).join(", ");
  const ends = `${code(id)} ends now${also && `, and with it what extends it: ${also}`}.`;
  return {
    type: "modal",
    callback_id: revokeModalId,
    private_metadata: id,
    title: text("Revoke access"),
    submit: text("Revoke"),
    close: text("Keep it"),
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: ends } },
      reasonInput("Why", "Everybody in the channel reads this", true),
    ],
  };
}

/** Revoke asks once more, and why; the form names what ends with it. */
export function handleRevokeButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => {
    const id = click.action.value ?? "";
    const request = await context.ledger.get(id);
    const open = request ? await context.ledger.grantedOf(request.cluster) : [];
    return revokeModal(
      id,
      extensionsOf(id, open).map((each) => each.id),
    );
  });
}

/** Access is to end; the message in the channel says when it is done. */
export function handleRevokeSubmission(context: SlackContext, submission: Submission): Promise<void> {
  const { body, view } = submission;
  return answerSubmission(context, submission, "Take access away", () =>
    revokeLease(context, body.user.id, view.private_metadata, whyOf(submission)),
  );
}

export const cancelCommand: Command = {
  word: "cancel",
  usage: "<id>",
  summary: "takes your request back",
  records: true,
  run: (context, { user, rest }) => cancelRequest(context, user, rest),
};

export const revokeCommand: Command = {
  word: "revoke",
  usage: "<id> [why]",
  summary: "takes access away before its end",
  records: true,
  run: (context, { user, rest }) => {
    const [id, why] = idAndRest(rest);
    return revokeLease(context, user, id, why);
  },
};

/** Cancel takes a request back before it is decided. */
export function handleCancelButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => cancelRequest(context, click.body.user.id, click.action.value ?? ""));
}

/** "I'm done" ends an access at once: giving something back needs no reason. */
export function handleDoneButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => revokeLease(context, click.body.user.id, click.action.value ?? "", ""));
}

/** What a revocation or a cancellation set off. */
/** @param extensions ids of leases that extend it, and end with it */
function endedAnswer(after: AccessRequest, extensions: readonly string[] = []): Message {
  if (after.state === "cancelled") return answer(`Request ${code(after.id)} is cancelled.`);
  if (extensions.length > 0) {
    const ids = extensions.map((id) => code(id)).join(", ");
    return answer(`Revoking ${code(after.id)} and what extends it: ${ids}. The messages of the requests will confirm.`);
  }
  return answer(`${code(after.id)} is being revoked. The request's message will confirm.`);
}

function endRefusedAnswer(refusal: EndRefusal, request: AccessRequest, cluster: Cluster): Message {
  const who = mentions([...new Set([request.requester, ...cluster.approvers, ...cluster.onCall])]);
  const reasons: Readonly<Record<EndRefusal, string>> = {
    "not-active": `There is nothing to revoke. ${stateOf(request)}.`,
    "not-pending": `It can't be cancelled any more. ${stateOf(request)}.`,
    "not-yours":
      request.state === "pending"
        ? `Only ${mention(request.requester)} can cancel it.`
        : `Only ${who} can revoke this.`,
    "ending-already": `It is being revoked already. ${stateOf(request)}.`,
  };
  return answer(reasons[refusal]);
}
