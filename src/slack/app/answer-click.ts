import type { AllMiddlewareArgs, BlockAction, ButtonAction, SlackActionMiddlewareArgs } from "@slack/bolt";
import { explain } from "../../access/failure/access-error.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { detailsModal, detailsModalId, messageModal } from "../blocks/modals.ts";
import { readStatus } from "../look/read-status.ts";
import { acknowledgeWhenDone, tellNotYet } from "./acknowledge.ts";
import type { SlackContext } from "./context.ts";

export type ButtonClick = SlackActionMiddlewareArgs<BlockAction<ButtonAction>> & AllMiddlewareArgs;

/**
 * Does what a click asks for, acknowledges it when that is done, and answers where it was made, to whoever made it: beside
 * a message, over App Home, or in the open form. Null: nothing to say, the message itself shows it.
 */
export async function answerClick(
  context: SlackContext,
  click: ButtonClick,
  doing: () => Promise<Message | null>,
): Promise<void> {
  const done = doing().catch((error: unknown) => {
    context.log.error({ err: error, action: click.action.action_id }, "a click failed");
    return failureAnswer(explain(error));
  });
  await answerWhereClicked(context, click, await acknowledgeClick(context, click, done));
}

/** Acknowledges a click when what it asks for is done, or has failed. @throws what `doing` rejects with */
export async function acknowledgeClick<T>(
  { log, config }: SlackContext,
  click: ButtonClick,
  doing: Promise<T>,
): Promise<T> {
  const ended = doing.then(
    () => {},
    () => {},
  );
  await acknowledgeWhenDone(ended, config.timing.deadlines.acknowledge, async ({ type }) => {
    await click.ack();
    if (type === "not-yet") void tellNotYet(log, click.client, click.body.user.id);
  });
  return doing;
}

/** Answers a click that is acknowledged, to whoever made it. */
export async function answerWhereClicked(
  context: SlackContext,
  click: ButtonClick,
  answer: Message | null,
): Promise<void> {
  const { body, client, respond } = click;
  const { view } = body;
  if (view?.callback_id === detailsModalId) return refreshDetails(context, click, view, answer);
  if (!answer) return;
  const { text, blocks } = answer;
  if (body.response_url) {
    return void (await respond({ response_type: "ephemeral", replace_original: false, text, blocks: [...blocks] }));
  }
  // A form opens within three seconds or not at all; a direct message always comes.
  const how = { trigger_id: body.trigger_id, view: messageModal("eks-access", answer) };
  const opening = view?.type === "modal" ? client.views.push(how) : client.views.open(how);
  await opening.catch(() => client.chat.postMessage({ channel: body.user.id, text, blocks: [...blocks] }));
}

/** The open details show what came of the click. */
async function refreshDetails(
  context: SlackContext,
  { body, client }: ButtonClick,
  view: { readonly id: string; readonly private_metadata: string },
  answer: Message | null,
): Promise<void> {
  const id = view.private_metadata;
  const status = await readStatus(context, body.user.id, id).catch((error: unknown) => failureAnswer(explain(error)));
  await client.views.update({ view_id: view.id, view: detailsModal(id, status, answer) });
}
