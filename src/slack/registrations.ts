import type { App, BlockAction, ButtonAction, ViewSubmitAction } from "@slack/bolt";
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

const buttons: Readonly<Record<string, (context: SlackContext, click: ButtonClick) => Promise<void>>> = {
  [approveAction]: handleApproveButton,
  [denyAction]: handleDenyButton,
  [detailsAction]: handleDetailsButton,
  [extendAction]: handleExtendButton,
  [doneAction]: handleDoneButton,
  [revokeAction]: handleRevokeButton,
  [cancelAction]: handleCancelButton,
  [reviewedAction]: handleReviewedButton,
  [requestAction]: handleRequestButton,
  ...Object.fromEntries(Object.values(listActions).map((action) => [action, handleListButton])),
  [askAgainAction]: handleAskAgainButton,
  [askMoveAction]: handleAskMoveButton,
  [approveMoveAction]: handleApproveMoveButton,
  [denyMoveAction]: handleDenyMoveButton,
  [withdrawMoveAction]: handleWithdrawMoveButton,
  [retryMoveAction]: handleRetryMoveButton,
  [confirmLinkAction]: handleConfirmLinkButton,
  [refuseLinkAction]: handleRefuseLinkButton,
};

const forms: Readonly<Record<string, (context: SlackContext, submission: Submission) => Promise<void>>> = {
  [requestModalId]: handleRequestSubmission,
  [denyModalId]: handleDenySubmission,
  [denyMoveModalId]: handleDenyMoveSubmission,
  [revokeModalId]: handleRevokeSubmission,
};

/**
 * Everything that Slack can send us, and who handles it. Bolt asks each registration whether an event is for it, so there is
 * one for each kind of event, and not one for each button.
 */
export function register(app: App, context: SlackContext): void {
  const from = ({ body }: { body: object }) => ({ ...context, ledger: ledgerFor(context.ledger, body) });
  app.command("/eks-access", (command) => handleCommand(from(command), command));
  app.event("app_home_opened", (opened) => handleHomeOpened(from(opened), opened));
  app.action<BlockAction<ButtonAction>>(anyOf(Object.keys(buttons)), async (click) =>
    buttons[click.action.action_id]?.(from(click), click),
  );
  const handleFormChange = formChangeHandler();
  app.action<BlockAction>(anyOf(Object.values(formActions)), (change) => handleFormChange(from(change), change));
  app.options<"block_suggestion">(formActions.cluster, (suggestion) =>
    handleClusterSearch(from(suggestion), suggestion),
  );
  const callback = { callback_id: anyOf(Object.keys(forms)), type: "view_submission" } as const;
  app.view<ViewSubmitAction>(callback, async (submission) =>
    forms[submission.view.callback_id]?.(from(submission), submission),
  );
}

/** Our ids are words of letters and dashes. */
function anyOf(ids: readonly string[]): RegExp {
  return new RegExp(`^(?:${ids.join("|")})$`);
}
