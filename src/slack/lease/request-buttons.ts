import { answerClick, type ButtonClick } from "../app/answer-click.ts";
import type { SlackContext } from "../app/context.ts";
import { cancelRequest, revokeGrant } from "./end-access.ts";
import { extendGrant } from "./extend-form.ts";

/** Extend asks for the same time again, as far as the level allows. */
export function handleExtendButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () =>
    extendGrant(context, click.body.user.id, click.action.value ?? "", undefined),
  );
}

/** Cancel takes a request back before it is decided. */
export function handleCancelButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => cancelRequest(context, click.body.user.id, click.action.value ?? ""));
}

/** "I'm done" ends an access at once: giving something back needs no reason. */
export function handleDoneButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => revokeGrant(context, click.body.user.id, click.action.value ?? "", ""));
}
