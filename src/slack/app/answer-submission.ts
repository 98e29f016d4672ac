import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from "@slack/bolt";
import { explain } from "../../access/failure/access-error.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { messageModal } from "../blocks/modals.ts";
import { acknowledgeWhenDone, tellNotYet } from "./acknowledge.ts";
import type { SlackContext } from "./context.ts";

export type Submission = SlackViewMiddlewareArgs<ViewSubmitAction> & AllMiddlewareArgs;

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
  const { outcome, inTime } = await acknowledgeWhenDone(
    done,
    context.config.timing.deadlines.acknowledge,
    async (progress) => {
      const shown = progress.type === "done" ? progress.outcome : null;
      await ack(shown ? { response_action: "update", view: messageModal(title, shown) } : { response_action: "clear" });
      if (progress.type === "not-yet") void tellNotYet(context.log, client, body.user.id);
    },
  );
  if (inTime || !outcome) return;
  const { text, blocks } = outcome;
  await client.chat.postMessage({ channel: body.user.id, text, blocks: [...blocks] });
}
