import type { AccessRequest } from "../../src/access/record.ts";
import type { SlackContext } from "../../src/slack/app/context.ts";
import { decideRecord } from "../../src/slack/decide/decision-click.ts";

/** A click on Approve, or a form sent by Deny. The texts that only the person who clicked sees. */
export async function click(
  context: SlackContext,
  verdict: "approved" | "denied",
  request: AccessRequest,
  user: string,
): Promise<readonly string[]> {
  const digest = request.preview?.digest ?? "";
  const answer = await decideRecord(context, request.id, { verdict, by: user, digest, why: "" });
  return answer ? [answer.text] : [];
}
