import { isApprovable } from "../../access/decide.ts";
import { isUser } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/record.ts";
import { pendingRequest } from "../../access/request.ts";
import { eventOf, type UpdateStep, updateRequest } from "../../ledger/lifecycle.ts";
import { answers, type Buttons } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { dueIn, whoIsCalled } from "../app/people-called.ts";
import { isOfPerson } from "../app/request-people.ts";
import { nudgeAction } from "../show/buttons.ts";
import { answer, clusterGoneAnswer, type Message, noSuchRequestAnswer, oneToAsk } from "../show/message.ts";
import { time } from "../show/mrkdwn.ts";
import { stateText, unapprovable } from "../show/words.ts";
import { refuseTooMany } from "./limits.ts";

/** How often the approvers of one request can be nudged, in milliseconds. Its events count, so what was not recorded does not. */
const onceInMs = 10 * 60 * 1000;

/** The last nudge of a request is among so many newest events. */
const recentEvents = 50;

export const nudgeButtons: Buttons = { [nudgeAction]: answers(nudge) };

/** Reminds the approvers early, if a person of the request asks: the thread mentions them. @throws AccessError */
async function nudge(context: SlackContext, user: string, id: string): Promise<Message> {
  const request = await context.ledger.get(id);
  if (!request || !(await isOfPerson(context, request, user))) {
    if (request) await noteAttempt(context, { act: "request", by: user, code: "not-yours", request });
    return noSuchRequestAnswer(id);
  }
  if (!isWaiting(request)) return nothingToNudge(request);
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  if (!isApprovable(request, cluster)) return answer(`No one to nudge. ${unapprovable}`);
  const tooMany = await refuseTooMany(context, user, "questions");
  if (tooMany) return tooMany;
  const called = await whoIsCalled(context.directory, dueIn(request, cluster));
  if (called.length === 0) return answer(`No one to nudge. Ask ${oneToAsk([])}.`);
  return updateRequest(context, id, async (current): Promise<UpdateStep<AccessRequest, Message>> => {
    const now = current ?? request;
    if (now.state !== "pending" || !isWaiting(now) || !now.reminders) {
      return { type: "stop", outcome: nothingToNudge(now) };
    }
    // Of two clicks at once, the one that loses the commit finds the other's event here.
    const again = await worksAgain(context, id);
    if (again) return { type: "stop", outcome: answer(`Not sent. Nudge works again ${time(again.toISOString())}.`) };
    const sent = now.reminders.sent + 1;
    const after = pendingRequest(now, { reminders: { ...now.reminders, sent } });
    const event = eventOf("request.reminded", now, user, context.now(), { sent });
    return { type: "write", after, event, outcome: answer("Nudged the approvers.") };
  });
}

/** When it works again, by the event of the last nudge: the sweep's own reminders are by the worker. Null: now. */
async function worksAgain({ ledger, now }: SlackContext, id: string): Promise<Date | null> {
  const events = await ledger.eventsOf(id, recentEvents);
  const last = events.findLast(({ event }) => event.type === "request.reminded" && isUser(event.actor));
  const again = new Date(last ? Date.parse(last.event.at) + onceInMs : 0);
  return again > now() ? again : null;
}

function isWaiting({ state, preview, reminders }: AccessRequest): boolean {
  return state === "pending" && preview !== null && reminders !== null;
}

function nothingToNudge(request: AccessRequest): Message {
  return answer(`No one to nudge. ${stateText(request)}.`);
}
