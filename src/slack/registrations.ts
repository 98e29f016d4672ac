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
  askAgainAction,
  cancelAction,
  confirmLinkAction,
  denyAction,
  detailsAction,
  doneAction,
  extendAction,
  listActions,
  refuseLinkAction,
  requestAction,
  reviewedAction,
  revokeAction,
} from "./messages/actions.ts";
import { denyModalId, revokeModalId } from "./messages/modals.ts";
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
  [confirmLinkAction]: handleConfirmLinkButton,
  [refuseLinkAction]: handleRefuseLinkButton,
};

const forms: Readonly<Record<string, (context: SlackContext, submission: Submission) => Promise<void>>> = {
  [requestModalId]: handleRequestSubmission,
  [denyModalId]: handleDenySubmission,
  [revokeModalId]: handleRevokeSubmission,
};

/** Everything that Slack can send us, and who handles it. */
export function register(app: App, context: SlackContext): void {
  app.command("/eks-access", (command) => handleCommand(context, command));
  app.event("app_home_opened", (opened) => handleHomeOpened(context, opened));
  for (const [action, handle] of Object.entries(buttons)) {
    app.action<BlockAction<ButtonAction>>(action, (click) => handle(context, click));
  }
  const handleFormChange = formChangeHandler();
  for (const action of Object.values(formActions)) {
    app.action<BlockAction>(action, (change) => handleFormChange(context, change));
  }
  app.options<"block_suggestion">(formActions.cluster, (suggestion) => handleClusterSearch(context, suggestion));
  for (const [form, handle] of Object.entries(forms)) {
    app.view<ViewSubmitAction>({ callback_id: form, type: "view_submission" }, (submission) =>
      handle(context, submission),
    );
  }
}
