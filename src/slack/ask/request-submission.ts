import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from "@slack/bolt";
import { explain } from "../../access/failure/access-error.ts";
import { readRequest } from "../../access/request/request-line.ts";
import { acknowledgeWhenDone, tellNotYet } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { failureAnswer } from "./answers.ts";
import { blockOf, partsOf } from "./read-form.ts";
import { askFor } from "./submit-request.ts";

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
      if (type === "not-yet") void tellNotYet(context.log, client, body.user.id);
    },
  );
  await client.chat.postMessage({ channel: body.user.id, text: outcome.text, blocks: [...outcome.blocks] });
}
