import type { AccessRequest } from "../../access/request/record.ts";
import type { SlackContext } from "../app/context.ts";
import { answer, type Message } from "../blocks/message.ts";
import { mention } from "../blocks/mrkdwn.ts";
import { noteAttempt, type TriedAct } from "./attempts.ts";
import type { Account } from "./directory.ts";

/** Why nothing is done for an account, and who can change that. */
export function notAdmittedAnswer(account: Exclude<Account, "active"> | "not-told"): Message {
  const reasons: Readonly<Record<typeof account, string>> = {
    deactivated:
      "Nothing was done: your Slack account is deactivated. An administrator of the workspace can activate it.",
    guest:
      "Nothing was done: you are a guest in this workspace, and this bot works for its members alone. Ask one of them.",
    "of-another-workspace":
      "Nothing was done: your Slack account is of another workspace, and this bot works for people of its own alone. Ask one of them.",
    bot: "Nothing was done: only people can do this.",
    unknown: "Nothing was done: Slack knows nobody of your id in this workspace.",
    "not-told": "Nothing was done: Slack did not say whether your account is active. Try again in a minute.",
  };
  return answer(`:warning: ${reasons[account]}`);
}

/** Why nobody can approve what somebody has asked for, and what to do with it. */
function requesterGoneAnswer({ requester }: AccessRequest, account: Exclude<Account, "active"> | "not-told"): Message {
  const who = mention(requester);
  if (account === "not-told") {
    return answer(
      `:warning: Nothing was done: Slack did not say whether the account of ${who} is active. Try again in a minute.`,
    );
  }
  if (account === "guest") {
    return answer(
      `:warning: Nothing was done: ${who} is a guest in this workspace now. Deny the request, or let it lapse.`,
    );
  }
  return answer(
    `:warning: Nothing was done: ${who} can't sign in to this workspace any more. Deny the request, or let it lapse.`,
  );
}

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
