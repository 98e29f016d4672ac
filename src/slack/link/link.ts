import type { WebClient } from "@slack/web-api";
import { z } from "zod";
import { explainFailure } from "../../access/access-error.ts";
import { ownArnWords } from "../../access/ask/read-part.ts";
import { arnIn } from "../../access/ask/request-line.ts";
import { linkEvent } from "../../access/audit-event.ts";
import { linkInAccountOf } from "../../access/identities.ts";
import { mayLink } from "../../access/policy/permissions.ts";
import { parseJson } from "../../access/seal.ts";
import { isAcceptedLink, type LinkProposal, sealLink } from "../../access/seals.ts";
import { acknowledgeClick, answerWhereClicked, type Buttons } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { Command, SlackContext } from "../app/context.ts";
import type { ButtonClick } from "../app/payload.ts";
import { needsRenewal } from "../app/request-people.ts";
import { refuseTooMany } from "../ask/limits.ts";
import { confirmLinkAction, refuseLinkAction } from "../show/buttons.ts";
import { withoutButtons } from "../show/lost-cards.ts";
import { answer, failureAnswer, type Message, onlyAnswer, ownAnswer } from "../show/message.ts";
import { code, firstOf, mention, mentions, oneOf, styled, time } from "../show/mrkdwn.ts";
import { askAdministrators, closeQuestions, linkDecided, linkMade, othersThan } from "./link-questions.ts";

/** For a link without a valid seal. A sentence. */
const linkNeedsRenewal = `Your link needs renewing: run ${code("/eks-access link <arn>")}.`;

const onlyAdministrator = "Another administrator must confirm it. Ask an operator for one.";

const askAgainAfterMs = 10 * 60_000;

export const link: Command = {
  word: "link",
  usage: "[<arn>]",
  summary: "links you to your IAM role or user, or shows your link",
  records: true,
  run: async (context, { user, rest, client }) => {
    const [links, waiting] = await Promise.all([context.ledger.linksOf(user), context.ledger.linkProposalOf(user)]);
    if (rest === "") {
      const identities = links.map((link) => ({ arn: link.arn, needsRenewal: needsRenewal(context, user, link) }));
      return linkStateAnswer(identities, waiting);
    }
    const { config, keys } = context;
    const { linking, clusters } = config;
    const verdict = mayLink(arnIn(rest).slice(0, 2048), [...clusters.values()]);
    if (verdict.type === "refused") {
      await noteAttempt(context, { act: "link", by: user, code: verdict.code });
      return linkRefusedAnswer(verdict.message);
    }
    const { principal, noticed } = verdict;
    const known = linkInAccountOf(links, principal.arn);
    const current = known?.arn ?? null;
    // That of a first request alone makes no one believe it.
    if (known && current === principal.arn && isAcceptedLink(user, known, linking.mustBeConfirmed, keys.decision))
      return answer(`You are already linked to ${code(principal.arn)}.`);
    const tooMany = await refuseTooMany(context, user, "requests");
    if (tooMany) return tooMany;
    const wanted = { user, arn: principal.arn, before: current };
    if (!linking.mustBeConfirmed) return make(context, client, wanted, noticed);
    if (othersThan(user, linking.administrators).length === 0) return linkRefusedAnswer(onlyAdministrator);
    if (waiting?.arn === principal.arn) return askAgain(context, client, waiting, current);
    return propose(context, client, wanted);
  },
};

interface WantedLink {
  readonly user: string;
  readonly arn: string;
  /** Their link in the same account. */
  readonly before: string | null;
}

async function make(
  context: SlackContext,
  client: WebClient,
  { user, arn, before }: WantedLink,
  noticed: string | null,
): Promise<Message> {
  const now = context.now();
  const event = linkEvent("link.made", user, now, { user, arn, before });
  const link = { arn, seal: sealLink(user, arn, { by: user, at: now.toISOString() }, context.keys.decision) };
  await context.ledger.changeLink({ user, expected: null, link, proposal: null, event });
  await closeQuestions(context, client, user, linkMade(user, arn));
  return linkedAnswer(arn, noticed);
}

