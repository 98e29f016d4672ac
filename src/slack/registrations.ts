import type { AnyMiddlewareArgs, Middleware } from "@slack/bolt";
import { checkPerson } from "./check-person.ts";
import type { SlackContext } from "./context.ts";
import type { ButtonClick } from "./handlers/answer-click.ts";
import type { Submission } from "./handlers/answer-submission.ts";
import { handleAskAgainButton } from "./handlers/ask-again.ts";
import { handleCommand } from "./handlers/command.ts";
import { handleApproveButton } from "./handlers/decision-click.ts";
import { handleHomeOpened } from "./handlers/home-opened.ts";
import { handleConfirmLinkButton, handleRefuseLinkButton } from "./handlers/link-decision.ts";
import { handleListButton } from "./handlers/list-button.ts";
import {
  handleApproveMoveButton,
  handleAskMoveButton,
  handleDenyMoveButton,
  handleDenyMoveSubmission,
  handleRetryMoveButton,
  handleWithdrawMoveButton,
} from "./handlers/move-buttons.ts";
import {
  handleDenyButton,
  handleDetailsButton,
  handleRequestButton,
  handleRevokeButton,
} from "./handlers/open-form.ts";
import { handleDenySubmission, handleRevokeSubmission } from "./handlers/reason-submission.ts";
import { handleCancelButton, handleDoneButton, handleExtendButton } from "./handlers/request-buttons.ts";
import { formChangeHandler } from "./handlers/request-form-change.ts";
import { handleClusterSearch } from "./handlers/request-form-suggestions.ts";
import { handleRequestSubmission } from "./handlers/request-submission.ts";
import { handleReviewedButton } from "./handlers/review-glass.ts";
import { isAction, isClick, isCommand, isHomeOpened, isSubmission, isSuggestion } from "./kinds.ts";
import {
  approveAction,
  approveMoveAction,
  askAgainAction,
  askMoveAction,
  cancelAction,
  confirmLinkAction,
  denyAction,
  denyMoveAction,
  detailsAction,
  doneAction,
  extendAction,
  listActions,
  refuseLinkAction,
  requestAction,
  retryMoveAction,
  reviewedAction,
  revokeAction,
  withdrawMoveAction,
} from "./messages/actions.ts";
import { denyModalId, denyMoveModalId, revokeModalId } from "./messages/modals.ts";
import { ledgerFor } from "./origin.ts";
import { formActions } from "./request-form/fields.ts";
import { requestModalId } from "./request-form/request-modal.ts";

/** A map, as the ids come from outside: an object also has what it inherits, such as `constructor`. */
const buttons: ReadonlyMap<string, (context: SlackContext, click: ButtonClick) => Promise<void>> = new Map([
  [approveAction, handleApproveButton],
  [denyAction, handleDenyButton],
  [detailsAction, handleDetailsButton],
  [extendAction, handleExtendButton],
  [doneAction, handleDoneButton],
  [revokeAction, handleRevokeButton],
  [cancelAction, handleCancelButton],
  [reviewedAction, handleReviewedButton],
  [requestAction, handleRequestButton],
  ...Object.values(listActions).map((action) => [action, handleListButton] as const),
  [askAgainAction, handleAskAgainButton],
  [askMoveAction, handleAskMoveButton],
  [approveMoveAction, handleApproveMoveButton],
  [denyMoveAction, handleDenyMoveButton],
  [withdrawMoveAction, handleWithdrawMoveButton],
  [retryMoveAction, handleRetryMoveButton],
  [confirmLinkAction, handleConfirmLinkButton],
  [refuseLinkAction, handleRefuseLinkButton],
]);

const forms: ReadonlyMap<string, (context: SlackContext, submission: Submission) => Promise<void>> = new Map([
  [requestModalId, handleRequestSubmission],
  [denyModalId, handleDenySubmission],
  [denyMoveModalId, handleDenyMoveSubmission],
  [revokeModalId, handleRevokeSubmission],
]);

/**
 * Everything that Slack can send us, and who handles it. One middleware for all: of registrations Bolt asks each whether an event is
 * for it, through a chain of its own, which for six of them takes a quarter of the processor time of a command.
 */
export function handlerOf(context: SlackContext): Middleware<AnyMiddlewareArgs> {
  const handleFormChange = formChangeHandler();
  const formActionIds = new Set<string>(Object.values(formActions));
  return async (sent) => {
    const from = { ...context, ledger: ledgerFor(context.ledger, sent.body) };
    if (!(await checkPerson(from, sent))) return;
    if (isCommand(sent)) return handleCommand(from, sent);
    if (isHomeOpened(sent)) return handleHomeOpened(from, sent);
    if (isSubmission(sent)) return forms.get(sent.view.callback_id)?.(from, sent);
    if (isSuggestion(sent)) return handleClusterSearch(from, sent);
    if (!isAction(sent)) return;
    if (formActionIds.has(sent.action.action_id)) return handleFormChange(from, sent);
    if (isClick(sent)) return buttons.get(sent.action.action_id)?.(from, sent);
  };
}
