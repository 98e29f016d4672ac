import type { AllMiddlewareArgs, BlockAction, SlackActionMiddlewareArgs, ViewOutput } from "@slack/bolt";
import type { SlackContext } from "../app/context.ts";
import { slackErrorCode } from "../app/slack-failure.ts";
import { formActions } from "./fields.ts";
import type { RequestForm } from "./form.ts";
import { formOf, isShown } from "./read-form.ts";
import { offersTo } from "./request-form.ts";
import { requestModal } from "./request-modal.ts";

export type FormChange = SlackActionMiddlewareArgs<BlockAction> & AllMiddlewareArgs;

const mostForms = 1_000;

/**
 * Something was chosen or typed in the form of a request: what follows from it is shown at once. Typing is quicker than the
 * way to Slack and back, so a change may meet a form that an earlier one has changed: Slack says so by the form's hash, and
 * only the newest change of a form may then take no heed of it.
 */
export function formChangeHandler(): (context: SlackContext, change: FormChange) => Promise<void> {
  const newest = new Map<string, string>();
  return async (context, { ack, body, action, client }) => {
    await ack();
    const { view } = body;
    if (!view) return;
    remember(newest, view.id, action.action_ts);
    const offers = await offersTo(context, body.user.id);
    const next = requestModal(changed(view, action), offers);
    if (offers.length === 0 || isShown(view, next)) return;
    const update = { view_id: view.id, view: next };
    await client.views.update({ ...update, hash: view.hash }).catch((error: unknown) => {
      if (slackErrorCode(error) !== "hash_conflict") throw error;
      return newest.get(view.id) === action.action_ts ? client.views.update(update) : undefined;
    });
  };
}

function changed(view: ViewOutput, action: FormChange["action"]): RequestForm {
  const form = formOf(view);
  if (action.action_id !== formActions.useArn || !("value" in action)) return form;
  return { ...form, principal: action.value ?? "", replaced: form.replaced + 1 };
}

function remember(newest: Map<string, string>, view: string, at: string): void {
  const known = newest.get(view);
  if (known !== undefined && known > at) return;
  newest.delete(view);
  newest.set(view, at);
  const [oldest] = newest.keys();
  if (newest.size > mostForms && oldest !== undefined) newest.delete(oldest);
}
