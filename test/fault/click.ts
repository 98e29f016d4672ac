import type { AccessRequest } from "../../src/request/request.ts";
import type { SlackContext } from "../../src/slack/context.ts";
import { handleDecision } from "../../src/slack/handlers/decision-click.ts";

/** A click on Approve or Deny, as Bolt hands it over. The texts that only the person who clicked sees. */
export async function click(
  context: SlackContext,
  verdict: "approved" | "denied",
  request: AccessRequest,
  user: string,
): Promise<readonly string[]> {
  const answers: string[] = [];
  const value = JSON.stringify({ request: request.id, digest: request.preview?.digest ?? "" });
  const bolt = {
    ack: async () => {},
    action: { value },
    body: { user: { id: user } },
    respond: async ({ text }: { text: string }) => void answers.push(text),
  };
  await handleDecision(context, verdict, bolt as unknown as Parameters<typeof handleDecision>[2]);
  return answers;
}
