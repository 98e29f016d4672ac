import { formatDuration } from "../../access/request/duration.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { readRequest } from "../../access/request/request-line.ts";
import { answerClick, type ButtonClick } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt } from "../people/attempts.ts";
import { mistakesAnswer, noSuchRequestAnswer } from "./answers.ts";
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
  const { cluster, principal, level, reason } = request;
  const ticket = request.ticket ?? undefined;
  const duration = formatDuration(roundSecondsOf(request)).replaceAll(" ", "");
  const reading = readRequest({ cluster, principal, level, duration, ticket, reason }, context.config.clusters);
  if (reading.type === "mistakes") return mistakesAnswer(reading);
  return askFor(context, user, reading.wish);
}

const quarterSeconds = 15 * 60;

/** An extension lasted from when it was asked for to its end: nobody asks for such a time. */
function roundSecondsOf({ until, durationSeconds }: AccessRequest): number {
  if (until === null) return durationSeconds;
  return Math.max(quarterSeconds, Math.floor(durationSeconds / quarterSeconds) * quarterSeconds);
}
