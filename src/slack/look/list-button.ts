import { z } from "zod";
import { explain } from "../../access/failure/access-error.ts";
import { answerWhereClicked, type ButtonClick } from "../app/answer-click.ts";
import type { SlackContext } from "../app/context.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { messageModal } from "../blocks/modals.ts";
import { readList } from "./read-list.ts";

const listValue = z.strictObject({
  view: z.union([
    z.strictObject({ kind: z.enum(["mine", "pending", "active"]) }),
    z.strictObject({ kind: z.literal("cluster"), cluster: z.string() }),
  ]),
  offset: z.int().min(0).max(1_000_000),
});

/** Another page or another list: it takes the place of the one in which it was clicked. */
export async function handleListButton(context: SlackContext, click: ButtonClick): Promise<void> {
  await click.ack();
  const { action, body } = click;
  try {
    const { view, offset } = listValue.parse(JSON.parse(action.value ?? ""));
    await turnPage(context, click, await readList(context, body.user.id, view, offset));
  } catch (error) {
    context.log.error({ err: error, action: action.action_id }, "a click failed");
    await answerWhereClicked(context, click, failureAnswer(explain(error)));
  }
}

async function turnPage(context: SlackContext, click: ButtonClick, page: Message): Promise<void> {
  const { body, client, respond } = click;
  const isOfList = body.actions.some(({ block_id }) => block_id === "list");
  if (body.view?.type === "modal" && isOfList) {
    return void (await client.views.update({ view_id: body.view.id, view: messageModal("Requests", page) }));
  }
  if (!body.response_url || !isOfList) return answerWhereClicked(context, click, page);
  const { text, blocks } = page;
  await respond({ response_type: "ephemeral", replace_original: true, text, blocks: [...blocks] });
}
