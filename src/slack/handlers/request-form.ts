import type { ModalView } from "@slack/types";
import type { SlackContext } from "../context.ts";
import { requestModal } from "../request-modal.ts";

/** The form of a request, as this person left it last. */
export async function requestForm(context: SlackContext, user: string): Promise<ModalView> {
  // The trigger lives for three seconds: what is remembered must not cost the form.
  const principal = await context.ledger.principalOf(user).catch(() => null);
  return requestModal(context.config.clusters, { principal });
}
