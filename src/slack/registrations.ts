import type { App, BlockAction, ButtonAction, ViewSubmitAction } from "@slack/bolt";
import type { SlackContext } from "./context.ts";
import { handleCommand } from "./handlers/command.ts";
import { handleDecision } from "./handlers/decision-click.ts";
import { handleLeaseButton } from "./handlers/lease-button.ts";
import { handleRequestSubmission } from "./handlers/request-submission.ts";
import type { InFlight } from "./in-flight.ts";
import { approveAction, denyAction, extendAction, revokeAction } from "./messages/actions.ts";
import { requestModalId } from "./request-modal.ts";

/** Everything that Slack can send us, and who handles it. */
export function register(app: App, context: SlackContext, inFlight: InFlight): void {
  app.command("/eks-access", (command) => inFlight.track(handleCommand(context, command)));
  app.action<BlockAction<ButtonAction>>(approveAction, (click) =>
    inFlight.track(handleDecision(context, "approved", click)),
  );
  app.action<BlockAction<ButtonAction>>(denyAction, (click) =>
    inFlight.track(handleDecision(context, "denied", click)),
  );
  app.action<BlockAction<ButtonAction>>(revokeAction, (click) =>
    inFlight.track(handleLeaseButton(context, "revoke", click)),
  );
  app.action<BlockAction<ButtonAction>>(extendAction, (click) =>
    inFlight.track(handleLeaseButton(context, "extend", click)),
  );
  app.view<ViewSubmitAction>({ callback_id: requestModalId, type: "view_submission" }, (submission) =>
    inFlight.track(handleRequestSubmission(context, submission)),
  );
}
