import type { ModalView } from "@slack/types";
import { explain } from "../../access/failure/access-error.ts";
import { extensionsOf } from "../../access/lease/may-revoke.ts";
import { answerWhereClicked, type ButtonClick } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { formFailure } from "../app/slack-failure.ts";
import { denyModal, detailsModal, revokeModal } from "../blocks/modals.ts";
import { readStatus } from "../look/status.ts";
import { failureAnswer } from "./answers.ts";
import { requestForm } from "./request-form.ts";

/** Deny asks why first. */
export function handleDenyButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => denyModal(click.action.value ?? ""));
}

/** Revoke asks once more, and why; the form names what ends with it. */
export function handleRevokeButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => {
    const id = click.action.value ?? "";
    const request = await context.ledger.get(id);
    const open = request ? await context.ledger.grantedOf(request.cluster) : [];
    return revokeModal(
      id,
      extensionsOf(id, open).map((each) => each.id),
    );
  });
}

/** Details opens all that is known of a request. */
export function handleDetailsButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => {
    const id = click.action.value ?? "";
    return detailsModal(id, await readStatus(context, click.body.user.id, id), null);
  });
}

/** Ask for access opens the form of a request. */
export function handleRequestButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, () => requestForm(context, click.body.user.id));
}

/** Opens a form, on top of an open one where there is one. Slack gives three seconds for it. */
export async function openOnClick(
  context: SlackContext,
  click: ButtonClick,
  make: () => Promise<ModalView>,
): Promise<void> {
  await click.ack();
  const { body, client } = click;
  try {
    const how = { trigger_id: body.trigger_id, view: await make() };
    const opening = body.view?.type === "modal" ? client.views.push(how) : client.views.open(how);
    await opening.catch((error: unknown) => {
      throw formFailure(error);
    });
  } catch (error) {
    context.log.error({ err: error, action: click.action.action_id }, "a form could not be opened");
    await answerWhereClicked(context, click, failureAnswer(explain(error)));
  }
}
