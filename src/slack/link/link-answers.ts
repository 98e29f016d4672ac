import type { LinkProposal } from "../../ledger/ledger.ts";
import { answer } from "../ask/answers.ts";
import { confirmLinkAction, refuseLinkAction } from "../blocks/actions.ts";
import type { Message } from "../blocks/message.ts";
import { code, mention, mentions, section, time, told } from "../blocks/mrkdwn.ts";

/** What `link` alone tells: how it stands. */
export function linkStateAnswer(principal: string | null, proposal: LinkProposal | null, again: boolean): Message {
  const stale = again ? ` ${madeAgain}` : "";
  const linked = principal
    ? `You are linked with ${code(principal)}.${stale}`
    : "You are linked with no principal yet.";
  const waiting = proposal ? ` ${code(proposal.arn)} waits for an administrator since ${time(proposal.at)}.` : "";
  return answer(
    `${linked}${waiting} ${code("/eks-access link <arn>")} changes it; ${code("aws sts get-caller-identity")} shows your ARN.`,
  );
}

/** Of a link that nobody's word stands behind. A sentence. */
export const madeAgain = `Your link needs renewing: run ${code("/eks-access link <arn>")}.`;

export function linkedAnswer(arn: string, noticed: string | null): Message {
  const what = noticed ? ` ${told(noticed, 300)}` : "";
  return answer(
    `You are linked with ${code(arn)} now.${what} It is what ${code("/eks-access request")} offers, and whom ${code("whoami")} and ${code("why")} ask about.`,
  );
}

export function alreadyLinkedAnswer(arn: string): Message {
  return answer(`You are linked with ${code(arn)} already.`);
}

/** `reached`: the administrators to whom the question came. */
export function proposedAnswer(arn: string, reached: readonly string[], administrators: readonly string[]): Message {
  const who =
    reached.length > 0
      ? `Asked: ${mentions(reached)}.`
      : `None of them could be reached by a direct message; try again in ten minutes, or tell one of them: ${mentions(administrators)}.`;
  return answer(`An administrator has to confirm that you go by ${code(arn)}. ${who} Until then nothing changes.`);
}

export function stillProposedAnswer({ arn, at }: LinkProposal, administrators: readonly string[]): Message {
  return answer(`${code(arn)} waits to be confirmed since ${time(at)}, by one of ${mentions(administrators)}.`);
}

export function linkRefusedAnswer(message: string): Message {
  return answer(`Nothing was linked. ${told(message, 1500)}`);
}

/** What an administrator is asked, in a direct message. */
export function linkQuestion(proposal: LinkProposal, current: string | null): Message {
  const { id, user, arn } = proposal;
  const text = `${mention(user)} asks to be linked with ${code(arn)}`;
  const value = JSON.stringify({ user, id, arn });
  return {
    text,
    blocks: [
      section(
        `*${text}*\nLinked so far: ${current ? code(current) : "with nothing"}. Confirm only what you know to be theirs: rules may go by it.`,
      ),
      {
        type: "actions",
        elements: [linkButton(confirmLinkAction, "Confirm", value), linkButton(refuseLinkAction, "Refuse", value)],
      },
    ],
  };
}

function linkButton(action: string, label: string, value: string) {
  const style = action === confirmLinkAction ? ("primary" as const) : ("danger" as const);
  return {
    type: "button" as const,
    action_id: action,
    text: { type: "plain_text" as const, text: label },
    value,
    style,
  };
}

/** What stands in the place of the question once it is decided. */
export function linkDecided(
  { user, arn }: Pick<LinkProposal, "user" | "arn">,
  confirmed: boolean,
  by: string,
): Message {
  const text = `${mention(user)} ${confirmed ? "is linked" : "was not linked"} with ${code(arn)}: ${confirmed ? "confirmed" : "refused"} by ${mention(by)}`;
  return { text, blocks: [section(text)] };
}

/** What the person is told by a direct message. */
export function linkOutcome(arn: string, confirmed: boolean, by: string): Message {
  const text = confirmed
    ? `${mention(by)} confirmed that you go by ${code(arn)}.`
    : `${mention(by)} did not confirm that you go by ${code(arn)}. Ask them why; nothing has changed.`;
  return { text, blocks: [section(text)] };
}

export function linkClickAnswer(
  refusal: "not-an-administrator" | "own-link" | "handled-already",
  administrators: readonly string[],
): Message {
  const others: Readonly<Record<typeof refusal, string>> = {
    "not-an-administrator": `You are no administrator. Who may confirm it: ${mentions(administrators)}.`,
    "own-link": "Nobody confirms a link of their own. Another administrator has to.",
    "handled-already": "This is handled already, or another ARN was asked for since.",
  };
  return answer(others[refusal]);
}
