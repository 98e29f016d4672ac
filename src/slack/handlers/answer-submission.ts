import { setTimeout as pause } from "node:timers/promises";
import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from "@slack/bolt";
import { explain } from "../../failure/access-error.ts";
import type { SlackContext } from "../context.ts";
import { failureAnswer } from "../messages/answers.ts";
import type { Message } from "../messages/message.ts";
import { messageModal } from "../messages/modals.ts";

export type Submission = SlackViewMiddlewareArgs<ViewSubmitAction> & AllMiddlewareArgs;

/** Slack waits three seconds for the acknowledgement of a form, and shows an error of its own then. */
const formWaitsMs = 2_000;

/**
 * Does what a form asks for, and answers in its place; null closes it. What takes longer than Slack waits closes the form
 * as well, and is answered in a direct message.
 */
export async function answerSubmission(
  context: SlackContext,
  { ack, body, client }: Submission,
  title: string,
  doing: () => Promise<Message | null>,
): Promise<void> {
  const done = doing().catch((error: unknown) => {
    context.log.error({ err: error, form: body.view.callback_id }, "a form failed");
    return failureAnswer(explain(error));
  });
  const inTime = await Promise.race([done, pause(formWaitsMs, "late" as const, { ref: false })]);
  if (inTime !== "late") {
    if (inTime) return ack({ response_action: "update", view: messageModal(title, inTime) });
    return ack({ response_action: "clear" });
  }
  await ack({ response_action: "clear" });
  const answer = await done;
  if (answer) await client.chat.postMessage({ channel: body.user.id, text: answer.text, blocks: [...answer.blocks] });
}
