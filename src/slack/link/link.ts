import type { WebClient } from "@slack/web-api";
import { sealLink } from "../../access/approval/seal-link.ts";
import { linkEvent } from "../../access/audit/link-event.ts";
import { mayLink } from "../../access/policy/may-link.ts";
import type { LinkProposal } from "../../ledger/ledger.ts";
import type { Command } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { refuseTooMany } from "../ask/limits.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt } from "../people/attempts.ts";
import { isToBeMadeAgain } from "../people/standing.ts";
import {
  alreadyLinkedAnswer,
  linkedAnswer,
  linkQuestion,
  linkRefusedAnswer,
  linkStateAnswer,
  proposedAnswer,
  stillProposedAnswer,
} from "./link-answers.ts";

/** More administrators than anybody names; each is one call to Slack. */
const mostAsked = 10;
const askAgainAfterMs = 10 * 60_000;

export const link: Command = {
  word: "link",
  usage: "[<arn>]",
  summary: "links you with your IAM role or user, or shows with which you are linked",
  records: true,
  run: async (context, { user, rest, client }) => {
    const [known, waiting] = await Promise.all([context.ledger.linkOf(user), context.ledger.linkProposalOf(user)]);
    const current = known?.arn ?? null;
    const again = isToBeMadeAgain(context, user, known);
    if (rest === "") return linkStateAnswer(current, waiting, again);
    const { linking, clusters } = context.config;
    const turnedAway = await refuseActor(context, user, "link");
    if (turnedAway) return turnedAway;
    const verdict = mayLink(rest.slice(0, 2048), [...clusters.values()]);
    if (verdict.type === "refused") {
      await noteAttempt(context, { act: "link", by: user, code: verdict.code });
      return linkRefusedAnswer(verdict.message);
    }
    const { principal, noticed } = verdict;
    if (current === principal.arn && !again) return alreadyLinkedAnswer(principal.arn);
    const tooMany = await refuseTooMany(context, user, "requests");
    if (tooMany) return tooMany;
    if (!linking.mustBeConfirmed) return make(context, user, principal.arn, current, noticed);
    if (waiting?.arn === principal.arn) return askAgain(context, client, waiting, current);
    return propose(context, client, user, principal.arn, current);
  },
};

async function make(
  context: SlackContext,
  user: string,
  arn: string,
  before: string | null,
  noticed: string | null,
): Promise<Message> {
  const now = context.now();
  const event = linkEvent("link.made", user, now, { user, arn, before });
  const link = { arn, seal: sealLink(user, arn, { by: user, at: now.toISOString() }, context.keys.decision) };
  await context.ledger.changeLink({ user, expected: null, link, proposal: null, event });
  return linkedAnswer(arn, noticed);
}

/** Nothing changes before an administrator has confirmed it. */
async function propose(
  context: SlackContext,
  client: WebClient,
  user: string,
  arn: string,
  before: string | null,
): Promise<Message> {
  const now = context.now();
  const proposal: LinkProposal = { id: context.newRequestId(), user, arn, at: now.toISOString() };
  const event = linkEvent("link.proposed", user, now, { user, arn, before });
  await context.ledger.changeLink({ user, expected: null, link: null, proposal, event });
  await mayAskNow(context, user);
  return ask(context, client, proposal, before);
}

/** A direct message may not have come; but nobody is asked again and again. */
async function askAgain(
  context: SlackContext,
  client: WebClient,
  proposal: LinkProposal,
  before: string | null,
): Promise<Message> {
  if (await mayAskNow(context, proposal.user)) return ask(context, client, proposal, before);
  return stillProposedAnswer(proposal, othersThan(proposal.user, context.config.linking.administrators));
}

function mayAskNow({ ledger }: SlackContext, user: string): Promise<boolean> {
  return ledger.takeTurn(`link-${user}`, askAgainAfterMs);
}

/** Asks the administrators by direct messages. @returns to whom they came */
async function ask(
  { config, log }: SlackContext,
  client: WebClient,
  proposal: LinkProposal,
  before: string | null,
): Promise<Message> {
  const administrators = othersThan(proposal.user, config.linking.administrators);
  const { text, blocks } = linkQuestion(proposal, before);
  const asked = administrators.slice(0, mostAsked);
  const results = await Promise.allSettled(
    asked.map((channel) => client.chat.postMessage({ channel, text, blocks: [...blocks] })),
  );
  const reached = asked.filter((_, index) => results[index]?.status === "fulfilled");
  if (reached.length < asked.length)
    log.warn({ reached, asked }, "not every administrator could be asked about a link");
  return proposedAnswer(proposal.arn, reached, administrators);
}

function othersThan(user: string, administrators: readonly string[]): readonly string[] {
  return administrators.filter((each) => each !== user);
}
