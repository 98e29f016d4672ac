import { formatDuration } from "../../request/duration.ts";
import { readRequest } from "../../request/request-line.ts";
import { noteAttempt } from "../attempts.ts";
import type { SlackContext } from "../context.ts";
import { mistakesAnswer, noSuchRequestAnswer } from "../messages/answers.ts";
import type { Message } from "../messages/message.ts";
import { answerClick, type ButtonClick } from "./answer-click.ts";
import { askFor } from "./submit-request.ts";

/** Request again asks for what somebody had. */
export function handleAskAgainButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => askAgain(context, click.body.user.id, click.action.value ?? ""));
}

/** Asks for the same once more: a new request, under the rules as they are now. Only for whoever asked the first time. */
async function askAgain(context: SlackContext, user: string, id: string): Promise<Message> {
  const request = await context.ledger.get(id);
  if (!request || request.requester !== user) {
    if (request) await noteAttempt(context, { act: "request", by: user, code: "not-yours", request });
    return noSuchRequestAnswer(id);
  }
  const { cluster, principal, level, durationSeconds, reason } = request;
  const ticket = request.ticket ?? undefined;
  const duration = formatDuration(durationSeconds).replaceAll(" ", "");
  const reading = readRequest({ cluster, principal, level, duration, ticket, reason }, context.config.clusters);
  if (reading.type === "mistakes") return mistakesAnswer(reading);
  return askFor(context, user, reading.wish);
}
