import type { AccessRequest } from "../../access/request/record.ts";
import type { SlackContext } from "../app/context.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt, type TriedAct } from "../people/attempts.ts";
import type { Account } from "../people/directory.ts";
import { notAdmittedAnswer, requesterGoneAnswer } from "./admission-answer.ts";

/** What gives somebody something, at once or by the next step: where Slack does not answer, it is refused. */
const giving: ReadonlySet<TriedAct> = new Set([
  "approve",
  "review",
  "break-glass",
  "link",
  "confirm-link",
  "migrate",
  "retry",
]);

/**
 * Whether somebody may act at all, whatever the policy says of them: their account is active, and of this workspace. What
 * Slack sends says who clicked, and not whether they still can: a request may be late, held back or forged. Null: they may.
 * Where Slack does not say, only what takes access away, or asks for it, goes on.
 */
export async function refuseActor(
  context: SlackContext,
  user: string,
  act: TriedAct,
  request?: Pick<AccessRequest, "id" | "cluster">,
): Promise<Message | null> {
  const code = await accountOf(context, user);
  if (code === "active" || (code === "not-told" && !giving.has(act))) return null;
  await noteAttempt(context, { act, by: user, code, ...(request && { request }) });
  return notAdmittedAnswer(code);
}

/**
 * Whether what somebody asked for may still be approved: not for whom has left since. The lease would be theirs, and their keys
 * of AWS may outlive their account in Slack. Null: it may.
 */
export async function refuseForRequester(
  context: SlackContext,
  request: AccessRequest,
  by: string,
): Promise<Message | null> {
  const account = await accountOf(context, request.requester);
  if (account === "active") return null;
  await noteAttempt(context, { act: "approve", by, code: `requester-${account}`, request });
  return requesterGoneAnswer(request, account);
}

/** What Slack says of somebody's account now. Never throws. */
export async function accountOf(
  { directory, log }: Pick<SlackContext, "directory" | "log">,
  user: string,
): Promise<Account | "not-told"> {
  try {
    return await directory.accountOf(user);
  } catch (error) {
    log.warn({ err: error, user }, "Slack did not say whether an account is active");
    return "not-told";
  }
}
