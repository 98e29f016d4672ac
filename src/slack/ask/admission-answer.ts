import type { AccessRequest } from "../../access/request/record.ts";
import type { Message } from "../blocks/message.ts";
import { mention } from "../blocks/mrkdwn.ts";
import type { Account } from "../people/directory.ts";
import { answer } from "./answers.ts";

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
export function requesterGoneAnswer(
  { requester }: AccessRequest,
  account: Exclude<Account, "active"> | "not-told",
): Message {
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
