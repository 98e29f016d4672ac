import { answerClick, type ButtonClick } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { openOnClick } from "../ask/open-form.ts";
import { cancelRequest, revokeLease } from "./end-access.ts";
import { extendView } from "./extend-form.ts";

/** Extend asks how much longer in a form. */
export function handleExtendButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, () => extendView(context, click.body.user.id, click.action.value ?? ""));
}

/** Cancel takes a request back before it is decided. */
export function handleCancelButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => cancelRequest(context, click.body.user.id, click.action.value ?? ""));
}

/** "I'm done" ends an access at once: giving something back needs no reason. */
export function handleDoneButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => revokeLease(context, click.body.user.id, click.action.value ?? "", ""));
}
