import type { ModalView } from "@slack/types";
import { decideReview, type ReviewRefusal, refuseReview, reviewersOf } from "../../access/emergency.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import { startOf } from "../../access/redact.ts";
import { eventOf, type UpdateStep, updateRequest } from "../../ledger/lifecycle.ts";
import { refuseActor } from "../app/admission.ts";
import { type Buttons, type Forms, opens, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { isOwnEmergency, personFor } from "../app/request-people.ts";
import { reviewedAction } from "../show/buttons.ts";
import {
  answer,
  clusterGoneAnswer,
  formModal,
  type Message,
  maxWhyLength,
  messageModal,
  noSuchRequestAnswer,
  onlyAnswer,
  ownAnswer,
  reasonInput,
  whyOf,
} from "../show/message.ts";
import { code, mention, oneOf, plainLine, section, time } from "../show/mrkdwn.ts";
import { emergencyTitle } from "../show/words.ts";

export const reviewed: Command = {
  word: "reviewed",
  usage: "<id> [note]",
  summary: "confirms that you reviewed emergency access",
  forApprovers: true,
  records: true,
  run: (context, { user, rest }) => {
    const [id, note] = idAndRest(rest);
    return reviewEmergency(context, user, id, startOf(note, maxWhyLength));
  },
};

const reviewedModalId = "reviewed";

export const reviewButtons: Buttons = {
  [reviewedAction]: opens(async (context, user, id) => {
    const request = await context.ledger.get(id);
    if (!request) return messageModal("Mark reviewed", noSuchRequestAnswer(id));
    const cluster = context.config.clusters.get(request.cluster);
    if (!cluster) return messageModal("Mark reviewed", clusterGoneAnswer(request.cluster));
    const refusal = refuseReview(request, cluster, await personFor(context, cluster, user, [request.requester]));
    if (!refusal) return reviewModal(request);
    await noteAttempt(context, { act: "review", by: user, code: refusal, request });
    return messageModal("Mark reviewed", reviewRefusedAnswer(refusal, request, cluster, user));
  }),
};
export const reviewForms: Forms = {
  [reviewedModalId]: submits("Mark reviewed", (context, user, id, view) =>
    reviewEmergency(context, user, id, whyOf({ view })),
  ),
};

function reviewModal(request: AccessRequest): ModalView {
  const shown = { title: "Mark reviewed", submit: "Mark reviewed", close: "Back" };
  return formModal({ id: reviewedModalId, memory: request.id, ...shown }, [
    section(`${emergencyTitle(request)}\n>${plainLine(request.reason)}`),
    reasonInput("What you found", "The thread shows this, and the audit log keeps it", true),
  ]);
}

/** Records an approver's review of emergency access. `note`: their finding. @throws AccessError */
export function reviewEmergency(context: SlackContext, user: string, id: string, note = ""): Promise<Message> {
  return updateRequest(context, id, (request) => recordReview(context, user, id, request, note));
}

async function recordReview(
  context: SlackContext,
  user: string,
  id: string,
  request: AccessRequest | null,
  note: string,
): Promise<UpdateStep<AccessRequest, Message>> {
  const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;
  const turnedAway = await refuseActor(context, user, "review", request ?? { id, cluster: "" });
  if (turnedAway) return stop(turnedAway);
  if (!request) return stop(noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return stop(clusterGoneAnswer(request.cluster));
  const person = await personFor(context, cluster, user, [request.requester]);
  const now = context.now();
  const isOwn = await isOwnEmergency(context, cluster, request, user);
  const reviewer = isOwn ? { ...person, user: request.requester } : person;
  const verdict = decideReview(request, cluster, reviewer, context.keys.decision, now, note);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act: "review", by: user, code: verdict.code, request });
    return stop(reviewRefusedAnswer(verdict.code, request, cluster, user));
  }
  const event = eventOf("emergency.reviewed", request, user, now, { memberships: person.memberships, why: note });
  return { type: "write", after: verdict.after, event, outcome: answer(`You reviewed ${code(request.id)}.`) };
}

function reviewRefusedAnswer(refusal: ReviewRefusal, request: AccessRequest, cluster: Cluster, user: string): Message {
  const { id, emergency } = request;
  const others = oneOf(reviewersOf(request, cluster).filter((each) => each !== user));
  if (refusal === "own") return ownAnswer("emergency access", others);
  if (refusal === "not-an-approver") return onlyAnswer(`approvers of ${code(cluster.name)}`, `Ask ${others}.`);
  const reasons: Readonly<Record<Exclude<ReviewRefusal, "own" | "not-an-approver">, string>> = {
    "nothing-to-review": `${code(id)} is not emergency access.`,
    "reviewed-already": `${mention(emergency?.review?.by ?? "")} reviewed it ${time(emergency?.review?.at ?? "")}.`,
  };
  return answer(reasons[refusal]);
}
