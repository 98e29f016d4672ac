import type { AllMiddlewareArgs, AnyMiddlewareArgs } from "@slack/bolt";
import { formActions } from "../ask/fields.ts";
import type { FormChange } from "../ask/request-form-change.ts";
import type { Suggestion } from "../ask/request-form-suggestions.ts";
import type { HomeOpened } from "../home/home-opened.ts";
import type { ButtonClick } from "./answer-click.ts";
import type { Submission } from "./answer-submission.ts";
import type { SlashCommand } from "./command-handler.ts";

/** Something that Slack sent, as Bolt gives it to a middleware. */
export type Sent = AnyMiddlewareArgs & AllMiddlewareArgs;

/** `/eks-access …`. */
export function isCommand(sent: Sent): sent is SlashCommand {
  return "command" in sent && sent.command.command === "/eks-access";
}

/** Somebody opened the App Home. */
export function isHomeOpened(sent: Sent): sent is HomeOpened {
  return "event" in sent && sent.event.type === "app_home_opened";
}

/** A form was sent. */
export function isSubmission(sent: Sent): sent is Submission {
  return "view" in sent && sent.body.type === "view_submission";
}

/** Somebody looks for a cluster in the form. */
export function isSuggestion(sent: Sent): sent is Suggestion {
  return "options" in sent && sent.body.type === "block_suggestion" && sent.body.action_id === formActions.cluster;
}

/** A button was clicked, or a field of a form was changed. */
export function isAction(sent: Sent): sent is FormChange {
  return "action" in sent && sent.body.type === "block_actions";
}

/** A button was clicked. */
export function isClick(sent: FormChange): sent is FormChange & ButtonClick {
  return sent.action.type === "button";
}
