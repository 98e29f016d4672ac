import { z } from "zod";
import { explainFailure } from "../../access/access-error.ts";
import { linkEvent } from "../../access/audit-event.ts";
import { linkInAccountOf } from "../../access/identities.ts";
import { parseJson } from "../../access/seal.ts";
import { type LinkProposal, sealLink } from "../../access/seals.ts";
import { refuseActor } from "../app/admission.ts";
import { acknowledgeClick, answerWhereClicked, withoutButtons } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import type { ButtonClick } from "../app/payload.ts";
import { failureAnswer, type Message } from "../show/message.ts";
import { linkClickAnswer, linkOutcome } from "./link.ts";
import { closeQuestions, linkDecided } from "./link-questions.ts";

/** The button has the ARN too: Redis can change between the question and the click. */
const buttonValue = z.strictObject({ user: z.string(), id: z.string(), arn: z.string() });

export function handleConfirmLinkButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return handleLinkDecision(context, click, true);
}

export function handleRefuseLinkButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return handleLinkDecision(context, click, false);
}

async function handleLinkDecision(context: SlackContext, click: ButtonClick, confirmed: boolean): Promise<void> {
  const by = click.body.user.id;
  try {
    const decided = await acknowledgeClick(
      context,
      click,
      decideLink(context, click.action.value ?? "", by, confirmed),
    );
    if (decided.type === "refused") {
      await answerWhereClicked(context, click, decided.answer);
      const settled = decided.isOver ? withoutButtons(click.body, decided.answer.text) : null;
      return settled ? void (await click.respond({ replace_original: true, ...settled })) : undefined;
    }
    const { user, arn } = decided.proposal;
    const outcome = linkDecided(decided.proposal, confirmed, by);
    await click.respond({ replace_original: true, ...outcome });
    await click.client.chat.postMessage({ channel: user, ...linkOutcome(arn, confirmed, by) });
    await closeQuestions(context, click.client, user, outcome, click.body.message?.ts);
  } catch (error) {
    context.log.error({ err: error }, "could not decide about a link, or could not announce the outcome");
    await answerWhereClicked(context, click, failureAnswer(explainFailure(error)));
  }
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
  const turnedAway = await refuseActor(context, by, "confirm-link");
  if (turnedAway) return { type: "refused", answer: turnedAway, isOver: false };
  const refused = async (code: Parameters<typeof linkClickAnswer>[0], of = ""): Promise<Decided> => {
    await noteAttempt(context, { act: "confirm-link", by, code, detail: { confirmed, user: of.slice(0, 60) } });
    return { type: "refused", answer: linkClickAnswer(code, administrators), isOver: code !== "own-link" };
  };
  if (!administrators.includes(by)) return refused("not-an-administrator");
  const button = buttonValue.safeParse(parseJson(value));
  const proposal = button.success ? await context.ledger.linkProposalOf(button.data.user) : null;
  if (!button.success || proposal?.id !== button.data.id || proposal.arn !== button.data.arn)
    return refused("handled-already", button.data?.user);
  const { id, user, arn } = proposal;
  if (user === by) return refused("own-link", user);
  const links = await context.ledger.linksOf(user);
  const type = confirmed ? "link.confirmed" : "link.refused";
  const now = context.now();
  const event = linkEvent(type, by, now, { user, arn, before: linkInAccountOf(links, arn)?.arn ?? null });
  const link = { arn, seal: sealLink(user, arn, { by, at: now.toISOString() }, context.keys.decision) };
  const change = { user, expected: id, link: confirmed ? link : null, proposal: null, event };
  return (await context.ledger.changeLink(change)) ? { type: "decided", proposal } : refused("handled-already", user);
}
