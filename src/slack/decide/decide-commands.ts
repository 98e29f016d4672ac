import type { ModalView } from "@slack/types";
import type { Click } from "../../access/approvals.ts";
import { personOf, refuseDecision } from "../../access/decide.ts";
import { decideReview, type ReviewRefusal, refuseReview, reviewersOf } from "../../access/emergency.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import { startOf } from "../../access/redact.ts";
import { eventOf, type UpdateStep, updateRequest } from "../../ledger/lifecycle.ts";
import { recordWith } from "../../ledger/look-ups.ts";
import { type Buttons, denies, type Forms, formUnless, opens, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { activeAmong } from "../app/people-called.ts";
import { factsFor, isOwnEmergency, memberFor } from "../app/request-people.ts";
import { readStatus } from "../look/status.ts";
import { approveBelowAnswer } from "../look/status-answer.ts";
import { refuseOnMigration } from "../migrate/migration-clicks.ts";
import { migrationTitle, noSuchAnswer } from "../migrate/migration-words.ts";
import { showsWholePlan } from "../migrate/plan-answer.ts";
import { denyAction, digestShown, readDecideValue, reviewedAction } from "../show/buttons.ts";
import {
  answer,
  clusterGoneAnswer,
  deniedAnswer,
  denyModal,
  denyModalId,
  formModal,
  type Message,
  maxWhyLength,
  noSuchRequestAnswer,
  oneToAsk,
  onlyAnswer,
  ownAnswer,
  reasonInput,
  whyOf,
} from "../show/message.ts";
import { code, mention, plainLine, section, time } from "../show/mrkdwn.ts";
import { asksText, emergencyTitle } from "../show/words.ts";
import { clickRefused, decideRecord, decideShown, missingReasonAnswer, unreadableButton } from "./decision-click.ts";

/** A typed line can't say which change the person saw (law 4): the answer shows it, and a button with its digest. */
export const approve: Command = {
  word: "approve",
  usage: "<id>",
  summary: "shows the change, with the button that approves exactly that",
  forApprovers: true,
  run: async (context, { user, rest }) => {
    const [id] = idAndRest(rest);
    const record = await recordWith(context.ledger, id);
    if (!record) return noSuchAnswer(id);
    const cluster = context.config.clusters.get(record.cluster);
    if (!cluster) return clusterGoneAnswer(record.cluster);
    const click = { verdict: "approved", by: user, digest: digestShown(record) } as const;
    const refusal = await refuseShown(context, record, cluster, click);
    if (refusal) return refusal;
    const status = await readStatus(context, user, id);
    // A plan that is too long for a message has its button in Details alone.
    return isMigration(record) && !showsWholePlan(record, "message") ? status : approveBelowAnswer(status);
  },
};

/** A denial needs no digest: it gives nothing. */
export const deny: Command = {
  word: "deny",
  usage: "<id> <why>",
  summary: "denies a request; the requester reads your reason",
  forApprovers: true,
  records: true,
  run: async (context, { user: by, rest }) => {
    const [id, why] = idAndRest(rest);
    const record = await recordWith(context.ledger, id);
    if (!record) return noSuchAnswer(id);
    if (why === "" || why.length > maxWhyLength) return missingReasonAnswer(id, why.length, maxWhyLength);
    const click = { verdict: "denied", by, digest: digestShown(record), why } as const;
    return (await decideRecord(context, id, click)) ?? deniedAnswer(id);
  },
};

export const denyButtons: Buttons = {
  [denyAction]: opens((context, user, value) => formUnless(refuseToDeny(context, user, value), denyModal(value))),
};
export const denyForms: Forms = {
  [denyModalId]: denies((context, by, value, why) => decideShown(context, value, { verdict: "denied", by, why })),
};

async function refuseToDeny(context: SlackContext, by: string, value: string): Promise<Message | string> {
  const shown = readDecideValue(value);
  const record = shown && (await recordWith(context.ledger, shown.request));
  if (!shown || !record) return unreadableButton(context, "denied", by);
  const cluster = context.config.clusters.get(record.cluster);
  if (!cluster) return clusterGoneAnswer(record.cluster);
  const refusal = await refuseShown(context, record, cluster, { verdict: "denied", by, digest: shown.digest });
  if (refusal) return refusal;
  return isMigration(record) ? `*${migrationTitle(record)}*` : `*${asksText(record)}*\n>${plainLine(record.reason)}`;
}

/** Before the form or the button: null, a click on it can decide. @throws AccessError */
async function refuseShown(context: SlackContext, request: LedgerRecord, cluster: Cluster, click: Omit<Click, "why">) {
  if (isMigration(request)) return refuseOnMigration(context, request, cluster, click);
  const facts = await factsFor(context, cluster, request, click);
  const code = refuseDecision(request, cluster, click, context.now(), facts);
  if (!code) return null;
  const { by, digest, verdict } = click;
  await noteAttempt(context, { act: verdict, by, code, request, detail: { digest } });
  return clickRefused(context, code, request, cluster, personOf(by, facts));
}

export const reviewed: Command = {
  word: "reviewed",
  usage: "<id> [note]",
  summary: "confirms that you reviewed emergency access",
  forApprovers: true,
  records: true,
  run: async (context, { user, rest }) => {
    const [id, note] = idAndRest(rest);
    const refused = await reviewEmergency(context, user, id, startOf(note, maxWhyLength));
    return refused ?? answer(`You reviewed ${code(id)}.`);
  },
};

const reviewedModalId = "reviewed";

export const reviewButtons: Buttons = {
  [reviewedAction]: opens(async (context, user, id) => {
    const request = await context.ledger.get(id);
    if (!request) return noSuchRequestAnswer(id);
    const cluster = context.config.clusters.get(request.cluster);
    if (!cluster) return clusterGoneAnswer(request.cluster);
    const refusal = refuseReview(request, cluster, await memberFor(context, cluster, user, [request.requester]));
    if (!refusal) return reviewModal(request);
    await noteAttempt(context, { act: "review", by: user, code: refusal, request });
    return reviewRefusedAnswer(context, refusal, request, cluster, user);
  }, "Mark reviewed"),
};
export const reviewForms: Forms = {
  [reviewedModalId]: submits("Not reviewed", (context, user, id, view) =>
    reviewEmergency(context, user, id, whyOf({ view })),
  ),
};

function reviewModal(request: AccessRequest): ModalView {
  const shown = { title: "Mark reviewed", submit: "Mark reviewed", close: "Back" };
  return formModal({ id: reviewedModalId, memory: request.id, ...shown }, [
    section(`${emergencyTitle(request)}\n>${plainLine(request.reason)}`),
    reasonInput("What you found", "The channel sees this", true),
  ]);
}

/** Records an approver's review of emergency access. `note`: their finding. Null: the channel shows it. @throws AccessError */
export function reviewEmergency(context: SlackContext, user: string, id: string, note = ""): Promise<Message | null> {
  const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;
  return updateRequest(context, id, async (request): Promise<UpdateStep<AccessRequest, Message | null>> => {
    if (!request) return stop(noSuchRequestAnswer(id));
    const cluster = context.config.clusters.get(request.cluster);
    if (!cluster) return stop(clusterGoneAnswer(request.cluster));
    const person = await memberFor(context, cluster, user, [request.requester]);
    const now = context.now();
    const isOwn = await isOwnEmergency(context, cluster, request, user);
    const reviewer = isOwn ? { ...person, user: request.requester } : person;
    const verdict = decideReview(request, cluster, reviewer, context.keys.decision, now, note);
    if (verdict.type === "refused") {
      await noteAttempt(context, { act: "review", by: user, code: verdict.code, request });
      return stop(await reviewRefusedAnswer(context, verdict.code, request, cluster, user));
    }
    const event = eventOf("emergency.reviewed", request, user, now, { memberships: person.memberships, why: note });
    return { type: "write", after: verdict.after, event, outcome: null };
  });
}

async function reviewRefusedAnswer(
  { directory }: SlackContext,
  refusal: ReviewRefusal,
  request: AccessRequest,
  cluster: Cluster,
  user: string,
): Promise<Message> {
  const { id, emergency } = request;
  const reviewers = reviewersOf(request, cluster).filter((each) => each !== user);
  const others = oneToAsk(await activeAmong(directory, reviewers));
  if (refusal === "own") return ownAnswer("emergency access", others, "review");
  if (refusal === "not-an-approver") return onlyAnswer(`approvers of ${code(cluster.name)}`, `Ask ${others}.`);
  const reasons: Readonly<Record<Exclude<ReviewRefusal, "own" | "not-an-approver">, string>> = {
    "nothing-to-review": `${code(id)} is no emergency access.`,
    "reviewed-already": `${mention(emergency?.review?.by ?? "")} reviewed it ${time(emergency?.review?.at ?? "")}.`,
  };
  return answer(reasons[refusal]);
}
