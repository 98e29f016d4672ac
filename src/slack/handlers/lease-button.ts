import type { AllMiddlewareArgs, BlockAction, ButtonAction, SlackActionMiddlewareArgs } from "@slack/bolt";
import { explain } from "../../failure/access-error.ts";
import type { SlackContext } from "../context.ts";
import { failureAnswer } from "../messages/answers.ts";
import { revokeGrant } from "./end-access.ts";
import { extendGrant } from "./extend.ts";

type ButtonClick = SlackActionMiddlewareArgs<BlockAction<ButtonAction>> & AllMiddlewareArgs;

/** The buttons of a running lease do what the commands of the same name do. */
export async function handleLeaseButton(
  context: SlackContext,
  button: "revoke" | "extend",
  { ack, action, body, respond }: ButtonClick,
): Promise<void> {
  await ack();
  const id = action.value ?? "";
  const doing =
    button === "revoke"
      ? revokeGrant(context, body.user.id, id, "")
      : extendGrant(context, body.user.id, id, undefined);
  const answer = await doing.catch((error: unknown) => {
    context.log.error({ err: error, button }, "a click failed");
    return failureAnswer(explain(error));
  });
  const { text, blocks } = answer;
  await respond({ response_type: "ephemeral", replace_original: false, text, blocks: [...blocks] });
}
