import { answerSubmission, type Submission } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { revokeLease } from "../lease/end-access.ts";
import { decideRequest, readDecideValue, unreadableButton } from "./decision-click.ts";

/** The reason of a denial is there: the request is denied, and the message in the channel says so. */
export async function handleDenySubmission(context: SlackContext, submission: Submission): Promise<void> {
  const why = await refuseEmptyReason(submission);
  if (why === null) return;
  await answerSubmission(context, submission, "Not denied", async () => {
    const button = readDecideValue(submission.view.private_metadata);
    if (!button) return unreadableButton(context, "deny", submission.body.user.id);
    return decideRequest(context, button.request, {
      verdict: "denied",
      by: submission.body.user.id,
      digest: button.digest,
      why,
    });
  });
}

/** The reason that the form holds; null: there is none, and the form says so. */
export async function refuseEmptyReason(submission: Submission): Promise<string | null> {
  const why = whyOf(submission);
  if (why !== "") return why;
  const errors = { why: "Say why: whoever asked has to know what to do instead." };
  await submission.ack({ response_action: "errors", errors });
  return null;
}

/** Access is to end; the message in the channel says when it is done. */
export function handleRevokeSubmission(context: SlackContext, submission: Submission): Promise<void> {
  const { body, view } = submission;
  return answerSubmission(context, submission, "Take access away", () =>
    revokeLease(context, body.user.id, view.private_metadata, whyOf(submission)),
  );
}

function whyOf({ view }: Submission): string {
  return view.state.values.why?.value?.value?.trim() ?? "";
}
