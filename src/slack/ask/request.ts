import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from "@slack/bolt";
import { arnsOf } from "../../access/approval/links.ts";
import { explain } from "../../access/failure/access-error.ts";
import { formatDuration } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { type RequestReading, readRequest, splitRequestLine } from "../../access/request/request-line.ts";
import { typedIn } from "../../access/request/typed.ts";
import { acknowledgeWhenDone, answerClick, type ButtonClick, openOnClick, sendNotRecordedYet } from "../app/answer.ts";
import type { Command, CommandCall } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { formFailure } from "../app/slack-failure.ts";
import { failureAnswer, type Message, noSuchRequestAnswer } from "../blocks/message.ts";
import { codeBlock, cut, plainLine, preformatted, section } from "../blocks/mrkdwn.ts";
import { noteAttempt } from "../people/attempts.ts";
import { blockOf, partsOf } from "./form.ts";
import { requestForm } from "./request-form.ts";
import { askFor } from "./submit-request.ts";

export const request: Command = {
  word: "request",
  usage: "[<cluster> [<arn>] <level> [in <namespaces>] [for 4h] [ticket <id>] <reason>]",
  summary: "asks for access; alone it opens a form",
  records: true,
  run: (context, call) => (call.rest === "" ? openRequestForm(context, call) : askInOneLine(context, call)),
};

async function openRequestForm(context: SlackContext, { user, triggerId, client }: CommandCall): Promise<null> {
  const view = await requestForm(context, user);
  await client.views.open({ trigger_id: triggerId, view }).catch((error: unknown) => {
    throw formFailure(error);
  });
  return null;
}

async function askInOneLine(context: SlackContext, { user, rest }: CommandCall): Promise<Message> {
  const { clusters } = context.config;
  const parts = splitRequestLine(rest, clusters);
  const linked = parts.principal === "" ? arnsOf(await context.ledger.linksOf(user)) : [];
  const reading = readRequest(parts, clusters, linked);
  if (reading.type === "mistakes") return mistakesAnswer(reading);
  return askFor(context, user, reading.wish);
}

/** Ask for access opens the form of a request. */
export function handleRequestButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, () => requestForm(context, click.body.user.id));
}

type Submission = SlackViewMiddlewareArgs<ViewSubmitAction> & AllMiddlewareArgs;

/** The form is sent: mistakes are shown at their fields, otherwise the form closes and the answer comes as a message. */
export async function handleRequestSubmission(
  context: SlackContext,
  { ack, view, body, client }: Submission,
): Promise<void> {
  const reading = readRequest(partsOf(view), context.config.clusters);
  if (reading.type === "mistakes") {
    const errors = Object.fromEntries(reading.mistakes.map(({ part, message }) => [blockOf(view, part), message]));
    return ack({ response_action: "errors", errors });
  }
  const asking = askFor(context, body.user.id, reading.wish).catch((error: unknown) => {
    context.log.error({ err: error }, "a request could not be recorded");
    return failureAnswer(`${explain(error)} Nothing was requested.`);
  });
  const { outcome } = await acknowledgeWhenDone(
    asking,
    context.config.timing.deadlines.acknowledge,
    async ({ type }) => {
      await ack();
      if (type === "not-yet") void sendNotRecordedYet(context.log, client, body.user.id);
    },
  );
  await client.chat.postMessage({ channel: body.user.id, text: outcome.text, blocks: [...outcome.blocks] });
}

export function handleAskAgainButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => askAgain(context, click.body.user.id, click.action.value ?? ""));
}

/** Only the requester can repeat a request. The new request is under the rules as they are now. */
async function askAgain(context: SlackContext, user: string, id: string): Promise<Message> {
  const request = await context.ledger.get(id);
  if (!request || request.requester !== user) {
    if (request) await noteAttempt(context, { act: "request", by: user, code: "not-yours", request });
    return noSuchRequestAnswer(id);
  }
  const { cluster, principal, level } = request;
  const duration = formatDuration(roundSecondsOf(request)).replaceAll(" ", "");
  const reading = readRequest({ cluster, principal, level, duration, ...typedIn(request) }, context.config.clusters);
  if (reading.type === "mistakes") return mistakesAnswer(reading);
  return askFor(context, user, reading.wish);
}

const quarterSeconds = 15 * 60;

/** The duration of an extension ran from its request to its end, an odd number of seconds. */
function roundSecondsOf({ until, durationSeconds }: AccessRequest): number {
  if (until === null) return durationSeconds;
  return Math.max(quarterSeconds, Math.floor(durationSeconds / quarterSeconds) * quarterSeconds);
}

export function mistakesAnswer(reading: Extract<RequestReading, { type: "mistakes" }>): Message {
  const understood =
    reading.understood.length > 0 ? ` Understood: ${plainLine(reading.understood.join(", "), 1400)}` : "";
  const parts = [
    cut(`Nothing was requested.${understood}`, 1500),
    ...reading.mistakes.map((mistake) => `✗ *${mistake.part}*: ${plainLine(mistake.message, 1400)}`),
    "Copy this line:",
  ];
  const text = `${parts.join("\n")}\n${codeBlock(reading.corrected)}`;
  return { text, blocks: [...parts.map(section), preformatted(reading.corrected)] };
}