/** Nothing changes before an administrator confirms it. */
async function propose(context: SlackContext, client: WebClient, { user, arn, before }: WantedLink): Promise<Message> {
  const now = context.now();
  const proposal: LinkProposal = { id: context.newRequestId(), user, arn, at: now.toISOString() };
  const event = linkEvent("link.proposed", user, now, { user, arn, before });
  await context.ledger.changeLink({ user, expected: null, link: null, proposal, event });
  await mayAskNow(context, user);
  return ask(context, client, proposal, { current: before, isRepeated: false });
}

/** A direct message can get lost, so a person can ask again after some time. */
async function askAgain(context: SlackContext, client: WebClient, proposal: LinkProposal, before: string | null) {
  if (await mayAskNow(context, proposal.user))
    return ask(context, client, proposal, { current: before, isRepeated: true });
  return answer(waitsText(proposal, oneOf(othersThan(proposal.user, context.config.linking.administrators))));
}

async function ask(...asked: Parameters<typeof askAdministrators>): Promise<Message> {
  const [{ config }, , { user, arn }] = asked;
  return proposedAnswer(arn, await askAdministrators(...asked), othersThan(user, config.linking.administrators));
}

function mayAskNow({ ledger }: SlackContext, user: string): Promise<boolean> {
  return ledger.takeTurn(`link-${user}`, askAgainAfterMs);
}

export interface LinkedIdentity {
  readonly arn: string;
  /** Whether rules ignore it until the person links again. */
  readonly needsRenewal: boolean;
  /** Whether a worker found it in IAM Identity Center; otherwise it is a link. */
  readonly isFound?: boolean;
}

const maxIdentities = 12;

export function identityLines(identities: readonly LinkedIdentity[]): string[] {
  const lines = identities.map(({ arn, needsRenewal, isFound }) => {
    const note = isFound ? " (IAM Identity Center)" : needsRenewal ? `. ${linkNeedsRenewal}` : "";
    return `• ${code(arn, 150)}${note}`;
  });
  return firstOf(lines, maxIdentities, (left) => `${left} more`);
}

export function linkStateAnswer(identities: readonly LinkedIdentity[], proposal: LinkProposal | null): Message {
  const linked =
    identities.length > 0 ? ["Your AWS identities:", ...identityLines(identities)] : ["No linked AWS identity."];
  const waiting = proposal ? [waitsText(proposal, "an administrator")] : [];
  return answer([...linked, ...waiting, styled(ownArnWords)].join("\n"));
}

export function linkedAnswer(arn: string, noticed: string | null): Message {
  const what = noticed ? ` ${styled(noticed, 300)}` : "";
  return answer(`You are linked to ${code(arn)} now.${what} Next: ${code("/eks-access request")}.`);
}

export function proposedAnswer(arn: string, reached: readonly string[], administrators: readonly string[]): Message {
  const who =
    reached.length > 0
      ? `Asked: ${mentions(reached)}.`
      : `Couldn't reach an administrator. Try again in ten minutes, or ask ${oneOf(administrators)}.`;
  return answer(`An administrator must confirm your link to ${code(arn)}. ${who}`);
}

function waitsText({ arn, at }: LinkProposal, who: string): string {
  return `${code(arn)} has waited since ${time(at)} for ${who}.`;
}

export function linkRefusedAnswer(message: string): Message {
  return answer(`No link made. ${styled(message, 1500)}`);
}

export function linkOutcome(arn: string, confirmed: boolean, by: string): Message {
  return answer(
    confirmed
      ? `${mention(by)} confirmed your link to ${code(arn)}.`
      : `${mention(by)} refused your link to ${code(arn)}. Ask them why.`,
  );
}

function linkClickAnswer(
  refusal: "not-an-administrator" | "own-link" | "handled-already",
  administrators: readonly string[],
): Message {
  if (refusal === "own-link") return ownAnswer("link", "another administrator");
  if (refusal === "not-an-administrator") return onlyAnswer(oneOf(administrators) || "an administrator");
  return answer("Decided or replaced.");
}

