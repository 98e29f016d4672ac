import { isApprovable } from "../../access/decide.ts";
import { isUser } from "../../access/policy/rule.ts";
import { type AccessRequest, isTheirs } from "../../access/record.ts";
import { pendingRequest } from "../../access/request.ts";
import { eventOf, type UpdateStep, updateRequest } from "../../ledger/lifecycle.ts";
import { refuseActor } from "../app/admission.ts";
import { answers, type Buttons } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { nudgeAction } from "../show/buttons.ts";
import { answer, clusterGoneAnswer, type Message, noSuchRequestAnswer } from "../show/message.ts";
import { time } from "../show/mrkdwn.ts";
import { stateText, unapprovable } from "../show/words.ts";
import { refuseTooMany } from "./limits.ts";

/** How often the approvers of one request can be nudged, in milliseconds. Redis counts it, so a restart changes nothing. */
const onceInMs = 10 * 60 * 1000;

/** The last nudge of a request is among so many newest events. */
const recentEvents = 50;

export const nudgeButtons: Buttons = { [nudgeAction]: answers(nudge) };

/** Reminds the approvers early, if a person of the request asks: the thread mentions them. @throws AccessError */
async function nudge(context: SlackContext, user: string, id: string): Promise<Message> {
  const request = await context.ledger.get(id);
  const turnedAway = await refuseActor(context, user, "request", request ?? { id, cluster: "" });
  if (turnedAway) return turnedAway;
  if (!request || !isTheirs(request, user)) {
    if (request) await noteAttempt(context, { act: "request", by: user, code: "not-yours", request });
    return noSuchRequestAnswer(id);
  }
  if (!isWaiting(request)) return nothingToNudge(request);
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  if (!isApprovable(request, cluster)) return answer(`No one to nudge. ${unapprovable}`);
  const tooMany = await refuseTooMany(context, user, "questions");
  if (tooMany) return tooMany;
  if (!(await context.ledger.takeTurn(`nudge-${id}`, onceInMs))) {
    return nudgedAlready(context, id);
  }
  return updateRequest(context, id, (current) => remindNow(context, user, current ?? request));
}

/** Says when it works again, by the event of the last nudge: the sweep's own reminders are by the worker. */
async function nudgedAlready({ ledger, now }: SlackContext, id: string): Promise<Message> {
  const events = await ledger.eventsOf(id, recentEvents);
  const last = events.findLast(({ event }) => event.type === "request.reminded" && isUser(event.actor));
  const again = Date.parse(last?.event.at ?? now().toISOString()) + onceInMs;
  return answer(`Not sent. Nudge works again ${time(new Date(again).toISOString())}.`);
}

function isWaiting({ state, preview, reminders }: AccessRequest): boolean {
  return state === "pending" && preview !== null && reminders !== null;
}

function nothingToNudge(request: AccessRequest): Message {
  return answer(`No one to nudge. ${stateText(request)}.`);
}

function remindNow(context: SlackContext, user: string, request: AccessRequest): UpdateStep<AccessRequest, Message> {
  const { reminders } = request;
  if (request.state !== "pending" || !isWaiting(request) || !reminders) {
    return { type: "stop", outcome: nothingToNudge(request) };
  }
  const after = pendingRequest(request, { reminders: { ...reminders, sent: reminders.sent + 1 } });
  const event = eventOf("request.reminded", request, user, context.now(), { sent: after.reminders?.sent ?? 0 });
  return { type: "write", after, event, outcome: answer("Nudged the approvers in the thread.") };
}
