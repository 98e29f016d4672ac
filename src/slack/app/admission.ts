import { type AccessRequest, peopleOf } from "../../access/record.ts";
import { answer, type Message } from "../show/message.ts";
import { mention } from "../show/mrkdwn.ts";
import { noteAttempt, type TriedAct } from "./attempts.ts";
import type { SlackContext } from "./context.ts";
import type { Account } from "./directory.ts";

export function notAdmittedAnswer(account: Exclude<Account, "active"> | "unconfirmed"): Message {
  const reasons: Readonly<Record<typeof account, string>> = {
    deactivated: "You can't use eks-access: your Slack account is deactivated. Ask a workspace administrator.",
    guest: "You can't use eks-access: you are a guest in this workspace. Ask a member to do this.",
    "of-another-workspace":
      "You can't use eks-access: your account belongs to another workspace. Ask a member of this one.",
    bot: "Only people can use eks-access.",
    unknown: "You can't use eks-access: Slack does not know your account here. Ask a workspace administrator.",
    unconfirmed: "Nothing changed: Slack did not confirm that your account is active. Try again in a minute.",
  };
  return answer(`:warning: ${reasons[account]}`);
}

const aboutAnother: Readonly<Record<Exclude<Account, "active"> | "unconfirmed", string>> = {
  deactivated: "their Slack account is deactivated",
  guest: "guests of this workspace can't get access",
  "of-another-workspace": "their Slack account belongs to another workspace",
  bot: "only people can get access",
  unknown: "Slack does not know their account here",
  unconfirmed: "Slack did not confirm that their account is active. Try again in a minute",
};

/** Null: they are an active member, so they can get it. */
export async function refuseOtherPerson(
  context: SlackContext,
  by: string,
  other: string,
  request: Pick<AccessRequest, "id" | "cluster">,
): Promise<Message | null> {
  const account = await accountOf(context, other);
  if (account === "active") return null;
  await noteAttempt(context, { act: "request", by, code: `requester-${account}`, request });
  return answer(`:warning: No request made for ${mention(other)}: ${aboutAnother[account]}.`);
}

/** Acts that give access, at once or in the next step: it refuses them without an answer of Slack. */
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
 * Whether a person's account is active and in this workspace: a payload can be late, held back or forged. Null: they
 * may act. Without an answer of Slack, only asking and ending access continue.
 */
export async function refuseActor(
  context: SlackContext,
  user: string,
  act: TriedAct,
  request?: Pick<AccessRequest, "id" | "cluster">,
): Promise<Message | null> {
  const code = await accountOf(context, user);
  if (code === "active" || (code === "unconfirmed" && !giving.has(act))) return null;
  await noteAttempt(context, { act, by: user, code, ...(request && { request }) });
  return notAdmittedAnswer(code);
}

/**
 * Refuses an approval if the requester, or the person who asked for them, left: AWS keys can outlive a Slack account.
 * Null: an approval is possible.
 */
export async function refuseForRequester(
  context: SlackContext,
  request: AccessRequest,
  by: string,
): Promise<Message | null> {
  for (const person of peopleOf(request)) {
    const account = await accountOf(context, person);
    if (account === "active") continue;
    await noteAttempt(context, { act: "approve", by, code: `requester-${account}`, request });
    const next = account === "unconfirmed" ? "" : " Deny the request, or let it expire.";
    return answer(`:warning: Not approved for ${mention(person)}: ${aboutAnother[account]}.${next}`);
  }
  return null;
}

export async function accountOf(
  { directory, log }: Pick<SlackContext, "directory" | "log">,
  user: string,
): Promise<Account | "unconfirmed"> {
  try {
    return await directory.accountOf(user);
  } catch (error) {
    log.warn({ err: error, user }, "Slack did not say whether an account is active");
    return "unconfirmed";
  }
}