/** The button has the ARN too: Redis can change between the question and the click. */
const buttonValue = z.strictObject({ user: z.string(), id: z.string(), arn: z.string() });

export const linkButtons: Buttons = {
  [confirmLinkAction]: (context, click) => handleLinkDecision(context, click, true),
  [refuseLinkAction]: (context, click) => handleLinkDecision(context, click, false),
};

async function handleLinkDecision(context: SlackContext, click: ButtonClick, confirmed: boolean): Promise<void> {
  const by = click.body.user.id;
  try {
    const deciding = decideLink(context, click.action.value ?? "", by, confirmed);
    const decided = await acknowledgeClick(context, click, deciding);
    if (decided.type === "refused") {
      await answerWhereClicked(context, click, decided.answer);
      const settled = decided.isOver ? withoutButtons(click.body, decided.answer.text) : null;
      return settled ? void (await click.respond({ replace_original: true, ...settled })) : undefined;
    }
    await announce(context, click, decided.proposal, confirmed);
  } catch (error) {
    context.log.error({ err: error }, "could not decide about a link");
    await answerWhereClicked(context, click, failureAnswer(explainFailure(error)));
  }
}

/** It is decided: what Slack does not take keeps back nothing else, and no one reads of a failure. */
async function announce(context: SlackContext, click: ButtonClick, proposal: LinkProposal, confirmed: boolean) {
  const { respond, client, body } = click;
  const { user, arn } = proposal;
  const outcome = linkDecided(proposal, confirmed, body.user.id);
  const [replaced, told] = await Promise.allSettled([
    respond({ replace_original: true, ...outcome }),
    client.chat.postMessage({ channel: user, ...linkOutcome(arn, confirmed, body.user.id) }),
  ]);
  for (const each of [replaced, told])
    if (each.status === "rejected") context.log.error({ err: each.reason }, "could not announce a decided link");
  const ts = replaced.status === "fulfilled" ? body.message?.ts : "";
  await closeQuestions(context, client, user, outcome, ts);
}

type Decided =
  | { readonly type: "decided"; readonly proposal: LinkProposal }
  /** `isOver`: nothing waits for this button any more, or nothing by this person. */
  | { readonly type: "refused"; readonly answer: Message; readonly isOver: boolean };

/** Decides once about the button's proposal. `value`: the button's. */
export async function decideLink(
  context: SlackContext,
  value: string,
  by: string,
  confirmed: boolean,
): Promise<Decided> {
  const { administrators } = context.config.linking;
  const refused = async (code: Parameters<typeof linkClickAnswer>[0], of = ""): Promise<Decided> => {
    await noteAttempt(context, { act: "confirm-link", by, code, detail: { confirmed, user: of.slice(0, 60) } });
    return { type: "refused", answer: linkClickAnswer(code, administrators), isOver: code !== "own-link" };
  };
  const ids = await context.directory.idsOf(by);
  if (!administrators.some((each) => ids.includes(each))) return refused("not-an-administrator");
  const button = buttonValue.safeParse(parseJson(value));
  const proposal = button.success ? await context.ledger.linkProposalOf(button.data.user) : null;
  if (!button.success || proposal?.id !== button.data.id || proposal.arn !== button.data.arn)
    return refused("handled-already", button.data?.user);
  const { id, user, arn } = proposal;
  if (ids.includes(user)) return refused("own-link", user);
  const links = await context.ledger.linksOf(user);
  const type = confirmed ? "link.confirmed" : "link.refused";
  const now = context.now();
  const event = linkEvent(type, by, now, { user, arn, before: linkInAccountOf(links, arn)?.arn ?? null });
  const link = { arn, seal: sealLink(user, arn, { by, at: now.toISOString() }, context.keys.decision) };
  const change = { user, expected: id, link: confirmed ? link : null, proposal: null, event };
  return (await context.ledger.changeLink(change)) ? { type: "decided", proposal } : refused("handled-already", user);
}
